package salvage

import (
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

const (
	logHeader   = 32
	frameHeader = 24
	logMagic    = 0x377f0682 // the last bit says in which order the checksums read
)

// readLog finds the pages in the write-ahead log that were committed. A log that
// is missing, empty or foreign has none.
func (f *File) readLog(path string) (err error) {
	f.log, err = os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	head := make([]byte, logHeader)
	if _, err := io.ReadFull(f.log, head); err != nil {
		return nil
	}
	magic := binary.BigEndian.Uint32(head)
	if magic&^1 != logMagic || binary.BigEndian.Uint32(head[8:]) != uint32(f.size) {
		return nil
	}
	sum := checksum{order: binary.LittleEndian}
	if magic&1 == 1 {
		sum.order = binary.BigEndian
	}
	if sum.add(head[:24]); !sum.is(head[24:]) {
		return nil
	}
	f.readFrames(sum, string(head[16:24]))
	return nil
}

// readFrames goes through the log until something does not fit.
func (f *File) readFrames(sum checksum, salt string) {
	f.frames = map[uint32]int64{}
	open := map[uint32]int64{} // not committed yet
	frame := make([]byte, frameHeader+f.size)
	for at := int64(logHeader); ; at += int64(len(frame)) {
		if _, err := f.log.ReadAt(frame, at); err != nil || string(frame[8:16]) != salt {
			return
		}
		sum.add(frame[:8])
		if sum.add(frame[frameHeader:]); !sum.is(frame[16:]) {
			return
		}
		open[binary.BigEndian.Uint32(frame)] = at + frameHeader
		if pages := binary.BigEndian.Uint32(frame[4:]); pages != 0 {
			f.pages = pages
			for n, where := range open {
				f.frames[n] = where
			}
			clear(open)
		}
	}
}

// checksum is the one of the log: it runs over all of it.
type checksum struct {
	order  binary.ByteOrder
	s0, s1 uint32
}

func (c *checksum) add(data []byte) {
	for ; len(data) >= 8; data = data[8:] {
		c.s0 += c.order.Uint32(data) + c.s1
		c.s1 += c.order.Uint32(data[4:]) + c.s0
	}
}

func (c *checksum) is(data []byte) bool {
	return c.s0 == binary.BigEndian.Uint32(data) && c.s1 == binary.BigEndian.Uint32(data[4:])
}
