package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// node is one file or folder of an archive, a package or an image's layer.
type node struct {
	name    string      // with /, and none at either end
	mode    fs.FileMode // permissions, with fs.ModeDir for a folder and fs.ModeSticky
	owner   int         // user and group
	content []byte
	kind    kind // what it is to a package manager
}

// kind is what a file is to a package manager.
type kind int

const (
	plain    kind = iota
	settings      // people change it: an upgrade keeps what they wrote
	document
	terms
)

// sorted are the nodes with every folder above them, each folder before what is in it. Folders nobody named are root's, 0755.
func sorted(nodes []node) []node {
	all := map[string]node{}
	for _, n := range nodes {
		for dir := path.Dir(n.name); dir != "."; dir = path.Dir(dir) {
			if _, known := all[dir]; !known {
				all[dir] = node{name: dir, mode: fs.ModeDir | 0o755}
			}
		}
		all[n.name] = n
	}
	var list []node
	for _, name := range slices.SortedFunc(maps.Keys(all), byFolder) {
		list = append(list, all[name])
	}
	return list
}

// byFolder compares paths part by part.
func byFolder(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

// tarball is a tar of the nodes, whose names begin with prefix. It is of the same bytes whoever makes it: sorted, with
// numbers and no names for owners, and one time.
func tarball(prefix string, nodes []node, date time.Time) ([]byte, error) {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	if prefix != "" {
		nodes = append([]node{{name: "", mode: fs.ModeDir | 0o755}}, sorted(nodes)...)
	} else {
		nodes = sorted(nodes)
	}
	for _, n := range nodes {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: prefix + n.name, Mode: unixMode(n.mode) & 0o7777, Uid: n.owner, Gid: n.owner,
			ModTime: date, Size: int64(len(n.content)), Format: tar.FormatUSTAR}
		if n.mode.IsDir() {
			h.Typeflag, h.Name = tar.TypeDir, strings.TrimSuffix(h.Name, "/")+"/"
		}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(n.content); err != nil {
			return nil, err
		}
	}
	err := t.Close()
	return b.Bytes(), err
}

// unixMode is a mode as Unix counts it, with the bits for the type.
func unixMode(mode fs.FileMode) int64 {
	unix := int64(mode.Perm())
	if mode&fs.ModeSticky != 0 {
		unix |= 0o1000
	}
	if mode.IsDir() {
		return unix | 0o040000
	}
	return unix | 0o100000
}

// zipped is a zip of the nodes.
func zipped(nodes []node, date time.Time) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range sorted(nodes) {
		if n.mode.IsDir() {
			continue
		}
		h := &zip.FileHeader{Name: n.name, Method: zip.Deflate, Modified: date}
		h.SetMode(n.mode)
		w, err := z.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := w.Write(n.content); err != nil {
			return nil, err
		}
	}
	err := z.Close()
	return b.Bytes(), err
}

// gzipped is data as gzip writes it, without a time and a name.
func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is ours
	}
	z.Write(data)
	z.Close() // neither fails: a buffer takes everything
	return b.Bytes()
}

// archive writes what people unpack by hand.
func (r *release) archive(t target, binary []byte) error {
	top := "wamux-" + r.version + "-" + t.slug()
	nodes := []node{
		{name: top + "/" + t.program(), mode: 0o755, content: binary},
		{name: top + "/README.md", mode: 0o644, content: r.shared.readme},
		{name: top + "/CHANGELOG.md", mode: 0o644, content: r.shared.changelog},
		{name: top + "/LICENSES.txt", mode: 0o644, content: r.shared.licences},
	}
	if t.os == "windows" {
		packed, err := zipped(nodes, r.date)
		if err != nil {
			return err
		}
		return r.write(top+".zip", packed)
	}
	packed, err := tarball("", nodes, r.date)
	if err != nil {
		return err
	}
	return r.write(top+".tar.gz", gzipped(packed))
}
