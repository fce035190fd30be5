package svc

import (
	"errors"
	"fmt"
	"strings"
)

const settingsHint = "`wamux help config` lists every setting"

// arguments are those of a command.
type arguments struct {
	words  []string            // what is no flag: verbs, names, texts
	given  map[string][]string // the command's own flags
	config []string            // the settings
}

// parseArguments takes apart the arguments of a command. own names its flags,
// with their dashes, and whether they take a value, which may not be empty: "$NEW"
// is when nothing set it. Behind -- all are words, and - is one, too.
func parseArguments(args []string, own map[string]bool) (arguments, error) {
	a := arguments{given: map[string][]string{}}
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		name, value, joined := strings.Cut(arg, "=")
		takesValue, mine := own[name]
		setting, known := optionByFlag(strings.TrimLeft(name, "-"))
		switch {
		case arg == "--":
			a.words = append(a.words, args...)
			return a, nil
		case arg == "-" || !strings.HasPrefix(arg, "-"):
			a.words = append(a.words, arg)
		case mine && joined && !takesValue:
			return a, fmt.Errorf("%s takes no value", name)
		case mine && takesValue && (joined && value == "" || !joined && (len(args) == 0 || args[0] == "")):
			return a, fmt.Errorf("%s needs a value", name)
		case mine && takesValue && !joined:
			a.given[name], args = append(a.given[name], args[0]), args[1:]
		case mine:
			a.given[name] = append(a.given[name], value)
		case known && setting.flag != "" && !joined && len(args) > 0:
			a.config, args = append(a.config, arg, args[0]), args[1:]
		default:
			a.config = append(a.config, arg)
		}
	}
	return a, nil
}

// has tells whether a flag of the command's own was given.
func (a arguments) has(flag string) bool { return len(a.given[flag]) > 0 }

// last is what a flag was given as, the last time; "" when it was not.
func (a arguments) last(flag string) string {
	if all := a.given[flag]; len(all) > 0 {
		return all[len(all)-1]
	}
	return ""
}

// prepared takes apart the arguments of a command, own being its flags, and reads the
// settings. check says what is wrong with the arguments, and hint what to do then; ok
// is false when something was, which it told: the command ends with exitUsage.
func (p program) prepared(args []string, own map[string]bool, check func(arguments) error, hint string) (a arguments, c Config, ok bool) {
	a, err := parseArguments(args, own)
	if err == nil {
		err = check(a)
	}
	if err != nil {
		p.fail(exitUsage, err, hint)
		return a, c, false
	}
	if c, err = p.config(a.config); err != nil {
		p.fail(exitUsage, err, settingsHint)
		return a, c, false
	}
	return a, c.orService(thisHost()), true
}

// noWords checks the arguments of a command that stands alone.
func noWords(a arguments) error {
	if len(a.words) > 0 {
		return fmt.Errorf("the command takes no words behind it, but got %q", a.words[0])
	}
	return nil
}

// oneFile checks the arguments of a command whose one word is a file.
func oneFile(a arguments) error {
	switch len(a.words) {
	case 0:
		return errors.New("no file is named")
	case 1:
		return nil
	}
	return fmt.Errorf("%q is one file too many", a.words[1])
}
