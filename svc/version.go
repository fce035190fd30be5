package svc

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
)

const whatsmeowPath = "go.mau.fi/whatsmeow"

// buildVersion is what the Go tool wrote into the binary: the module's version
// or, between releases, the commit.
func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}

// commitOf is the commit that a binary was built from and when that was made, or
// "" where the Go tool was told or saw none.
func commitOf(info *debug.BuildInfo) string {
	said := map[string]string{}
	for _, s := range info.Settings {
		said[s.Key] = s.Value
	}
	if said["vcs.revision"] == "" {
		return ""
	}
	text := "commit " + said["vcs.revision"] + " of " + said["vcs.time"]
	if said["vcs.modified"] == "true" {
		text += ", with changes"
	}
	return text + "\n"
}

func dependencyVersion(path string) string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return "unknown"
	}
	for _, dep := range info.Deps {
		if dep.Path == path {
			return dep.Version
		}
	}
	return "unknown"
}

func (p program) version(_ context.Context, args []string) int {
	if len(args) > 0 {
		return p.fail(exitUsage, fmt.Errorf("version takes no arguments, but got %q", args[0]), "call `wamux version` alone")
	}
	commit := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		commit = commitOf(info)
	}
	fmt.Fprintf(p.stdout, "wamux %s\n%swhatsmeow %s\n%s %s/%s\n", buildVersion(), commit,
		dependencyVersion(whatsmeowPath), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}
