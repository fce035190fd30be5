package main

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

const testUnit = "[Service]\nExecStart=/usr/bin/wamux run\nEnvironmentFile=-/etc/wamux/wamux.env\nStateDirectory=wamux\n[Install]\nWantedBy=multi-user.target\n"

// testRelease is a release of a text in place of a binary, into a folder of the test's.
func testRelease(t *testing.T) *release {
	t.Helper()
	terms := "wamux contains the works below.\n"
	for _, part := range []string{goItself + "\n\nCopyright 2009 The Go Authors.\nRedistribution and use in source and binary forms", "a.example/b v1.0.0\na.example/c v2.0.0\n\nPermission is hereby granted,\nfree of charge"} {
		terms += "\n" + strings.Repeat("=", 80) + "\n" + part + "\n"
	}
	r := &release{root: t.TempDir(), out: t.TempDir(), targets: allTargets(), maintainer: "A <a@example.org>", log: io.Discard, commit: "abc",
		date: time.Unix(1_800_000_000, 0).UTC(), version: "v1.2.3", licences: readBook(terms)}
	text := []byte("text\n")
	r.shared = shared{readme: text, changelog: text, licences: []byte(terms), unit: []byte(testUnit), manual: text, bash: text, zsh: text, fishText: text}
	return r
}

// TestPackageVersion: what comes before a version sorts before it, and git's words fit.
func TestPackageVersion(t *testing.T) {
	for in, want := range map[string]string{
		"v1.2.3":                               "1.2.3",
		"v1.2.3-rc.1":                          "1.2.3~rc.1",
		"v0.0.0-20261127235425-f08080464962":   "0.0.0~20261127235425.f08080464962",
		"v1.2.4-0.20261127235425-f08080464962": "1.2.4~0.20261127235425.f08080464962",
		"v1.2.3+dirty":                         "1.2.3+dirty",
		"v1.2.4-0.20261127235425-f0808+dirty":  "1.2.4~0.20261127235425.f0808+dirty",
	} {
		if got := packageVersion(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// TestCovers: a binary with a module whose licence nobody wrote down is not released.
func TestCovers(t *testing.T) {
	b := testRelease(t).licences
	if err := b.covers([]debug.Module{{Path: "a.example/b", Version: "v1.0.0"}, {Path: "a.example/c", Version: "v2.0.0"}}); err != nil {
		t.Error(err)
	}
	for _, lacks := range []debug.Module{{Path: "a.example/b", Version: "v1.0.1"}, {Path: "a.example/d", Version: "v1.0.0"}} {
		if err := b.covers([]debug.Module{lacks}); err == nil || !strings.Contains(err.Error(), lacks.Path+" "+lacks.Version) {
			t.Errorf("%v: got %v", lacks, err)
		}
	}
	if err := (book{}).covers(nil); err == nil {
		t.Error("Go's own licence was not missed")
	}
	if got := b.expression(); got != "BSD-2-Clause AND MIT" {
		t.Errorf("expression: got %s", got)
	}
	if got := b.holders(goItself); !slices.Equal(got, []string{"Copyright 2009 The Go Authors."}) {
		t.Errorf("holders: got %q", got)
	}
}

// TestCheckBuild: a binary of another commit, of changed files or of another version is not released.
func TestCheckBuild(t *testing.T) {
	info := func(commit, modified, version string) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: commit}, {Key: "vcs.modified", Value: modified}}}
	}
	for name, c := range map[string]struct {
		info  *debug.BuildInfo
		dirty bool
		want  string
	}{
		"right":         {info("abc", "false", "v1.2.3"), false, ""},
		"other commit":  {info("abd", "false", "v1.2.3"), false, "of commit"},
		"no commit":     {info("", "", "v1.2.3"), true, "of commit"},
		"changed":       {info("abc", "true", "v1.2.3"), false, "not as committed"},
		"changed, fine": {info("abc", "true", "v1.2.3"), true, ""},
		"other version": {info("abc", "false", "v1.2.4"), false, "is version"},
	} {
		r := testRelease(t)
		r.dirty = c.dirty
		err := r.checkBuild(c.info)
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCheckUnit(t *testing.T) {
	if err := checkUnit(testUnit); err != nil {
		t.Error(err)
	}
	if err := checkUnit(strings.ReplaceAll(testUnit, settingsFile, "/etc/other")); err == nil {
		t.Error("a unit that reads other settings was taken")
	}
}

// TestEmpty: a folder with something else in it is not emptied.
func TestEmpty(t *testing.T) {
	r := testRelease(t)
	for _, name := range []string{"wamux-linux-amd64", "SHA256SUMS"} {
		must(t, os.WriteFile(filepath.Join(r.out, name), nil, 0o644))
	}
	must(t, r.empty())
	if left, err := os.ReadDir(r.out); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	must(t, os.WriteFile(filepath.Join(r.out, "thesis.txt"), nil, 0o644))
	if err := r.empty(); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("got %v", err)
	}
}

func TestSorted(t *testing.T) {
	var got []string
	for _, n := range sorted([]node{{name: "a/b.c"}, {name: "a/b/z"}, {name: "a", mode: fs.ModeDir | 0o700}}) {
		got = append(got, n.name+" "+n.mode.String())
	}
	if want := []string{"a drwx------", "a/b drwxr-xr-x", "a/b/z ----------", "a/b.c ----------"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestArchives: each has the program and the three texts; only Windows gets a zip.
func TestArchives(t *testing.T) {
	r := testRelease(t)
	must(t, r.archive(target{os: "linux", arch: "arm", arm: "6"}, []byte("ELF")))
	must(t, r.archive(target{os: "windows", arch: "amd64"}, []byte("MZ")))
	top := "wamux-v1.2.3-linux-armv6/"
	unix := untar(t, gunzip(t, r.read(t, "wamux-v1.2.3-linux-armv6.tar.gz")))
	for _, name := range []string{"wamux", "README.md", "CHANGELOG.md", "LICENSES.txt"} {
		if unix[top+name].Header == nil || !unix[top+name].ModTime.Equal(r.date) {
			t.Errorf("%s is not there, or of another time", name)
		}
	}
	if unix[top+"wamux"].Mode != 0o755 || unix[top+"wamux"].content != "ELF" {
		t.Errorf("the program: got %+v", unix[top+"wamux"])
	}
	z, err := zip.OpenReader(filepath.Join(r.out, "wamux-v1.2.3-windows-amd64.zip"))
	must(t, err)
	defer z.Close()
	if len(z.File) != 4 || z.File[3].Name != "wamux-v1.2.3-windows-amd64/wamux.exe" {
		t.Errorf("got %v", z.File)
	}
}

// TestSame: two runs give the same bytes.
func TestSame(t *testing.T) {
	var before map[string][]byte
	for range 2 {
		r := testRelease(t)
		made := map[string][]byte{}
		for _, target := range r.targets {
			must(t, r.archive(target, []byte("ELF")))
			must(t, r.deb(target, []byte("ELF")))
			must(t, r.rpm(target, []byte("ELF")))
			must(t, os.WriteFile(r.binary(target), []byte("ELF"), 0o755))
		}
		must(t, r.image())
		files, err := os.ReadDir(r.out)
		must(t, err)
		for _, f := range files {
			made[f.Name()] = r.read(t, f.Name())
		}
		if len(made) != 9+9+3+3+1 {
			t.Errorf("got %d files", len(made))
		}
		for name, content := range made {
			if before != nil && !bytes.Equal(before[name], content) {
				t.Errorf("%s differs", name)
			}
		}
		before = made
	}
}
