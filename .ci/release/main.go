// Command release makes what people download of wamux, in one folder: binaries, archives, Debian and RPM packages, lists
// of parts (SBOM), an OCI image and SHA256SUMS over all of it. The same commit and the same Go give the same bytes, wherever
// and whenever it runs. It knows no package but those of Go, and the list of root certificates that goes into the image.
//
// The version is what Go makes of the commit: its tag (v1.0.0), or a number that says what came before it. For the latter
// the earlier tags have to be there, which a shallow clone lacks.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run makes the release that args ask for, and tells log what it does.
func run(args []string, log io.Writer) error {
	flags := flag.NewFlagSet("release", flag.ContinueOnError)
	flags.SetOutput(log)
	root := flags.String("root", "../..", "the folder with wamux's go.mod")
	out := flags.String("out", "", "folder to write, which is emptied first (default: dist in root)")
	only := flags.String("targets", "", "build only these, such as linux/amd64,linux/arm/7 (default: all)")
	maintainer := flags.String("maintainer", "wamux maintainers <wamux@example.org>", "who the packages name")
	url := flags.String("url", "", "home page that the packages name")
	dirty := flags.Bool("dirty", false, "go on where files are not as committed: to try, never to publish")
	unit := flags.String("unit", "", "take the systemd unit from this file, not from the program: for tests")
	if err := flags.Parse(args); err != nil {
		return err
	}
	targets, err := chosen(*only)
	if err != nil {
		return err
	}
	r := release{out: *out, targets: targets, maintainer: *maintainer, url: *url, dirty: *dirty, unitFile: *unit, log: log}
	if r.root, err = filepath.Abs(*root); err != nil {
		return err
	}
	if r.out == "" {
		r.out = filepath.Join(r.root, "dist")
	}
	return r.make()
}

// chosen are the targets with these names, all for none.
func chosen(names string) ([]target, error) {
	if names == "" {
		return allTargets(), nil
	}
	var some []target
	for _, name := range strings.Split(names, ",") {
		found := false
		for _, t := range allTargets() {
			if t.String() == name {
				some, found = append(some, t), true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no target %q; there are %v", name, allTargets())
		}
	}
	return some, nil
}
