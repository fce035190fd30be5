package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDeb reads a package as dpkg does, with ar's rules as they are written down.
func TestDeb(t *testing.T) {
	r := testRelease(t)
	must(t, r.deb(target{arch: "amd64", deb: "amd64"}, []byte("ELF")))
	file := r.read(t, "wamux_1.2.3_amd64.deb")
	members := unar(t, file)
	if got := members["debian-binary"]; string(got) != "2.0\n" {
		t.Errorf("debian-binary: %q", got)
	}
	control := untar(t, gunzip(t, members["control.tar.gz"]))
	if got := control["./control"].content; !strings.Contains(got, "\nVersion: 1.2.3\nArchitecture: amd64\n") || strings.Contains(got, "\n\n") {
		t.Errorf("control: %s", got)
	}
	if got := control["./conffiles"].content; got != settingsFile+"\n" {
		t.Errorf("conffiles: %q", got)
	}
	for _, script := range []string{"./postinst", "./prerm", "./postrm"} {
		if control[script].Mode != 0o755 || !strings.HasPrefix(control[script].content, "#!/bin/sh\n") {
			t.Errorf("%s: %+v", script, control[script])
		}
	}
	data := untar(t, gunzip(t, members["data.tar.gz"]))
	for name, mode := range map[string]int64{"./": 0o755, "./usr/bin/wamux": 0o755, "./etc/wamux/wamux.env": 0o600, "./usr/lib/systemd/system/wamux.service": 0o644} {
		if data[name].Header == nil || data[name].Mode != mode || data[name].Uid != 0 || data[name].Uname != "" {
			t.Errorf("%s: %+v", name, data[name])
		}
	}
}

// TestScripts: the shell takes every script. What they do, .ci/dist-test tries.
func TestScripts(t *testing.T) {
	for _, name := range []string{"deb.postinst", "deb.prerm", "deb.postrm", "rpm.post", "rpm.preun", "rpm.postun"} {
		cmd := exec.Command("sh", "-n")
		cmd.Stdin = bytes.NewReader(packageFile(name))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
}

// TestSettingsFile: what a line of it would say, once its # is taken away, is a setting.
func TestSettingsFile(t *testing.T) {
	options, err := os.ReadFile("../../svc/option.go")
	must(t, err)
	for line := range strings.Lines(string(packageFile("wamux.env"))) {
		name, _, ok := strings.Cut(strings.TrimPrefix(line, "#"), "=")
		if ok && !strings.Contains(name, " ") && !bytes.Contains(options, []byte(`{env: "`+name+`"`)) {
			t.Errorf("%s is no setting", name)
		}
	}
}

// TestRPMHeader reads a header back: the region points to its beginning, the index is sorted, numbers are aligned.
func TestRPMHeader(t *testing.T) {
	h := tags{}
	h.text(1000, "wamux")
	h.shorts(1030, 0o644)
	h.numbers(1028, 7)
	h.texts(1117, "a", "b")
	coded := h.encode(regionImmutable)
	lines, size := int(binary.BigEndian.Uint32(coded[8:])), int(binary.BigEndian.Uint32(coded[12:]))
	if lines != 5 || len(coded) != 16+lines*16+size {
		t.Fatalf("%d lines, %d bytes of values in %d", lines, size, len(coded))
	}
	values := coded[16+lines*16:]
	before := 0
	for i := range lines {
		line := coded[16+i*16:]
		tag, kind, offset, count := binary.BigEndian.Uint32(line), binary.BigEndian.Uint32(line[4:]), binary.BigEndian.Uint32(line[8:]), binary.BigEndian.Uint32(line[12:])
		switch {
		case int(tag) <= before:
			t.Errorf("tag %d stands behind %d", tag, before)
		case tag == regionImmutable:
			if int32(binary.BigEndian.Uint32(values[offset+8:])) != int32(-lines*16) {
				t.Error("the region does not point to the beginning")
			}
		case kind == typeNumber && (offset%4 != 0 || binary.BigEndian.Uint32(values[offset:]) != 7):
			t.Errorf("the number stands at %d", offset)
		case kind == typeTexts && (count != 2 || string(values[offset:offset+4]) != "a\x00b\x00"):
			t.Errorf("texts: %d, %q", count, values[offset:])
		}
		before = int(tag)
	}
}
