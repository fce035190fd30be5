package svc

import (
	"context"
	"fmt"
	"slices"
)

// command is a word behind wamux, as data: dispatch, help and completion walk
// one table.
type command struct {
	name  string
	run   func(program, context.Context, []string) int
	usage string   // what `wamux help NAME` prints; "" prints the text about everything
	verbs []string // the words that may follow
	flags []string // its own, beside the settings
	bare  bool     // takes no settings
}

func commands() []command {
	return []command{
		{name: "run", run: program.run, flags: []string{"--sandbox"}},
		{name: "sandbox", run: program.sandbox},
		{name: "sessions", run: program.sessions, usage: sessionsUsage, verbs: sessionVerbs(), flags: []string{"--png", "--scan", "--yes"}},
		{name: "send", run: program.send, usage: sendUsage, flags: []string{"--file", "--as"}},
		{name: "apikey", run: program.apikey, usage: apikeyUsage, verbs: apikeyVerbs(), flags: []string{"--scopes", "--sessions"}},
		{name: "status", run: program.status, usage: statusUsage},
		{name: "doctor", run: program.doctor, usage: doctorUsage},
		{name: "recover", run: program.recover, flags: []string{"--to"}},
		{name: "backup", run: program.backup, flags: []string{"--encrypt"}},
		{name: "restore", run: program.restore, flags: []string{"--check", "--bare", "--identity"}},
		{name: "key", run: program.key, usage: keyUsage, verbs: keyVerbs(), flags: []string{"--out", "--pq", "--passphrase", "--keep"}},
		{name: "install", run: program.install, usage: serviceUsage, flags: []string{"--user", "--print", "--binary", "--name"}},
		{name: "uninstall", run: program.uninstall, usage: serviceUsage, flags: serviceFlags(), bare: true},
		{name: "start", run: program.startService, usage: serviceUsage, flags: serviceFlags(), bare: true},
		{name: "stop", run: program.stopService, usage: serviceUsage, flags: serviceFlags(), bare: true},
		{name: "restart", run: program.restartService, usage: serviceUsage, flags: serviceFlags(), bare: true},
		{name: "config", run: program.showConfig},
		{name: "logs", run: program.logs, usage: logsUsage, flags: []string{"--lines", "--follow"}},
		{name: "licenses", run: program.licenses, bare: true},
		{name: "completion", run: program.completion, usage: completionUsage, verbs: completionShells(), bare: true},
		{name: "version", run: program.version, bare: true},
		{name: "help", run: program.help},
	}
}

func serviceFlags() []string { return []string{"--user", "--name"} }

func commandNamed(name string) (command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}

// verb is the second word of a command, as in `wamux sessions add`.
type verb struct {
	words int // that stand behind it
	run   func(program, context.Context, Config, arguments) int
}

// verb runs the verb of a command; list when none is given. own are the flags of
// all of them.
func (p program) verb(ctx context.Context, command string, args []string, verbs map[string]verb, own map[string]bool) int {
	a, config, ok := p.prepared(args, own, func(arguments) error { return nil }, helpOn(command))
	if !ok {
		return exitUsage
	}
	name := "list"
	if len(a.words) > 0 {
		name, a.words = a.words[0], a.words[1:]
	}
	v, ok := verbs[name]
	switch {
	case !ok:
		return p.fail(exitUsage, fmt.Errorf("there is no command %q", command+" "+name), helpOn(command))
	case len(a.words) != v.words:
		return p.fail(exitUsage, fmt.Errorf("%s %s takes %d words behind it, but got %d", command, name, v.words, len(a.words)), helpOn(command))
	}
	return v.run(p, ctx, config, a)
}

func helpOn(command string) string { return "`wamux help " + command + "` shows what there is" }
