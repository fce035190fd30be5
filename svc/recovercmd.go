package svc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"wamux/store"
)

// recover saves what can be read from a damaged database.
func (p program) recover(ctx context.Context, args []string) int {
	to, args, err := cutFlag(args, "to")
	if err != nil {
		return p.fail(exitUsage, err, "`wamux recover --to new.db`, or without --to to put the damaged file aside")
	}
	config, err := p.config(args)
	if err != nil {
		return p.fail(exitUsage, err, "`wamux help config` lists every setting")
	}
	privateFiles()
	r, err := store.Recover(ctx, config.Database, to)
	if r != nil {
		tellRecovery(p.stdout, r)
	}
	return p.ended(err)
}

// tellRecovery says what was saved and where it is.
func tellRecovery(w io.Writer, r *store.Recovery) {
	var lost int64
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "table\tsaved\tlost\tdamaged pages\t\n")
	for _, t := range r.Tables {
		name := t.Table
		if name == "" {
			name = "of unknown tables"
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%d\t\n", name, t.Saved, lostRows(t), t.Pages)
		lost += t.Lost
	}
	table.Flush()
	fmt.Fprintf(w, "%s is whole: it was checked, and at least %d rows are lost.\n", r.File, lost)
	if r.Aside != "" {
		fmt.Fprintf(w, "The damaged file is kept as %s.\n", r.Aside)
	}
	fmt.Fprintln(w, "At the next start the encryption sessions are renewed, as after putting back a backup.")
}

// lostRows is how many rows are lost, as far as is known.
func lostRows(t store.Recovered) string {
	if t.Lost == 0 && t.Pages > 0 {
		return "?"
	}
	return fmt.Sprint(t.Lost)
}

// cutFlag takes the flag --name, which is no setting, out of args.
func cutFlag(args []string, name string) (value string, rest []string, err error) {
	for i := 0; i < len(args); i++ {
		flag, given, joined := strings.Cut(args[i], "=")
		if strings.TrimLeft(flag, "-") != name || !strings.HasPrefix(flag, "-") {
			rest = append(rest, args[i])
			continue
		}
		if value = given; !joined && i+1 < len(args) {
			i++
			value = args[i]
		}
		if value == "" {
			return "", nil, errors.New("--" + name + " needs a value")
		}
	}
	return value, rest, nil
}
