package svc

import (
	"fmt"
	"strings"
)

// arguments are those of a command.
type arguments struct {
	words  []string            // what is no flag: verbs, names, texts
	given  map[string][]string // the command's own flags
	config []string            // the settings
}

// parseArguments takes apart the arguments of a command. own names its flags,
// with their dashes, and whether they take a value. Behind -- all are words, and
// - is one, too.
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
		case mine && joined != takesValue && (joined || len(args) == 0):
			return a, fmt.Errorf("%s is given in a wrong way", name)
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
