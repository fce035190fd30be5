package svc

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"wamux/store"
)

// recover saves what can be read from a damaged database.
func (p program) recover(ctx context.Context, args []string) int {
	a, config, ok := p.prepared(args, map[string]bool{"--to": true}, noWords, "`wamux recover --to new.db`, or without --to to put the damaged file aside")
	if !ok {
		return exitUsage
	}
	privateFiles()
	r, err := store.Recover(ctx, config.Database, a.last("--to"))
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
