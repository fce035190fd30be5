package salvage

import (
	"encoding/binary"
	"math"
)

// varint reads a number of one to nine bytes; n is how many, 0 for none.
func varint(b []byte) (v uint64, n int) {
	for i := range min(len(b), 8) {
		v = v<<7 | uint64(b[i]&0x7f)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	if len(b) < 9 {
		return 0, 0
	}
	return v<<8 | uint64(b[8]), 9
}

// cell reads the row that begins at a cell of n: its rowid, 0 in an index, and
// its values.
func (f *File) cell(n *node, at int) (rowid int64, values []any, err error) {
	b := n.data[at:]
	if n.kind == indexInner {
		b = b[4:]
	}
	size, used := varint(b)
	if used == 0 || size == 0 || size > math.MaxInt32 {
		return 0, nil, errPage
	}
	b = b[used:]
	if n.kind == tableLeaf {
		id, used := varint(b)
		if used == 0 {
			return 0, nil, errPage
		}
		rowid, b = int64(id), b[used:]
	}
	payload, err := f.payload(n, b, int(size))
	if err != nil {
		return 0, nil, err
	}
	values, err = record(payload)
	return rowid, values, err
}

// payload returns a row's bytes, from here and from the pages that it overflows to.
func (f *File) payload(n *node, b []byte, size int) ([]byte, error) {
	most := f.usable - 35
	if n.kind != tableLeaf {
		most = (f.usable-12)*64/255 - 23
	}
	if size <= most {
		if len(b) < size {
			return nil, errPage
		}
		return b[:size], nil
	}
	least := (f.usable-12)*32/255 - 23
	here := least + (size-least)%(f.usable-4)
	if here > most {
		here = least
	}
	if len(b) < here+4 || (size-here)/(f.usable-4) > int(f.pages) {
		return nil, errPage
	}
	payload := append(make([]byte, 0, size), b[:here]...)
	return f.overflow(payload, size, n.number, binary.BigEndian.Uint32(b[here:]))
}

// overflow follows the chain of pages that begins with next.
func (f *File) overflow(payload []byte, size int, from, next uint32) ([]byte, error) {
	for kind := byte(isOverflow); len(payload) < size; kind = isFurther {
		if is, of, known := f.entry(next); known && (is != kind || of != from) {
			return nil, errPage
		}
		data, err := f.page(next)
		if err != nil {
			return nil, err
		}
		payload = append(payload, data[4:4+min(size-len(payload), f.usable-4)]...)
		from, next = next, binary.BigEndian.Uint32(data)
	}
	if next != 0 {
		return nil, errPage
	}
	return payload, nil
}

// record reads the values of a row, which must fill it exactly.
func record(b []byte) (values []any, err error) {
	head, used := varint(b)
	if used == 0 || head < uint64(used) || head > uint64(len(b)) {
		return nil, errPage
	}
	kinds, body := b[used:head], b[head:]
	for len(kinds) > 0 {
		kind, used := varint(kinds)
		if used == 0 {
			return nil, errPage
		}
		kinds = kinds[used:]
		size, ok := width(kind)
		if !ok || size > uint64(len(body)) {
			return nil, errPage
		}
		values = append(values, value(kind, body[:size]))
		body = body[size:]
	}
	if len(body) != 0 {
		return nil, errPage
	}
	return values, nil
}

// width is how many bytes a value of a kind takes.
func width(kind uint64) (size uint64, ok bool) {
	switch {
	case kind < 10:
		return uint64([]byte{0, 1, 2, 3, 4, 6, 8, 8, 0, 0}[kind]), true
	case kind >= 12:
		return (kind - 12) / 2, true
	}
	return 0, false
}

// value is what the bytes of a kind say: nil, int64, float64, string or []byte.
func value(kind uint64, b []byte) any {
	switch {
	case kind == 0:
		return nil
	case kind == 7:
		return math.Float64frombits(binary.BigEndian.Uint64(b))
	case kind == 8 || kind == 9:
		return int64(kind - 8)
	case kind < 7:
		v := int64(int8(b[0]))
		for _, next := range b[1:] {
			v = v<<8 | int64(next)
		}
		return v
	case kind%2 == 1:
		return string(b)
	}
	return append([]byte{}, b...)
}
