package svc

import (
	"context"
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
}

func commands() []command {
	return []command{
		{name: "run", run: program.run, flags: []string{"--sandbox"}},
		{name: "sandbox", run: program.sandbox},
		{name: "sessions", run: program.sessions, usage: sessionsUsage, verbs: sessionVerbs(), flags: []string{"--png", "--scan", "--yes"}},
		{name: "recover", run: program.recover, flags: []string{"--to"}},
		{name: "backup", run: program.backup, flags: []string{"--encrypt"}},
		{name: "restore", run: program.restore, flags: []string{"--check", "--bare", "--identity"}},
		{name: "key", run: program.key, usage: keyUsage, verbs: keyVerbs(), flags: []string{"--out", "--pq", "--passphrase", "--keep"}},
		{name: "config", run: program.showConfig},
		{name: "version", run: program.version},
		{name: "help", run: program.help},
	}
}

func commandNamed(name string) (command, bool) {
	all := commands()
	i := slices.IndexFunc(all, func(c command) bool { return c.name == name })
	if i < 0 {
		return command{}, false
	}
	return all[i], true
}
