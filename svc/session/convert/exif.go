package convert

import (
	"bytes"
	"encoding/binary"
)

// orientation is how a camera was held, as the Exif block of a JPEG says: 1 to
// 8, and 1 (upright) when it does not say.
func orientation(data []byte) int {
	tiff := exif(data)
	if len(tiff) < 8 {
		return 1
	}
	var order binary.ByteOrder = binary.LittleEndian
	if tiff[0] == 'M' {
		order = binary.BigEndian
	}
	at := order.Uint32(tiff[4:])
	if uint64(at)+2 > uint64(len(tiff)) {
		return 1
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == 0x0112 {
			if o := order.Uint16(entries[8:]); o >= 1 && o <= 8 {
				return int(o)
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// exif finds the Exif block among the segments before the picture itself.
func exif(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte{0xff, 0xd8}) {
		return nil
	}
	for data = data[2:]; len(data) > 4 && data[0] == 0xff && data[1] != 0xda; {
		size := int(binary.BigEndian.Uint16(data[2:]))
		if size < 2 || size+2 > len(data) {
			return nil
		}
		if body, ok := bytes.CutPrefix(data[4:2+size], []byte("Exif\x00\x00")); ok && data[1] == 0xe1 {
			return body
		}
		data = data[2+size:]
	}
	return nil
}
