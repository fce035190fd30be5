package main

import (
	"bytes"
	"cmp"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// rpm writes the RPM package of a target that has one, in version 3 of the format: a lead, two headers and a cpio archive.
func (r *release) rpm(t target, program []byte) error {
	if t.rpm == "" {
		return nil
	}
	nodes := append(r.installed(program),
		node{name: "usr/share/doc/wamux/changelog.md", mode: 0o644, content: r.shared.changelog, kind: document},
		node{name: "usr/share/licenses/wamux", mode: fs.ModeDir | 0o755},
		node{name: "usr/share/licenses/wamux/LICENSES.txt", mode: 0o644, content: r.shared.licences, kind: terms},
		node{name: "usr/share/zsh/site-functions/_wamux", mode: 0o644, content: r.shared.zsh})
	slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.name, b.name) })
	archive := r.cpio(nodes)
	payload := gzipped(archive)
	header := r.rpmHeader(t, nodes, payload).encode(regionImmutable)
	file := slices.Concat(r.rpmLead(t), rpmSignature(header, payload, len(archive)), header, payload)
	return r.write(r.rpmName()+"."+t.rpm+".rpm", file)
}

func (r *release) rpmName() string { return "wamux-" + r.packageVersion() + "-1" }

// rpmLead is the first 96 bytes, which only tell file managers what it is.
func (r *release) rpmLead(t target) []byte {
	lead := make([]byte, 96)
	copy(lead, "\xed\xab\xee\xdb\x03\x00")
	binary.BigEndian.PutUint16(lead[8:], map[string]uint16{"amd64": 1, "arm": 12, "arm64": 19}[t.arch])
	copy(lead[10:75], r.rpmName())
	binary.BigEndian.PutUint16(lead[76:], 1) // Linux
	binary.BigEndian.PutUint16(lead[78:], 5) // a header of digests follows
	return lead
}

// rpmSignature is the header of digests over what follows it. It holds no signature.
func rpmSignature(header, payload []byte, unpacked int) []byte {
	both := slices.Concat(header, payload)
	whole := md5.Sum(both)
	s := tags{}
	s.text(269, fmt.Sprintf("%x", sha1.Sum(header)))
	s.text(273, fmt.Sprintf("%x", sha256.Sum256(header)))
	s.numbers(1000, len(both))
	s.bytes(1004, whole[:])
	s.numbers(1007, unpacked)
	coded := s.encode(regionSignatures)
	return append(coded, make([]byte, -len(coded)&7)...)
}

// Flags of what a package requires and provides.
const (
	equal, lessOrEqual = 8, 2 | 8
	rpmlib             = 1 << 24
	ofScript           = 1 << 8
)

// dependency is one line of what a package requires or provides.
type dependency struct {
	name, version string
	flags         int
}

// rpmHeader is everything that rpm knows of a package before it unpacks it.
func (r *release) rpmHeader(t target, nodes []node, payload []byte) tags {
	h := tags{}
	for tag, text := range map[int]string{1000: "wamux", 1001: r.packageVersion(), 1002: "1", 1007: "localhost", 1014: r.licences.expression(),
		1015: r.maintainer, 1021: "linux", 1022: t.rpm, 1044: r.rpmName() + ".src.rpm", 1086: "/bin/sh", 1087: "/bin/sh",
		1088: "/bin/sh", 1124: "cpio", 1125: "gzip", 1126: "9", 5062: "utf-8"} {
		h.text(tag, text)
	}
	if r.url != "" {
		h.text(1020, r.url)
	}
	h.text(1024, string(packageFile("rpm.post")))
	h.text(1025, string(packageFile("rpm.preun")))
	h.text(1026, string(packageFile("rpm.postun")))
	h.texts(100, "C")
	h.translated(1004, summary)
	h.translated(1005, description)
	h.translated(1016, "Applications/Internet")
	h.numbers(1006, int(r.date.Unix()))
	h.numbers(1080, int(r.date.Unix()))
	h.texts(1081, r.maintainer+" - "+r.packageVersion()+"-1")
	h.texts(1082, "- Made of commit "+r.commit+". changelog.md tells what changed.")
	h.texts(5092, fmt.Sprintf("%x", sha256.Sum256(payload)))
	h.numbers(5093, sha256OfRPM)
	r.dependencies(h, t)
	r.fileTags(h, nodes)
	return h
}

func (r *release) dependencies(h tags, t target) {
	full := r.packageVersion() + "-1"
	provides := []dependency{{"wamux", full, equal}}
	if alias := map[string]string{"amd64": "x86-64", "arm64": "aarch-64", "arm": "armv7hl-32"}[t.arch]; alias != "" {
		provides = append(provides, dependency{"wamux(" + alias + ")", full, equal})
	}
	requires := []dependency{{"/bin/sh", "", ofScript}, {"rpmlib(CompressedFileNames)", "3.0.4-1", rpmlib | lessOrEqual},
		{"rpmlib(FileDigests)", "4.6.0-1", rpmlib | lessOrEqual}, {"rpmlib(PayloadFilesHavePrefix)", "4.0-1", rpmlib | lessOrEqual}}
	if strings.Contains(full, "~") {
		requires = append(requires, dependency{"rpmlib(TildeInVersions)", "4.10.0-1", rpmlib | lessOrEqual})
	}
	h.dependencies(1047, 1112, 1113, provides)
	h.dependencies(1049, 1048, 1050, requires)
}

const sha256OfRPM = 8

// fileTags lists the files: one number or text of each, per tag.
func (r *release) fileTags(h tags, nodes []node) {
	dirs := []string{}
	total := 0
	for i, n := range nodes {
		dir := "/" + path.Dir(n.name) + "/"
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		digest := ""
		if !n.mode.IsDir() {
			digest = fmt.Sprintf("%x", sha256.Sum256(n.content))
		}
		total += len(n.content)
		for tag, number := range map[int]int{1028: rpmSize(n), 1034: int(r.date.Unix()), 1037: rpmFlags(n.kind), 1045: -1, 1095: 1, 1096: i + 1,
			1116: slices.Index(dirs, dir)} {
			h.numbers(tag, number)
		}
		h.shorts(1030, int(unixMode(n.mode)))
		h.shorts(1033, 0)
		for tag, text := range map[int]string{1035: digest, 1036: "", 1039: "root", 1040: "root", 1097: "", 1117: path.Base(n.name)} {
			h.texts(tag, text)
		}
	}
	h.texts(1118, dirs...)
	h.numbers(1009, total)
	h.numbers(5011, sha256OfRPM)
}

func rpmSize(n node) int {
	if n.mode.IsDir() {
		return 4096
	}
	return len(n.content)
}

// rpmFlags: settings are kept as people wrote them.
func rpmFlags(k kind) int {
	return map[kind]int{settings: 1 | 1<<4, document: 1 << 1, terms: 1 << 7}[k]
}

// cpio is the archive of the files, in the "new" form.
func (r *release) cpio(nodes []node) []byte {
	var b bytes.Buffer
	entry := func(name string, numbers [13]int, content []byte) {
		numbers[11] = len(name) + 1
		b.WriteString("070701")
		for _, n := range numbers {
			fmt.Fprintf(&b, "%08x", n)
		}
		b.WriteString(name + "\x00")
		b.Write(make([]byte, -b.Len()&3))
		b.Write(content)
		b.Write(make([]byte, -b.Len()&3))
	}
	for i, n := range nodes {
		links := 1
		if n.mode.IsDir() {
			links = 2
		}
		entry("./"+n.name, [13]int{i + 1, int(unixMode(n.mode)), 0, 0, links, int(r.date.Unix()), len(n.content)}, n.content)
	}
	entry("TRAILER!!!", [13]int{4: 1}, nil)
	return b.Bytes()
}
