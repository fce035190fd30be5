package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// output runs a program in the repository and returns what it prints.
func (r *release) output(name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = r.root, r.log
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", filepath.Base(name), strings.Join(args, " "), err)
	}
	return out, nil
}

func (r *release) binary(t target) string {
	name := "wamux-" + t.slug()
	if t.os == "windows" {
		name += ".exe"
	}
	return filepath.Join(r.out, name)
}

// buildAll makes the binaries and holds each against what it says of itself.
func (r *release) buildAll() error {
	for _, t := range r.targets {
		file := r.binary(t)
		if err := r.build(t, file); err != nil {
			return err
		}
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			return err
		}
		if err := r.checkBuild(info); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		size, err := os.Stat(file)
		if err != nil {
			return err
		}
		fmt.Fprintf(r.log, "%9d %s %s\n", size.Size(), filepath.Base(file), r.version)
	}
	return nil
}

// build compiles one binary. What the machine has set that would change its bytes is set anew.
func (r *release) build(t target, file string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=true", "-ldflags=-s -w", "-o", file, ".")
	cmd.Dir, cmd.Stderr = r.root, r.log
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOARM="+t.arm, "GOAMD64=v1", "GOARM64=v8.0",
		"GOFLAGS=-mod=readonly", "GOWORK=off", "GOEXPERIMENT=", "GOFIPS140=off")
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build for %s: %w", t, err)
	}
	return nil
}

// checkBuild refuses a binary that is of something else than the commit, and one that contains a module whose licence is
// not in LICENSES.txt.
func (r *release) checkBuild(info *debug.BuildInfo) error {
	if got := setting(info, "vcs.revision"); got != r.commit {
		return fmt.Errorf("the binary says that it is of commit %q, not %q", got, r.commit)
	}
	if setting(info, "vcs.modified") != "false" && !r.dirty {
		return fmt.Errorf("files here are not as committed (`git status` names them): commit them, or say -dirty to try")
	}
	if r.version == "" {
		r.version = info.Main.Version
	}
	if info.Main.Version != r.version {
		return fmt.Errorf("the binary says that it is version %q, the one before said %q", info.Main.Version, r.version)
	}
	return r.licences.covers(modules(info))
}

func setting(info *debug.BuildInfo, key string) string {
	for _, s := range info.Settings {
		if s.Key == key {
			return s.Value
		}
	}
	return ""
}

// modules are the modules in a binary beside wamux, as compiled: where one is replaced, what it is replaced by.
func modules(info *debug.BuildInfo) []debug.Module {
	var all []debug.Module
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		all = append(all, *m)
	}
	return all
}

// hostBinary is one that runs here: one of the release, or one made for the moment, which done removes.
func (r *release) hostBinary() (file string, done func(), err error) {
	host := func(t target) bool { return t.os == runtime.GOOS && t.arch == runtime.GOARCH }
	if i := slices.IndexFunc(r.targets, host); i >= 0 && r.targets[i].arm == "" {
		return r.binary(r.targets[i]), func() {}, nil
	}
	dir, err := os.MkdirTemp("", "wamux-release-")
	if err != nil {
		return "", nil, err
	}
	file = filepath.Join(dir, "wamux.exe") // a name that runs everywhere
	done = func() { os.RemoveAll(dir) }
	if err := r.build(target{os: runtime.GOOS, arch: runtime.GOARCH}, file); err != nil {
		done()
		return "", nil, err
	}
	return file, done, nil
}
