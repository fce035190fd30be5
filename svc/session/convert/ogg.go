package convert

import (
	"bytes"
	"encoding/binary"
)

// OggSeconds tells how long an Ogg Opus file plays, in full seconds and at
// least 1, computed from its granule positions; false when it is none or when
// it does not say.
func OggSeconds(data []byte) (uint32, bool) {
	if !bytes.HasPrefix(data, []byte("OggS")) {
		return 0, false
	}
	head := bytes.Index(data[:min(len(data), 512)], []byte("OpusHead"))
	if head < 0 || len(data) < head+12 {
		return 0, false
	}
	skip := uint64(binary.LittleEndian.Uint16(data[head+10:])) // samples before the first that is heard
	last, ok := lastGranule(data)
	if !ok || last < skip {
		return 0, false
	}
	const rate = 48000 // Opus counts at 48 kHz, whatever was recorded
	seconds := (last - skip + rate - 1) / rate
	if seconds > 1<<24 {
		return 0, false
	}
	return uint32(max(seconds, 1)), true
}

// lastGranule is the position at the end of the last page on which a packet ends.
func lastGranule(data []byte) (uint64, bool) {
	const none = ^uint64(0) // of a page on which no packet ends
	for end := len(data); ; {
		page := bytes.LastIndex(data[:end], []byte("OggS"))
		if page < 0 {
			return 0, false
		}
		if page+14 <= len(data) && data[page+4] == 0 {
			if g := binary.LittleEndian.Uint64(data[page+6:]); g != none {
				return g, true
			}
		}
		end = page
	}
}
