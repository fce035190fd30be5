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
	fmt.Fprintf(p.stdout, "wamux %s\nwhatsmeow %s\n%s %s/%s\n", buildVersion(),
		dependencyVersion(whatsmeowPath), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return exitOK
}
