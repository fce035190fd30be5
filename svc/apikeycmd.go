package svc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"wamux/api"
	"wamux/store"
)

const apikeyUsage = `Keys for the API. Each may do what its scopes say, for all sessions or for some. What a key is, is shown once; the database
has only a hash of it.

    wamux apikey [list]            all keys, and when each was used last
    wamux apikey new NAME --scopes read,send [--sessions shop,help]
                                   make one, and print it. Scopes: read, send, manage (sessions and linking), metrics, admin
    wamux apikey delete ID         let nobody in with it any more, from this moment on

These work beside a running gateway and on a stopped one. admin.key, beside the database, is a key too: with it a command
finds its way in. Keys in API_KEYS are not listed.

Example:
    $ wamux apikey new cash-desk --scopes send --sessions shop
`

func apikeyCommands() map[string]verb {
	return map[string]verb{
		"list": {0, program.apikeyList}, "new": {1, program.apikeyNew}, "delete": {1, program.apikeyDelete},
	}
}

func apikeyVerbs() []string { return slices.Sorted(maps.Keys(apikeyCommands())) }

func (p program) apikey(ctx context.Context, args []string) int {
	return p.verb(ctx, "apikey", args, apikeyCommands(), map[string]bool{"--scopes": true, "--sessions": true})
}

// shownKey is a key as the list shows it, and as /v1 names its fields.
type shownKey struct {
	ID, Name, Key    string
	Scopes, Sessions []string
	LastUsedAt       *time.Time
}

func shownKeyOf(k *store.APIKey) shownKey {
	shown := shownKey{ID: k.ID, Name: k.Name, Sessions: k.Sessions}
	for _, s := range k.Scopes {
		shown.Scopes = append(shown.Scopes, string(s))
	}
	if !k.LastUsed.IsZero() {
		shown.LastUsedAt = &k.LastUsed
	}
	return shown
}

func (p program) apikeyList(ctx context.Context, c Config, _ arguments) int {
	return p.onFile(ctx, c, func(db *store.DB) error {
		all, err := db.APIKeys(ctx)
		var list []shownKey
		for _, k := range all {
			list = append(list, shownKeyOf(k))
		}
		if err == nil {
			p.tellKeys(list)
		}
		return err
	}, func(r *remote) error {
		var page struct{ Data []shownKey }
		err := r.call(ctx, "GET", "/v1/keys", nil, &page)
		if err == nil {
			p.tellKeys(page.Data)
		}
		return err
	})
}

func (p program) tellKeys(list []shownKey) {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "id\tname\tscopes\tsessions\tlast used\n")
	for _, k := range list {
		used, sessions := "never", strings.Join(k.Sessions, ",")
		if k.LastUsedAt != nil {
			used = k.LastUsedAt.Local().Format("2006-01-02 15:04")
		}
		if sessions == "" {
			sessions = "all"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Name, strings.Join(k.Scopes, ","), sessions, used)
	}
	table.Flush()
}

func (p program) apikeyNew(ctx context.Context, c Config, a arguments) int {
	name, sessions := a.words[0], list(a.last("--sessions"))
	var scopes []store.Scope
	for _, s := range list(a.last("--scopes")) {
		scopes = append(scopes, store.Scope(s))
	}
	if a.has("--sessions") && len(sessions) == 0 { // which would be all
		return p.fail(exitUsage, errors.New("--sessions names none"), helpOn("apikey"))
	}
	if err := api.CheckKey(name, scopes, sessions); err != nil {
		return p.fail(exitUsage, err, helpOn("apikey"))
	}
	return p.onFile(ctx, c, func(db *store.DB) error {
		k, secret, err := db.AddAPIKey(ctx, name, scopes, sessions)
		if err == nil {
			p.tellNewKey(k.ID, secret)
		}
		return err
	}, func(r *remote) error {
		var made shownKey
		in := map[string]any{"name": name, "scopes": scopes, "sessions": sessions}
		err := r.call(ctx, "POST", "/v1/keys", in, &made)
		if err == nil {
			p.tellNewKey(made.ID, made.Key)
		}
		return err
	})
}

// tellNewKey prints the key alone to standard output, for scripts.
func (p program) tellNewKey(id, secret string) {
	fmt.Fprintln(p.stdout, secret)
	fmt.Fprintf(p.stderr, "This is shown once. `wamux apikey delete %s` revokes it.\n", id)
}

func (p program) apikeyDelete(ctx context.Context, c Config, a arguments) int {
	id := a.words[0]
	code := p.onFile(ctx, c, func(db *store.DB) error { return db.RevokeAPIKey(ctx, id) },
		func(r *remote) error { return r.call(ctx, "DELETE", "/v1/keys/"+url.PathEscape(id), nil, nil) })
	if code == exitOK {
		fmt.Fprintf(p.stdout, "%s opens nothing any more.\n", id)
	}
	return code
}
