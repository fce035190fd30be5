package svc_test

import (
	"math"
	"testing"
)

// TestMemoryProfile looks which limit the runtime has: that of the profile, unless the user set one, and works with little memory.
func TestMemoryProfile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env  []string
		want float64
	}{
		"Normal": {nil, math.MaxInt64},
		"Own":    {[]string{"GOMEMLIMIT=100MiB"}, 100 << 20},
		"Low":    {[]string{"MEMORY_PROFILE=low"}, 256 << 20},
		"LowOwn": {[]string{"MEMORY_PROFILE=low", "GOMEMLIMIT=100MiB"}, 100 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t, t.TempDir(), c.env, "run", "--sandbox")
			if s, _ := g.scrape(t, g.key); s.series["go_gc_gomemlimit_bytes"] != c.want {
				t.Errorf("got a limit of %v, want %v", s.series["go_gc_gomemlimit_bytes"], c.want)
			}
			if name != "Low" {
				return
			}
			g.pair("shop", ours)
			g.phone(theirs)
			for range 20 {
				must[object](g, 200, "POST", "/shop/messages/send", text(theirs, "with little memory"))
			}
			g.healthy(theirs)
		})
	}
}
