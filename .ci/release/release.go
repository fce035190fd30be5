package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// release is one run of the program.
type release struct {
	root, out  string
	targets    []target
	maintainer string
	url        string // home page, or ""
	dirty      bool
	unitFile   string // "" asks the program
	log        io.Writer

	commit   string
	date     time.Time // of the commit, in UTC: the only time there is in a release
	version  string    // as Go writes it into the binaries, such as v1.2.3
	licences book
	shared   shared
}

// shared is what goes into archives and packages of every system.
type shared struct {
	readme, changelog, licences       []byte
	unit, manual, bash, zsh, fishText []byte
}

// make does everything, in the order in which one thing needs another.
func (r *release) make() error {
	steps := []func() error{r.readCommit, r.readLicences, r.empty, r.buildAll, r.readShared, r.eachTarget, r.image, r.sum}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// readCommit finds out what is released.
func (r *release) readCommit() error {
	said, err := r.output("git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return fmt.Errorf("a release is made of a commit, but git names none: %w", err)
	}
	commit, seconds, _ := strings.Cut(strings.TrimSpace(string(said)), " ")
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds = epoch
	}
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH is %q, but it must be seconds since 1970", seconds)
	}
	r.commit, r.date = commit, time.Unix(unix, 0).UTC()
	return nil
}

func (r *release) readLicences() error {
	packed, err := os.ReadFile(filepath.Join(r.root, "svc", "licenses.txt.gz"))
	if err != nil {
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return err
	}
	if r.shared.licences, err = io.ReadAll(z); err != nil {
		return err
	}
	r.licences = readBook(string(r.shared.licences))
	return nil
}

// empty makes an empty folder to write to. It removes only what a release made: a folder with anything else in it is left.
func (r *release) empty() error {
	old, err := os.ReadDir(r.out)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, f := range old {
		if f.IsDir() || !(strings.HasPrefix(f.Name(), "wamux") || f.Name() == "SHA256SUMS") {
			return fmt.Errorf("%s holds %s, which no release made: name another folder, or empty it", r.out, f.Name())
		}
	}
	if err := os.RemoveAll(r.out); err != nil {
		return err
	}
	return os.MkdirAll(r.out, 0o755)
}

// readShared reads what the repository holds and asks the program for what it knows of itself.
func (r *release) readShared() (err error) {
	s := &r.shared
	for name, into := range map[string]*[]byte{"README.md": &s.readme, "assets/changelog.md": &s.changelog} {
		if *into, err = os.ReadFile(filepath.Join(r.root, name)); err != nil {
			return err
		}
	}
	host, done, err := r.hostBinary()
	if err != nil {
		return err
	}
	defer done()
	for shell, into := range map[string]*[]byte{"bash": &s.bash, "zsh": &s.zsh, "fish": &s.fishText} {
		if *into, err = r.output(host, "completion", shell); err != nil {
			return err
		}
	}
	if s.manual, err = r.manualOf(host); err != nil {
		return err
	}
	s.unit, err = r.unitOf(host)
	return err
}

// unitOf is the systemd unit as the program prints it for the binary of a package.
func (r *release) unitOf(host string) (unit []byte, err error) {
	if r.unitFile != "" {
		unit, err = os.ReadFile(r.unitFile)
	} else {
		unit, err = r.output(host, "install", "--print=systemd", "--binary", "/usr/bin/wamux")
	}
	if err != nil {
		return nil, err
	}
	return unit, checkUnit(string(unit))
}

// checkUnit refuses a unit that does not go with the rest of the package.
func checkUnit(unit string) error {
	for _, part := range []string{"[Service]", "[Install]", "/usr/bin/wamux", settingsFile, "StateDirectory=wamux"} {
		if !strings.Contains(unit, part) {
			return fmt.Errorf("the systemd unit has no %s, which the packages rely on", part)
		}
	}
	return nil
}

// eachTarget makes all but the image, for as many targets at a time as there are processors.
func (r *release) eachTarget() error {
	failed := make(chan error)
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for _, t := range r.targets {
		go func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			failed <- r.filesFor(t)
		}()
	}
	var all []error
	for range r.targets {
		all = append(all, <-failed)
	}
	return errors.Join(all...)
}

func (r *release) filesFor(t target) error {
	binary, err := os.ReadFile(r.binary(t))
	if err != nil {
		return err
	}
	steps := []func(target, []byte) error{r.archive, r.partsList, r.deb, r.rpm}
	for _, step := range steps {
		if err := step(t, binary); err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
	}
	return nil
}

// write puts one file of the release in place.
func (r *release) write(name string, content []byte) error {
	fmt.Fprintf(r.log, "%9d %s\n", len(content), name)
	return os.WriteFile(filepath.Join(r.out, name), content, 0o644)
}

// sum writes SHA256SUMS, as sha256sum does.
func (r *release) sum() error {
	files, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var list strings.Builder
	for _, f := range files { // sorted by name
		content, err := os.ReadFile(filepath.Join(r.out, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&list, "%x  %s\n", sha256.Sum256(content), f.Name())
	}
	return r.write("SHA256SUMS", []byte(list.String()))
}

// packageVersion is the version in the form that dpkg and rpm sort rightly: what comes before a version stands behind a ~.
func (r *release) packageVersion() string {
	return packageVersion(r.version)
}

func packageVersion(version string) string {
	version, dirty, _ := strings.Cut(strings.TrimPrefix(version, "v"), "+")
	number, before, found := strings.Cut(version, "-")
	if found {
		number += "~" + strings.ReplaceAll(before, "-", ".")
	}
	if dirty != "" {
		number += "+" + strings.ReplaceAll(dirty, "-", ".")
	}
	return number
}
