package svc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"wamux/store"
	"wamux/store/seal"
)

const restoreUsage = "`wamux restore FILE [--check] [--bare] [--identity FILE]`"

// restore puts a backup in the place of the database.
func (p program) restore(ctx context.Context, args []string) int {
	a, config, ok := p.prepared(args, map[string]bool{"--identity": true, "--bare": false, "--check": false}, func(a arguments) error {
		if len(a.words) == 1 && a.words[0] == "-" {
			return errors.New("a backup is read from a file, not from standard input")
		}
		return oneFile(a)
	}, restoreUsage)
	if !ok {
		return exitUsage
	}
	keys, err := p.restoreKeys(config, a.given["--identity"])
	if err != nil {
		return p.ended(err)
	}
	privateFiles()
	o := store.RestoreOptions{Path: config.Database, From: a.words[0], Keys: keys, Bare: a.has("--bare"), Check: a.has("--check")}
	done, err := store.Restore(ctx, o)
	if err == nil {
		p.tellRestored(config, done, o.Check)
	}
	return p.ended(err)
}

// restoreKeys reads the identities that open an encrypted backup: those that are
// named, else the one of the configuration; nil when there is none.
func (p program) restoreKeys(c Config, files []string) (*seal.Keys, error) {
	if len(files) == 0 {
		return c.keys.read()
	}
	var all []byte
	for _, name := range files {
		text, err := (&keyring{file: name, credential: true, passFile: c.PassphraseFile, ask: p.asker()}).text()
		if err != nil {
			return nil, err
		}
		all = append(append(all, text...), '\n')
	}
	keys, err := seal.Parse(all, nil)
	if err != nil {
		return nil, &store.Error{Message: fmt.Sprintf("%s cannot be used: %v", strings.Join(files, ", "), err), Hint: "name the age identity that opens the backup", Err: err}
	}
	return keys, nil
}

// tellRestored says what was done, and what to do.
func (p program) tellRestored(c Config, r *store.Restored, onlyLooked bool) {
	if onlyLooked {
		fmt.Fprintf(p.stdout, "the backup is good: %v\n", &r.BackupInfo)
		return
	}
	fmt.Fprintf(p.stdout, "restored %s: %v\n", r.Path, &r.BackupInfo)
	if r.Aside != "" {
		fmt.Fprintf(p.stdout, "the database that was there is kept as %s\n", r.Aside)
	}
	start := "wamux"
	if r.Mode == "sandbox" {
		start += " run --sandbox"
	}
	fmt.Fprintf(p.stdout, "next: start %s. The sessions stay linked; their encryption is negotiated anew, by itself.\n", start)
	if len(r.Sealed) > 0 {
		fmt.Fprintf(p.stdout, "note: its values are sealed to %s; the start needs one of these identities.\n", strings.Join(r.Sealed, ", "))
	}
	app := App{Config: c}
	if _, err := os.Stat(app.keyFile()); err != nil && len(c.APIKeys) == 0 {
		fmt.Fprintf(p.stdout, "note: there is no %s: put back the one of before, or set API_KEYS.\n", app.keyFile())
	}
	fmt.Fprintln(p.stdout, "note: nothing else may run with these accounts, such as another copy of the database.")
}
