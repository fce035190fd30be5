package svc

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"

	"wamux/store"
	"wamux/store/signal"
)

const sessionsUsage = `Sessions. Each is one WhatsApp account, linked as a device of its phone.

    wamux sessions [list]          all sessions, their numbers and states
    wamux sessions add ID          make the session when there is none, and link it: shows the QR code, a new one when it
                                   changes, and ends when the phone has scanned it. On a terminal that is too small for
                                   the code, and where there is none, it names a picture and a link instead
      --png FILE                   the picture goes into FILE; it is removed at the end
      --scan PHONE                 with the sandbox: a simulated phone of this number, made when need be, scans the code
    wamux sessions code ID PHONE   link it without a camera: shows a code to type on the phone with this number
    wamux sessions start ID        connect
    wamux sessions stop ID         disconnect, and stay linked
    wamux sessions restart ID      disconnect and connect again
    wamux sessions logout ID       unlink the account at WhatsApp; the history stays
    wamux sessions delete ID       log out, and remove the session with its history and events
      --yes                        do not ask
    wamux sessions undelete ID     put back what WhatsApp deleted of a session, within 7 days

Settings are given as to ` + "`wamux run`" + `, above all --sandbox and --database: they say which gateway is meant. The list, and
undelete, also work when none runs.

Example:
    $ wamux run &
    $ wamux sessions add shop
    $ wamux send shop 6282222222222 "Hello Sari"
`

func sessionCommands() map[string]verb {
	return map[string]verb{
		"list":     {0, program.listSessions},
		"add":      {1, program.addSession},
		"code":     {2, program.pairByCode},
		"start":    {1, ordered("start", "%s is started: `wamux sessions` shows its state.\n")},
		"stop":     {1, ordered("stop", "%s is stopped, and stays linked.\n")},
		"restart":  {1, ordered("restart", "%s is started again: `wamux sessions` shows its state.\n")},
		"logout":   {1, ordered("logout", "%s is logged out: its phone lists it no more.\n")},
		"delete":   {1, program.deleteSession},
		"undelete": {1, program.undelete},
	}
}

func sessionVerbs() []string { return slices.Sorted(maps.Keys(sessionCommands())) }

// sessions does something with the sessions, or one of them.
func (p program) sessions(ctx context.Context, args []string) int {
	return p.verb(ctx, "sessions", args, sessionCommands(), map[string]bool{"--png": true, "--scan": true, "--yes": false})
}

// ordered makes a verb that is one request of the API, and a sentence when it is done.
func ordered(name, done string) func(program, context.Context, Config, arguments) int {
	return func(p program, ctx context.Context, c Config, a arguments) int {
		return p.live(c, func(r *remote) error {
			err := r.call(ctx, "POST", sessionPath(a.words[0])+"/"+name, nil, nil)
			if err == nil {
				fmt.Fprintf(p.stdout, done, a.words[0])
			}
			return err
		})
	}
}

func sessionPath(id string) string { return "/v1/sessions/" + url.PathEscape(id) }

// deleteSession asks first where somebody sits: nothing brings a session back.
func (p program) deleteSession(ctx context.Context, c Config, a arguments) int {
	id := a.words[0]
	return p.live(c, func(r *remote) error {
		if err := r.call(ctx, "GET", sessionPath(id), nil, nil); err != nil {
			return err
		}
		if !a.has("--yes") && isTerminal(p.stdin) && !p.confirmed(ctx, id) {
			return &store.Error{Message: id + " was not deleted", Hint: "type its name when you are asked, or add --yes"}
		}
		err := r.call(ctx, "DELETE", sessionPath(id), nil, nil)
		if err == nil {
			fmt.Fprintf(p.stdout, "%s is deleted, with its history.\n", id)
		}
		return err
	})
}

// confirmed lets the person type the name of what will be gone.
func (p program) confirmed(ctx context.Context, id string) bool {
	fmt.Fprintf(p.stderr, "This removes %s and its whole history. Type its name to go on: ", id)
	line := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(p.stdin)
		lines.Scan()
		line <- strings.TrimSpace(lines.Text())
	}()
	select {
	case typed := <-line:
		return typed == id
	case <-ctx.Done():
		return false
	}
}

// listed is a session as the list shows it, and as /v1 names its fields.
type listed struct {
	ID, State, Code, Reason, Next string
	Me                            *struct{ Phone string }
}

func (l *listed) phone() string {
	if l.Me == nil || l.Me.Phone == "" {
		return "-"
	}
	return l.Me.Phone
}

// told is its state as a sentence, and why it is so where that is known.
func (l *listed) told() string {
	return strings.TrimSpace(l.ID + " is " + strings.ReplaceAll(l.State, "_", " ") + ". " + l.Reason)
}

func (p program) listSessions(ctx context.Context, c Config, _ arguments) int {
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
		if err == nil {
			p.tellSessions(list)
		}
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
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", s.ID, s.phone(), s.State, s.Reason)
	}
	table.Flush()
}

// undelete puts the credentials back, on the file or through the running gateway.
func (p program) undelete(ctx context.Context, c Config, a arguments) int {
	id := a.words[0]
	return p.onFile(ctx, c, func(db *store.DB) error {
		if err := undeleteIn(ctx, db, id); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s has its credentials back, and connects when wamux starts.\n", id)
		return nil
	}, func(r *remote) error {
		if err := r.call(ctx, "POST", sessionPath(id)+"/undelete", nil, nil); err != nil {
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
