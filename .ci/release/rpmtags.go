package main

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
)

// Types of the values in a header of an RPM package.
const (
	typeShort      = 3
	typeNumber     = 4
	typeText       = 6
	typeBytes      = 7
	typeTexts      = 8
	typeTranslated = 9
)

// The tag that stands first in a header, over all others.
const (
	regionSignatures = 62
	regionImmutable  = 63
)

// value is what stands under one tag: its bytes, and how many there are of its type.
type value struct {
	kind, count int
	data        []byte
}

// tags is a header of an RPM package: values by the number of their tag.
type tags map[int]value

func (t tags) add(tag, kind, count int, data []byte) {
	old := t[tag]
	t[tag] = value{kind, old.count + count, append(old.data, data...)}
}

func (t tags) text(tag int, s string)       { t[tag] = value{typeText, 1, append([]byte(s), 0)} }
func (t tags) translated(tag int, s string) { t[tag] = value{typeTranslated, 1, append([]byte(s), 0)} }
func (t tags) bytes(tag int, b []byte)      { t[tag] = value{typeBytes, len(b), b} }

// texts, numbers and shorts add to what is there.
func (t tags) texts(tag int, all ...string) {
	for _, s := range all {
		t.add(tag, typeTexts, 1, append([]byte(s), 0))
	}
}

func (t tags) numbers(tag int, all ...int) {
	for _, n := range all {
		t.add(tag, typeNumber, 1, binary.BigEndian.AppendUint32(nil, uint32(n)))
	}
}

func (t tags) shorts(tag int, n int) {
	t.add(tag, typeShort, 1, binary.BigEndian.AppendUint16(nil, uint16(n)))
}

// dependencies puts a list under the three tags for its names, flags and versions.
func (t tags) dependencies(names, flags, versions int, all []dependency) {
	for _, d := range all {
		t.texts(names, d.name)
		t.numbers(flags, d.flags)
		t.texts(versions, d.version)
	}
}

// encode is the header as it stands in the file: magic, how many tags, how many bytes, an index sorted by tag, the values.
// The region is a tag over all others; its value, the last, points back to the beginning of the index.
func (t tags) encode(region int) []byte {
	var index, values bytes.Buffer
	line := func(tag, kind, offset, count int) {
		binary.Write(&index, binary.BigEndian, [4]int32{int32(tag), int32(kind), int32(offset), int32(count)})
	}
	for _, tag := range slices.Sorted(maps.Keys(t)) {
		v := t[tag]
		align := map[int]int{typeShort: 1, typeNumber: 3}[v.kind]
		values.Write(make([]byte, -values.Len()&align))
		line(tag, v.kind, values.Len(), v.count)
		values.Write(v.data)
	}
	lines := index.Bytes()
	index = bytes.Buffer{}
	line(region, typeBytes, values.Len(), 16)
	index.Write(lines)
	binary.Write(&values, binary.BigEndian, [4]int32{int32(region), typeBytes, -int32(index.Len()), 16})
	head := []byte("\x8e\xad\xe8\x01\x00\x00\x00\x00")
	head = binary.BigEndian.AppendUint32(head, uint32(len(t)+1))
	head = binary.BigEndian.AppendUint32(head, uint32(values.Len()))
	return slices.Concat(head, index.Bytes(), values.Bytes())
}
