package main

import (
	"bytes"
	"crypto/md5"
	"fmt"
	"strings"
	"time"
)

// deb writes the Debian package of a target that has one.
func (r *release) deb(t target, binary []byte) error {
	if t.deb == "" {
		return nil
	}
	nodes := append(r.installed(binary),
		node{name: "usr/share/doc/wamux/copyright", mode: 0o644, content: r.copyright()},
		node{name: "usr/share/doc/wamux/LICENSES.txt.gz", mode: 0o644, content: gzipped(r.shared.licences)},
		node{name: "usr/share/doc/wamux/changelog.gz", mode: 0o644, content: gzipped(r.debianChangelog())},
		node{name: "usr/share/doc/wamux/NEWS.md.gz", mode: 0o644, content: gzipped(r.shared.changelog)},
		node{name: "usr/share/lintian/overrides/wamux", mode: 0o644, content: packageFile("lintian-overrides")},
		node{name: "usr/share/zsh/vendor-completions/_wamux", mode: 0o644, content: r.shared.zsh})
	data, err := tarball("./", nodes, r.date)
	if err != nil {
		return err
	}
	control, err := tarball("./", r.control(t, nodes), r.date)
	if err != nil {
		return err
	}
	file := ar(r.date, []member{{"debian-binary", []byte("2.0\n")}, {"control.tar.gz", gzipped(control)}, {"data.tar.gz", gzipped(data)}})
	return r.write(fmt.Sprintf("wamux_%s_%s.deb", r.packageVersion(), t.deb), file)
}

// control are the files that dpkg reads.
func (r *release) control(t target, nodes []node) []node {
	var sums, kept bytes.Buffer
	size := 0
	for _, n := range sorted(nodes) {
		size++
		if n.mode.IsDir() {
			continue
		}
		size += len(n.content) / 1024
		if n.kind == settings {
			fmt.Fprintf(&kept, "/%s\n", n.name)
		} else {
			fmt.Fprintf(&sums, "%x  %s\n", md5.Sum(n.content), n.name)
		}
	}
	homepage := ""
	if r.url != "" {
		homepage = "Homepage: " + r.url + "\n"
	}
	fields := fmt.Sprintf("Package: wamux\nVersion: %s\nArchitecture: %s\nMaintainer: %s\nInstalled-Size: %d\nRecommends: ca-certificates\n"+
		"Suggests: age, ffmpeg\nSection: net\nPriority: optional\n%sDescription: %s\n %s\n",
		r.packageVersion(), t.deb, r.maintainer, size, homepage, summary, strings.ReplaceAll(description, "\n", "\n "))
	return []node{
		{name: "control", mode: 0o644, content: []byte(fields)},
		{name: "conffiles", mode: 0o644, content: kept.Bytes()},
		{name: "md5sums", mode: 0o644, content: sums.Bytes()},
		{name: "postinst", mode: 0o755, content: packageFile("deb.postinst")},
		{name: "prerm", mode: 0o755, content: packageFile("deb.prerm")},
		{name: "postrm", mode: 0o755, content: packageFile("deb.postrm")},
	}
}

// copyright is Debian's list of who has which terms. The texts are beside it, packed: they are long, and hold some that
// Debian wants nobody to repeat.
func (r *release) copyright() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "wamux %s, made of commit %s and packaged by its own makers.\n\nCopyright: the authors of the parts below. Each is under "+
		"its own terms, all of which\nstand in full in LICENSES.txt.gz in this folder, and are printed by\n`wamux licenses`. "+
		"The GPL-3, the Apache-2.0 and the MPL-2.0 are in /usr/share/common-licenses too.\n\n", r.version, r.commit)
	for _, name := range r.licences.names() {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.licences.ids(name), ", "))
		for _, holder := range r.licences.holders(name) {
			fmt.Fprintf(&b, "    %s\n", holder)
		}
	}
	return b.Bytes()
}

// debianChangelog has one entry; what changed for people is in NEWS.md.gz.
func (r *release) debianChangelog() []byte {
	return fmt.Appendf(nil, "wamux (%s) unstable; urgency=medium\n\n  * Made of commit %s.\n    NEWS.md.gz tells what changed.\n\n -- %s  %s\n",
		r.packageVersion(), r.commit, r.maintainer, r.date.Format(time.RFC1123Z))
}

// member is one file in an ar archive, with a name of at most 16 bytes.
type member struct {
	name    string
	content []byte
}

// ar is an archive in the form that dpkg reads: no extensions, each member at an even place.
func ar(date time.Time, members []member) []byte {
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, m := range members {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", m.name, date.Unix(), 0, 0, "100644", len(m.content))
		b.Write(m.content)
		if len(m.content)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes()
}
