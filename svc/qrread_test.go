package svc_test

import (
	"errors"
	"fmt"
	"strings"
)

// modules are the dark and light squares of a QR code, [row][column], true for
// dark, with or without a border.
type modules [][]bool

// readQR returns the text of a code, as a camera would: from nothing but its
// modules. It corrects no errors, for on a screen there are none, so that one
// wrong module is an error here, or a wrong text. It knows what WhatsApp's codes
// need: versions 7 to 13 with the lowest error correction.
func readQR(m modules) (string, error) {
	m, err := m.cropped()
	if err != nil {
		return "", err
	}
	size := len(m)
	version := (size - 17) / 4
	plan, known := map[int]qrPlan{
		7: {20, []int{78, 78}, []int{6, 22, 38}}, 8: {24, []int{97, 97}, []int{6, 24, 42}}, 9: {30, []int{116, 116}, []int{6, 26, 46}},
		10: {18, []int{68, 68, 69, 69}, []int{6, 28, 50}}, 11: {20, []int{81, 81, 81, 81}, []int{6, 30, 54}},
		12: {24, []int{92, 92, 93, 93}, []int{6, 32, 58}}, 13: {26, []int{107, 107, 107, 107}, []int{6, 34, 62}},
	}[version]
	if !known || size != 17+4*version {
		return "", fmt.Errorf("a code of %d modules", size)
	}
	level, mask := m.format()
	if level != 1 {
		return "", fmt.Errorf("error correction %d, want L", level)
	}
	return plan.text(m.words(plan, mask))
}

// qrPlan is what the standard says about a version at level L.
type qrPlan struct {
	check  int   // words of error correction of each block
	blocks []int // words of data of each block
	align  []int // where alignment patterns are centred
}

// cropped takes the border away, and checks the three corners.
func (m modules) cropped() (modules, error) {
	top, bottom, left, right := len(m), -1, 1<<20, -1
	for y, row := range m {
		for x, dark := range row {
			if dark {
				top, bottom, left, right = min(top, y), max(bottom, y), min(left, x), max(right, x)
			}
		}
	}
	if bottom < 0 || bottom-top != right-left {
		return nil, fmt.Errorf("no square: rows %d to %d, columns %d to %d", top, bottom, left, right)
	}
	var code modules
	for _, row := range m[top : bottom+1] {
		code = append(code, row[left:right+1])
	}
	n := len(code)
	for i := range 7 {
		if !code[0][i] || !code[0][n-1-i] || !code[n-1][i] || !code[i][0] {
			return nil, errors.New("a corner is broken")
		}
	}
	return code, nil
}

// format reads the fifteen bits around the upper left corner.
func (m modules) format() (level, mask int) {
	bits := 0
	for _, at := range [][2]int{{8, 0}, {8, 1}, {8, 2}, {8, 3}, {8, 4}} {
		bits <<= 1
		if m[at[0]][at[1]] {
			bits |= 1
		}
	}
	bits ^= 0b10101
	return bits >> 3, bits & 7
}

// reserved tells what is no data: corners with their formats, timing, alignment
// and version.
func (p qrPlan) reserved(n, y, x int) bool {
	switch {
	case y == 6, x == 6, y < 9 && x < 9, y < 9 && x >= n-8, y >= n-8 && x < 9:
		return true
	case y < 6 && x >= n-11, x < 6 && y >= n-11:
		return true
	}
	last := p.align[len(p.align)-1]
	for _, cy := range p.align {
		for _, cx := range p.align {
			corner := cy == 6 && (cx == 6 || cx == last) || cx == 6 && cy == last
			if !corner && max(cy-y, y-cy) <= 2 && max(cx-x, x-cx) <= 2 {
				return true
			}
		}
	}
	return false
}

// words walks the code in its two columns wide zigzag.
func (m modules) words(p qrPlan, mask int) []byte {
	n := len(m)
	var words []byte
	bit, up := 0, true
	for right := n - 1; right > 0; right -= 2 {
		if right == 6 {
			right--
		}
		for i := range n {
			y := i
			if up {
				y = n - 1 - i
			}
			for _, x := range []int{right, right - 1} {
				if p.reserved(n, y, x) {
					continue
				}
				if bit%8 == 0 {
					words = append(words, 0)
				}
				if m[y][x] != masked(mask, y, x) {
					words[bit/8] |= 0x80 >> (bit % 8)
				}
				bit++
			}
		}
		up = !up
	}
	return words
}

func masked(mask, y, x int) bool {
	switch mask {
	case 0:
		return (y+x)%2 == 0
	case 1:
		return y%2 == 0
	case 2:
		return x%3 == 0
	case 3:
		return (y+x)%3 == 0
	case 4:
		return (y/2+x/3)%2 == 0
	case 5:
		return y*x%2+y*x%3 == 0
	case 6:
		return (y*x%2+y*x%3)%2 == 0
	}
	return ((y+x)%2+y*x%3)%2 == 0
}

// text puts the blocks, whose words are dealt out in turns, together again and
// reads the segments in them.
func (p qrPlan) text(words []byte) (string, error) {
	blocks := make([][]byte, len(p.blocks))
	next := 0
	for i := range p.blocks[len(p.blocks)-1] {
		for b, size := range p.blocks {
			if i < size && next < len(words) {
				blocks[b] = append(blocks[b], words[next])
				next++
			}
		}
	}
	r := &bitReader{}
	for _, b := range blocks {
		r.data = append(r.data, b...)
	}
	return r.segments(len(p.blocks) >= 4)
}

// bitReader reads numbers of some bits each.
type bitReader struct {
	data []byte
	at   int
}

func (r *bitReader) take(n int) int {
	v := 0
	for range n {
		v <<= 1
		if r.at/8 < len(r.data) && r.data[r.at/8]&(0x80>>(r.at%8)) != 0 {
			v |= 1
		}
		r.at++
	}
	return v
}

// segments reads to the terminator. Counts are longer from version 10 on.
func (r *bitReader) segments(large bool) (string, error) {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
	count := map[int]int{1: 10, 2: 9, 4: 8}
	if large {
		count = map[int]int{1: 12, 2: 11, 4: 16}
	}
	var text strings.Builder
	for r.at+4 <= 8*len(r.data) {
		mode := r.take(4)
		if mode == 0 {
			return text.String(), nil
		}
		n := r.take(count[mode])
		switch mode {
		case 1:
			for ; n > 0; n -= 3 {
				width := min(n, 3)
				fmt.Fprintf(&text, "%0*d", width, r.take(1+3*width))
			}
		case 2:
			for ; n > 1; n -= 2 {
				pair := r.take(11)
				text.WriteByte(letters[pair/45%45])
				text.WriteByte(letters[pair%45])
			}
			if n == 1 {
				text.WriteByte(letters[r.take(6)%45])
			}
		case 4:
			for range n {
				text.WriteByte(byte(r.take(8)))
			}
		default:
			return "", fmt.Errorf("a segment of mode %d", mode)
		}
	}
	return text.String(), nil
}
