// Package salvage reads the rows of a damaged SQLite file. SQLite itself gives a
// table up where a page on the way to the rows is unreadable; this package looks
// at every page by itself, and where the way to one is lost it asks the pointer
// map, which files with auto_vacuum have, whose page that is. So what is lost are
// the rows on damaged pages and no others. It only reads.
package salvage

import (
	"encoding/binary"
	"errors"
	"os"
)

// What nothing can be saved from.
var (
	ErrHeader = errors.New("the header of the file is destroyed")
	ErrSchema = errors.New("it cannot be told what is in the file")
)

// errPage is for a page that is not what it should be.
var errPage = errors.New("the page is damaged")

// File is a database file with its write-ahead log. It is for one goroutine; who
// opened it closes it.
type File struct {
	main, log  *os.File // log is nil when there is none
	size       int      // of a page
	usable     int      // of it
	pages      uint32   // how many there are
	there      uint32   // how many the main file holds
	said       uint32   // how many there should be
	mapped     bool     // there is a pointer map
	version    uint32   // user_version
	owner      uint32   // application_id
	frames     map[uint32]int64
	maps       map[uint32]pointerMap
	belongs    []uint32       // the root of the tree that a page is of, 0 for none
	unreadable map[uint32]int // how many pages of a tree are damaged
	strays     []uint32       // pages with rows of nobody knows which table
}

// Open reads the header and finds out which page belongs to which table. withLog
// says whether the log beside the file belongs to it.
func Open(path string, withLog bool) (_ *File, err error) {
	f := &File{maps: map[uint32]pointerMap{}, unreadable: map[uint32]int{}}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if f.main, err = os.Open(path); err != nil {
		return nil, err
	}
	if err := f.readHeader(); err != nil {
		return nil, err
	}
	if withLog {
		if err := f.readLog(path + "-wal"); err != nil {
			return nil, err
		}
	}
	return f, f.readFacts()
}

// Close closes the files.
func (f *File) Close() {
	for _, file := range []*os.File{f.main, f.log} {
		if file != nil {
			_ = file.Close()
		}
	}
}

// Version is the user_version.
func (f *File) Version() int { return int(f.version) }

// Owner is the application_id.
func (f *File) Owner() int { return int(f.owner) }

// readHeader learns the size of a page from the main file alone.
func (f *File) readHeader() error {
	head := make([]byte, 100)
	if _, err := f.main.ReadAt(head, 0); err != nil || string(head[:16]) != "SQLite format 3\x00" {
		return ErrHeader
	}
	if f.size = int(binary.BigEndian.Uint16(head[16:])); f.size == 1 {
		f.size = 65536
	}
	if f.size < 512 || f.size&(f.size-1) != 0 {
		return ErrHeader
	}
	info, err := f.main.Stat()
	if err != nil {
		return err
	}
	f.there = uint32(info.Size() / int64(f.size))
	return nil
}

// readFacts reads the rest of the header, as the log has it.
func (f *File) readFacts() error {
	head, err := f.page(1)
	if err != nil || head[21] != 64 || head[22] != 32 || head[23] != 32 {
		return ErrHeader
	}
	f.usable = f.size - int(head[20])
	if f.pages == 0 { // the log does not say
		f.pages = f.there
	}
	f.said = max(f.pages, binary.BigEndian.Uint32(head[28:]))
	f.mapped = binary.BigEndian.Uint32(head[52:]) != 0
	f.version, f.owner = binary.BigEndian.Uint32(head[60:]), binary.BigEndian.Uint32(head[68:])
	f.belongs = make([]uint32, f.pages+1)
	return nil
}

// page returns the content of a page, as the log has it.
func (f *File) page(n uint32) ([]byte, error) {
	data := make([]byte, f.size)
	if at, ok := f.frames[n]; ok {
		_, err := f.log.ReadAt(data, at)
		return data, err
	}
	if n == 0 {
		return nil, errPage
	}
	if _, err := f.main.ReadAt(data, int64(n-1)*int64(f.size)); err != nil {
		return nil, errPage // behind the end, or the disk cannot read it
	}
	return data, nil
}

// pointerMap is the part of the pointer map in one page; nil when that is damaged.
type pointerMap []byte

// What a page is, as the pointer map says.
const (
	isRoot     = 1
	isFree     = 2
	isOverflow = 3 // the first of a row
	isFurther  = 4 // the next ones
	isNode     = 5 // of a tree, below its root
)

// mapPage tells which page maps page n.
func (f *File) mapPage(n uint32) uint32 {
	each := uint32(f.usable/5) + 1
	at := (n-2)/each*each + 2
	if at == uint32(0x40000000/f.size)+1 { // SQLite keeps its locks there
		at++
	}
	return at
}

// isMap tells whether page n holds nothing but a part of the pointer map.
func (f *File) isMap(n uint32) bool { return f.mapped && n > 1 && f.mapPage(n) == n }

// entry returns what page n is and who points to it; ok is false where the map
// does not say.
func (f *File) entry(n uint32) (kind byte, parent uint32, ok bool) {
	if !f.mapped || n < 2 || n > f.said || f.isMap(n) {
		return 0, 0, false
	}
	at := f.mapPage(n)
	m, known := f.maps[at]
	if !known {
		m = f.readMap(at)
		f.maps[at] = m
	}
	if m == nil {
		return 0, 0, false
	}
	e := m[5*(n-at-1):]
	return e[0], binary.BigEndian.Uint32(e[1:]), e[0] != 0
}

// readMap returns a page of the map, nil when something in it cannot be.
func (f *File) readMap(at uint32) pointerMap {
	data, err := f.page(at)
	if err != nil {
		return nil
	}
	for i := 0; i+5 <= f.usable && at+uint32(i/5)+1 <= f.said; i += 5 {
		kind, parent := data[i], binary.BigEndian.Uint32(data[i+1:])
		if kind > isNode || parent > f.said || (kind == isRoot || kind == isFree) != (parent == 0) && kind != 0 {
			return nil
		}
	}
	return data
}
