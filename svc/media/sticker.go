package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	_ "image/gif"  // decodes GIF
	_ "image/jpeg" // decodes JPEG
	_ "image/png"  // decodes PNG

	"github.com/HugoSmits86/nativewebp"
	"golang.org/x/image/draw"

	"wamux/svc/session/convert"
)

const (
	stickerSide   = 512       // pixels, of WhatsApp's stickers
	stickerBytes  = 500 << 10 // what phones take without trouble
	stickerPixels = 24_000_000
)

// Sticker makes a WebP of 512 by 512 pixels of a JPEG, PNG or GIF; what the
// picture does not fill is transparent. A GIF that moves stays so. A WebP comes
// back as it is. The picture is kept without loss as long as that is small enough,
// then in fewer colours.
// Errors are [*store.Error] of code unprocessable.
func (s *Studio) Sticker(ctx context.Context, data []byte) ([]byte, error) {
	if isWebP(data) {
		return data, nil
	}
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.leave()
	if n := frames(data); n > 1 {
		return animate(data, n)
	}
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, unreadable("A sticker is made of a WebP, PNG, JPEG or GIF; this is none of them", err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > stickerPixels/config.Height {
		return nil, unreadable("The picture has more than 24 megapixels, too many for a sticker", nil)
	}
	full, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, unreadable("The picture is damaged and cannot be made a sticker", err)
	}
	return shrinkTo(fit(full, data), stickerBytes)
}

func isWebP(data []byte) bool {
	return len(data) > 12 && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

// fit draws a picture as large as a sticker holds it, in the middle and upright.
func fit(full image.Image, data []byte) *image.NRGBA {
	b := full.Bounds()
	w, h := stickerSide, stickerSide
	if b.Dx() > b.Dy() {
		h = max(1, stickerSide*b.Dy()/b.Dx())
	} else {
		w = max(1, stickerSide*b.Dx()/b.Dy())
	}
	side := image.Rect(0, 0, stickerSide, stickerSide)
	drawn := image.NewRGBA(side)
	at := image.Rect(0, 0, w, h).Add(image.Pt((stickerSide-w)/2, (stickerSide-h)/2))
	draw.CatmullRom.Scale(drawn, at, full, b, draw.Over, nil)
	out := image.NewNRGBA(side)
	draw.Draw(out, side, convert.Upright(drawn, data), image.Point{}, draw.Src)
	return out
}

// shrinkTo encodes a picture, with fewer colours each time until it has at most
// so many bytes.
func shrinkTo(img *image.NRGBA, limit int) ([]byte, error) {
	for _, bits := range []int{8, 6, 5, 4, 3} {
		reduce(img, bits)
		out, err := encode(img)
		if err != nil {
			return nil, unreadable("The picture cannot be made a sticker", err)
		}
		if len(out) <= limit {
			return out, nil
		}
	}
	return nil, unreadable("The picture is too complex for a sticker; use one with fewer details", nil)
}

func encode(img *image.NRGBA) (out []byte, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the encoder broke: %v", broken)
		}
	}()
	var b bytes.Buffer
	err = nativewebp.Encode(&b, img, nil)
	return b.Bytes(), err
}

// reduce keeps so many bits of each colour. Neighbours that were nearly the same
// become the same, which is what the encoder lives on.
func reduce(img *image.NRGBA, bits int) {
	if bits >= 8 {
		return
	}
	shift := 8 - bits
	for i := range img.Pix {
		if i%4 != 3 { // transparency stays
			level := int(img.Pix[i]) >> shift
			img.Pix[i] = uint8(level * 255 / (1<<bits - 1))
		}
	}
}

// frames counts the pictures of a GIF; of anything else it is 0.
func frames(data []byte) (n int) {
	if len(data) < 13 || string(data[:3]) != "GIF" {
		return 0
	}
	at := 13 + colours(data[10])
	for at < len(data) {
		switch data[at] {
		case 0x2c: // a picture: descriptor, its colours, the size of a code, blocks
			if at+10 > len(data) {
				return n
			}
			n++
			at = skipBlocks(data, at+11+colours(data[at+9]))
		case 0x21: // an extension: label, blocks
			at = skipBlocks(data, at+2)
		default: // the end, or damage
			return n
		}
	}
	return n
}

// colours is the size in bytes of the colour table that a flag byte announces.
func colours(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}

func skipBlocks(data []byte, at int) int {
	for at < len(data) && data[at] != 0 {
		at += 1 + int(data[at])
	}
	return at + 1
}
