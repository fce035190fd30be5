package svc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"wamux/store"
)

const statusUsage = `Is it running, and is it well.

    wamux status       where it listens, its version, how many sessions are in which state, and what is wrong with its disk,
                       its database or its key

The exit code is 0 when it runs and is well, 1 when something is wrong, 3 when it does not run. Settings are given as to
` + "`wamux run`" + `: they say which gateway is meant. ` + "`wamux doctor`" + ` looks closer, also when nothing runs.
`

// exitStopped is what status ends with where nothing runs, as init scripts do.
const exitStopped = 3

// status tells how the running gateway is.
func (p program) status(ctx context.Context, args []string) int {
	_, config, ok := p.prepared(args, nil, noWords, helpOn("status"))
	if !ok {
		return exitUsage
	}
	p.tellService(ctx, thisHost())
	r, err := config.running()
	if known := new(store.Error); errors.As(err, &known) && known.Name == "not_running" {
		fmt.Fprintln(p.stdout, "stopped: "+known.Message)
		fmt.Fprintln(p.stderr, "hint: "+known.Hint)
		return exitStopped
	} else if err != nil {
		return p.ended(err)
	}
	return p.tellStatus(ctx, config, r)
}

// tellStatus asks everything, whatever fails, and says what is wrong last.
func (p program) tellStatus(ctx context.Context, c Config, r *remote) int {
	var about struct{ Version string }
	var stats struct {
		Sessions struct {
			Total  int
			States map[string]int
		}
	}
	var vault vaultStatus
	err := r.call(ctx, "GET", "/v1/version", nil, &about)
	if err == nil {
		fmt.Fprintf(p.stdout, "running: %s, wamux %s\n", r.url, about.Version)
		fmt.Fprintf(p.stdout, "database: %s, %s\n", c.Database, sizeOf(c.Database))
		err = r.call(ctx, "GET", "/v1/stats", nil, &stats)
	}
	if err == nil {
		fmt.Fprintf(p.stdout, "sessions: %s\n", counted(stats.Sessions.Total, stats.Sessions.States))
		err = r.call(ctx, "GET", "/v1/seal", nil, &vault)
	}
	if err == nil {
		fmt.Fprintf(p.stdout, "secret values: %s\n", vault.told())
		err = errors.Join(r.call(ctx, "GET", "/healthz", nil, nil), vault.trouble())
	}
	return p.ended(err)
}

// vaultStatus is what /v1/seal answers.
type vaultStatus struct {
	State      string
	Recipients []string
	Problem    *struct{ Code, Message, Hint string }
}

func (v vaultStatus) told() string {
	if len(v.Recipients) == 0 {
		return v.State
	}
	return v.State + ", to " + keysCounted(len(v.Recipients))
}

func keysCounted(n int) string {
	if n == 1 {
		return "one key"
	}
	return fmt.Sprintf("%d keys", n)
}

func (v vaultStatus) trouble() error {
	if v.Problem == nil {
		return nil
	}
	return &store.Error{Name: v.Problem.Code, Message: v.Problem.Message, Hint: v.Problem.Hint}
}

// counted is how many sessions are in which state.
func counted(total int, states map[string]int) string {
	if total == 0 {
		return "none yet"
	}
	var parts []string
	for _, state := range slices.Sorted(maps.Keys(states)) {
		parts = append(parts, fmt.Sprintf("%d %s", states[state], state))
	}
	return fmt.Sprintf("%d: %s", total, strings.Join(parts, ", "))
}

func sizeOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "which cannot be seen"
	}
	return fmt.Sprintf("%.1f MiB", float64(info.Size())/(1<<20))
}
