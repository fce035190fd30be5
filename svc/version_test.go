package svc

import (
	"runtime/debug"
	"testing"
)

// TestCommitOf: a binary says which commit it is of, and when that is not all.
func TestCommitOf(t *testing.T) {
	t.Parallel()
	of := func(pairs ...string) *debug.BuildInfo {
		info := new(debug.BuildInfo)
		for i := 0; i < len(pairs); i += 2 {
			info.Settings = append(info.Settings, debug.BuildSetting{Key: pairs[i], Value: pairs[i+1]})
		}
		return info
	}
	for name, c := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"none":    {of("GOOS", "linux"), ""},
		"clean":   {of("vcs.revision", "abc", "vcs.time", "2026-11-27T23:54:25Z", "vcs.modified", "false"), "commit abc of 2026-11-27T23:54:25Z\n"},
		"changed": {of("vcs.revision", "abc", "vcs.time", "2026-11-27T23:54:25Z", "vcs.modified", "true"), "commit abc of 2026-11-27T23:54:25Z, with changes\n"},
	} {
		if got := commitOf(c.info); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
