package api

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/skip2/go-qrcode"
)

// WhatsApp's codes hold 250 to 330 bytes. On a screen nothing gets dirty, so the lowest error correction gives the largest
// modules; 6 pixels each make an image of about 420 pixels, border included.
const qrModule = 6

func newQR(code string) (*qrcode.QRCode, error) {
	q, err := qrcode.New(code, qrcode.Low)
	if err != nil {
		return nil, fmt.Errorf("drawing a QR code: %w", err)
	}
	return q, nil
}

func qrPNG(code string) ([]byte, error) {
	q, err := newQR(code)
	if err != nil {
		return nil, err
	}
	return q.PNG(-qrModule)
}

// qrDataURL is the image as the old service answered it.
func qrDataURL(code string) (string, error) {
	png, err := qrPNG(code)
	if err != nil {
		return "", err
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(png), nil
}

// qrSVG draws each run of dark modules of a row as one line.
func qrSVG(code string) ([]byte, error) {
	q, err := newQR(code)
	if err != nil {
		return nil, err
	}
	rows := q.Bitmap()
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		len(rows), len(rows), len(rows), len(rows))
	for y, row := range rows {
		for x := 0; x < len(row); x++ {
			run := 0
			for x+run < len(row) && row[x+run] {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x, y, run, run)
				x += run
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes(), nil
}

// qrText draws two rows of modules in one row of characters. Terminals are dark, so the light modules are the ones drawn.
func qrText(code string) ([]byte, error) {
	q, err := newQR(code)
	if err != nil {
		return nil, err
	}
	rows := q.Bitmap()
	var b strings.Builder
	for y := 0; y < len(rows); y += 2 {
		for x := range rows[y] {
			below := y+1 >= len(rows) || rows[y+1][x]
			b.WriteString(halfBlock(rows[y][x], below))
		}
		b.WriteByte('\n')
	}
	return []byte(b.String()), nil
}

func halfBlock(upperDark, lowerDark bool) string {
	switch {
	case upperDark && lowerDark:
		return " "
	case upperDark:
		return "▄"
	case lowerDark:
		return "▀"
	}
	return "█"
}
