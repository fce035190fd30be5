package svc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"

	"wamux/store"
	"wamux/store/signal"
)

const sessionsHint = "`wamux sessions list`, or `wamux sessions undelete ID`"

// sessions lists the sessions, or puts back what WhatsApp deleted of one.
func (p program) sessions(ctx context.Context, args []string) int {
	var words []string
	for len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		words, args = append(words, args[0]), args[1:]
	}
	config, err := p.config(args)
	if err != nil {
		return p.fail(exitUsage, err, sessionsHint)
	}
	switch {
	case len(words) == 0, len(words) == 1 && words[0] == "list":
		return p.listSessions(ctx, config)
	case len(words) == 2 && words[0] == "undelete":
		return p.undelete(ctx, config, words[1])
	}
	return p.fail(exitUsage, errors.New("there is no command \"sessions "+strings.Join(words, " ")+"\""), sessionsHint)
}

// listed is a session as the list shows it, and as /v1 names its fields.
type listed struct {
	ID, State, Reason string
	Me                *struct{ Phone string }
}

func (p program) listSessions(ctx context.Context, c Config) int {
	return p.onFile(ctx, c, func(db *store.DB) error {
		all, err := db.Sessions(ctx)
		var list []listed
		for _, s := range all {
			row := listed{ID: s.ID, State: string(s.State), Reason: s.Reason}
			if s.Phone != "" {
				row.Me = &struct{ Phone string }{s.Phone}
			}
			list = append(list, row)
		}
		p.tellSessions(list)
		return err
	}, func(r *remote) error {
		var list []listed
		for cursor := ""; ; {
			var page struct {
				Data       []listed
				NextCursor string
			}
			if err := r.call(ctx, "GET", "/v1/sessions?limit=1000&cursor="+url.QueryEscape(cursor), nil, &page); err != nil {
				return err
			}
			list = append(list, page.Data...)
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		p.tellSessions(list)
		return nil
	})
}

func (p program) tellSessions(list []listed) {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "session\tphone\tstate\twhy\n")
	for _, s := range list {
		phone := "-"
		if s.Me != nil && s.Me.Phone != "" {
			phone = s.Me.Phone
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.ID, phone, s.State, s.Reason)
	}
	table.Flush()
}

// undelete puts the credentials back, on the file or through the running gateway.
func (p program) undelete(ctx context.Context, c Config, id string) int {
	return p.onFile(ctx, c, func(db *store.DB) error {
		if err := undeleteIn(ctx, db, id); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s has its credentials back, and connects when wamux starts.\n", id)
		return nil
	}, func(r *remote) error {
		if err := r.call(ctx, "POST", "/v1/sessions/"+url.PathEscape(id)+"/undelete", nil, nil); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s has its credentials back, and connects now: `wamux sessions` shows its state.\n", id)
		return nil
	})
}

func undeleteIn(ctx context.Context, db *store.DB, id string) error {
	auth, err := signal.Open(ctx, db, nil)
	if err != nil {
		return err
	}
	if err := auth.Undelete(ctx, id); err != nil {
		return err
	}
	if err := db.SetWanted(ctx, id, store.WantRunning); err != nil {
		return err
	}
	return db.SetState(ctx, id, store.StateChange{State: store.StateOffline, Code: "undeleted",
		Reason: "What WhatsApp had deleted was put back.", Next: "It connects when wamux starts."})
}
