package main

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
)

// settingsFile is what the service reads its settings from; the unit names it.
const settingsFile = "/etc/wamux/wamux.env"

const (
	summary     = "WhatsApp gateway for many accounts, with a REST API"
	description = `Many WhatsApp accounts in one program, everything in one SQLite file, and a
REST API on localhost. A message is acknowledged only when it is on the disk;
secret values can be sealed with a key; a simulated WhatsApp is built in, so
that a bot can be tried and tested without a phone.`
)

//go:embed package
var packageFiles embed.FS

// packageFile is one of the files beside this program. They are compiled in.
func packageFile(name string) []byte {
	content, err := packageFiles.ReadFile("package/" + name)
	if err != nil {
		panic(err)
	}
	return content
}

// installed are the files that every package has, whichever system it is for.
func (r *release) installed(binary []byte) []node {
	return []node{
		{name: "usr/bin/wamux", mode: 0o755, content: binary},
		{name: "usr/lib/systemd/system/wamux.service", mode: 0o644, content: r.shared.unit},
		{name: "etc/wamux", mode: fs.ModeDir | 0o755},
		{name: strings.TrimPrefix(settingsFile, "/"), mode: 0o600, content: packageFile("wamux.env"), kind: settings},
		{name: "usr/share/man/man1/wamux.1.gz", mode: 0o644, content: gzipped(r.shared.manual), kind: document},
		{name: "usr/share/bash-completion/completions/wamux", mode: 0o644, content: r.shared.bash},
		{name: "usr/share/fish/vendor_completions.d/wamux.fish", mode: 0o644, content: r.shared.fishText},
		{name: "usr/share/doc/wamux", mode: fs.ModeDir | 0o755},
		{name: "usr/share/doc/wamux/README.md", mode: 0o644, content: r.shared.readme, kind: document},
	}
}

// manualOf is the manual page: what `wamux help` and `wamux help config` say.
func (r *release) manualOf(host string) ([]byte, error) {
	usage, err := r.output(host, "help")
	if err != nil {
		return nil, err
	}
	config, err := r.output(host, "help", "config")
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, ".TH WAMUX 1 %s %q\n.SH NAME\nwamux \\- %s\n", r.date.Format("2006-01-02"), "wamux "+r.version, summary)
	fmt.Fprintf(&page, ".SH USAGE\n.nf\n%s.fi\n.SH SETTINGS\n.nf\n%s.fi\n", literal(usage), literal(config))
	return page.Bytes(), nil
}

// literal is text in which troff finds nothing of its own.
func literal(text []byte) string {
	plain := strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "…", "...").Replace(string(text))
	var b strings.Builder
	for line := range strings.Lines(plain) {
		if strings.HasPrefix(line, ".") {
			b.WriteString(`\&`)
		}
		b.WriteString(line)
	}
	return b.String()
}
