package media

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"wamux/store"
)

// paint makes a picture of a colour for each point.
func paint(w, h int, at func(x, y int) color.Color) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, at(x, y))
		}
	}
	return img
}

func encoded(t testing.TB, img image.Image, as string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch as {
	case "png":
		err = png.Encode(&b, img)
	case "jpeg":
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 95})
	case "gif":
		err = gif.Encode(&b, img, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestSticker: a picture becomes a WebP of the right size, in the middle, with
// nothing around it, and not larger than phones take.
func TestSticker(t *testing.T) {
	red := color.NRGBA{255, 0, 0, 255}
	wide := paint(200, 100, func(x, _ int) color.Color {
		if x < 100 {
			return red
		}
		return color.NRGBA{0, 0, 255, 255}
	})
	noise := rand.New(rand.NewPCG(1, 2))
	for name, data := range map[string][]byte{
		"png":  encoded(t, wide, "png"),
		"jpeg": encoded(t, wide, "jpeg"),
		"gif":  encoded(t, wide, "gif"),
		"tiny": encoded(t, paint(2, 1, func(x, _ int) color.Color {
			if x == 0 {
				return red
			}
			return color.NRGBA{0, 0, 255, 255}
		}), "png"),
	} {
		out, err := New(Options{}).Sticker(t.Context(), data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		img := seen(t, out)
		if _, _, _, a := img.At(256, 10).RGBA(); a != 0 {
			t.Errorf("%s: above the picture it is not transparent", name)
		}
		if r, _, b, a := img.At(20, 256).RGBA(); r < 0xe000 || b > 0x2000 || a != 0xffff {
			t.Errorf("%s: got %v on the left, want red", name, img.At(20, 256))
		}
		if r, _, b, _ := img.At(492, 256).RGBA(); b < 0xe000 || r > 0x2000 {
			t.Errorf("%s: got %v on the right, want blue", name, img.At(492, 256))
		}
	}
	hard := encoded(t, paint(600, 600, func(_, _ int) color.Color {
		return color.NRGBA{uint8(noise.Uint32()), uint8(noise.Uint32()), uint8(noise.Uint32()), 255}
	}), "png")
	out, err := New(Options{}).Sticker(t.Context(), hard)
	if err != nil || len(out) > stickerBytes {
		t.Errorf("noise: got %d bytes, %v", len(out), err)
	} else {
		seen(t, out)
	}
	if same, err := New(Options{}).Sticker(t.Context(), out); err != nil || !bytes.Equal(same, out) {
		t.Errorf("a WebP does not come back as it is: %v", err)
	}
}

func seen(t *testing.T, data []byte) image.Image {
	t.Helper()
	img, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if img.Bounds() != image.Rect(0, 0, stickerSide, stickerSide) {
		t.Fatalf("got %v", img.Bounds())
	}
	return img
}

// TestStickerUpright turns a photo as its camera was held.
func TestStickerUpright(t *testing.T) {
	plain := encoded(t, paint(64, 64, func(_, y int) color.Color {
		if y < 32 {
			return color.NRGBA{255, 0, 0, 255}
		}
		return color.NRGBA{0, 0, 255, 255}
	}), "jpeg")
	exif := []byte("\xff\xe1\x00\x22Exif\x00\x00MM\x00\x2a\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x03\x00\x00\x00\x00\x00\x00")
	turned := append(append([]byte("\xff\xd8"), exif...), plain[2:]...)
	out, err := New(Options{}).Sticker(t.Context(), turned)
	if err != nil {
		t.Fatal(err)
	}
	if r, _, b, _ := seen(t, out).At(256, 20).RGBA(); b < 0xe000 || r > 0x2000 {
		t.Error("a photo taken upside down stays so")
	}
}

// TestLossless: what is small comes out as it went in, point by point.
func TestLossless(t *testing.T) {
	noise := rand.New(rand.NewPCG(3, 4))
	for round := range 20 {
		w, h, step := 1+noise.IntN(90), 1+noise.IntN(90), 1+noise.IntN(60)
		img := paint(w, h, func(x, y int) color.Color {
			if noise.IntN(step) == 0 {
				return color.NRGBA{uint8(noise.Uint32()), uint8(noise.Uint32()), uint8(noise.Uint32()), uint8(noise.Uint32())}
			}
			return color.NRGBA{uint8(x), uint8(y), uint8(round), 255}
		})
		out, err := shrinkTo(img, stickerBytes)
		if err != nil {
			t.Fatal(err)
		}
		got, err := webp.Decode(bytes.NewReader(out))
		if err != nil {
			t.Fatalf("%d by %d: %v", w, h, err)
		}
		for y := range h {
			for x := range w {
				if want := img.NRGBAAt(x, y); want.A != 0 && got.At(x, y) != color.Color(want) {
					t.Fatalf("%d by %d: got %v at %d, %d, want %v", w, h, got.At(x, y), x, y, want)
				}
			}
		}
	}
}

// moving is a GIF of 20 by 20 pixels: each picture adds a dot further right, red and blue in turn.
func moving(t testing.TB, pictures int) []byte {
	t.Helper()
	colours := color.Palette{color.Transparent, color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 0, 255, 255}}
	g := &gif.GIF{Config: image.Config{Width: 20, Height: 20, ColorModel: colours}}
	for i := range pictures {
		p := image.NewPaletted(image.Rect(i%20, 0, i%20+1, 20), colours)
		for y := range 20 {
			p.SetColorIndex(i%20, y, uint8(1+i%2))
		}
		g.Image, g.Delay, g.Disposal = append(g.Image, p), append(g.Delay, 5), append(g.Disposal, gif.DisposalNone)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// wideGIF claims to be of 65,535 by 65,535 pixels.
func wideGIF(t testing.TB) []byte {
	data := moving(t, 2)
	copy(data[6:], "\xff\xff\xff\xff")
	return data
}

// TestAnimatedSticker: a GIF that moves becomes a sticker that does, with all it
// showed, as long as it showed it, in no more frames than a sticker has.
func TestAnimatedSticker(t *testing.T) {
	for pictures, want := range map[int]struct {
		frames int
		shown  uint32
	}{2: {2, 50}, 20: {20, 50}, 45: {23, 100}} {
		out, err := New(Options{}).Sticker(t.Context(), moving(t, pictures))
		if err != nil || len(out) > stickerBytes {
			t.Fatalf("%d pictures: got %d bytes, %v", pictures, len(out), err)
		}
		if config, err := webp.DecodeConfig(bytes.NewReader(out)); err != nil || config.Width != stickerSide || config.Height != stickerSide || out[20]&2 == 0 {
			t.Errorf("%d pictures: got %+v, %v, flags %x", pictures, config, err, out[20])
		}
		stills, durations := unreel(t, out)
		if len(stills) != want.frames || durations[0] != want.shown {
			t.Errorf("%d pictures: got %d frames, the first for %d ms; want %+v", pictures, len(stills), durations[0], want)
		}
		if pictures == 2 { // the second frame shows what the first left, too
			if r, _, _, a := stills[1].At(8, 256).RGBA(); r < 0xe000 || a != 0xffff {
				t.Errorf("got %v, want the red of the first picture", stills[1].At(8, 256))
			}
			if _, _, b, _ := stills[1].At(38, 256).RGBA(); b < 0xe000 {
				t.Errorf("got %v, want the blue of the second picture", stills[1].At(38, 256))
			}
			if _, _, _, a := stills[0].At(38, 256).RGBA(); a != 0 {
				t.Error("the first frame shows the second picture")
			}
		}
	}
}

// unreel takes the frames out of an animated WebP.
func unreel(t *testing.T, data []byte) (stills []image.Image, durations []uint32) {
	t.Helper()
	for at := 12; at+8 <= len(data); {
		size := int(binary.LittleEndian.Uint32(data[at+4:]))
		if string(data[at:at+4]) == "ANMF" {
			frame := data[at+8 : at+8+size]
			durations = append(durations, uint32(frame[12])|uint32(frame[13])<<8|uint32(frame[14])<<16)
			still := append([]byte("RIFF\x00\x00\x00\x00WEBP"), frame[16:]...)
			binary.LittleEndian.PutUint32(still[4:], uint32(len(still)-8))
			stills = append(stills, seen(t, still))
		}
		at += 8 + size + size%2
	}
	return stills, durations
}

func TestStickerRefuses(t *testing.T) {
	huge := encoded(t, paint(1, 1, func(_, _ int) color.Color { return color.White }), "png")
	copy(huge[16:], "\x00\x00\xff\xff\x00\x00\xff\xff")
	for want, data := range map[string][]byte{
		"none of them":     []byte("<html>"),
		"GIF is damaged":   cut(moving(t, 3)),
		"GIF is too large": wideGIF(t),
		"damaged":          encoded(t, paint(9, 9, func(x, _ int) color.Color { return color.Gray{uint8(x)} }), "png")[:60],
	} {
		if _, err := New(Options{}).Sticker(t.Context(), data); store.ErrorCode(err) != store.CodeUnprocessable || !strings.Contains(store.ErrorMessage(err), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := New(Options{}).Sticker(t.Context(), huge); store.ErrorCode(err) != store.CodeUnprocessable {
		t.Errorf("a picture of four billion points: got %v", err)
	}
}

// FuzzSticker: no file breaks it, and what comes out is a sticker.
func FuzzSticker(f *testing.F) {
	f.Add(encoded(f, paint(9, 9, func(x, y int) color.Color { return color.NRGBA{uint8(x), uint8(y), 9, 200} }), "png"))
	f.Add(encoded(f, paint(9, 9, func(x, y int) color.Color { return color.Gray{uint8(x * y)} }), "gif"))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00"))
	s := New(Options{})
	f.Fuzz(func(t *testing.T, data []byte) {
		frames(data)
		if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && config.Width*config.Height*max(1, frames(data)) > 1<<20 {
			return // slow, and nothing new
		}
		if out, err := s.Sticker(t.Context(), data); err == nil && !isWebP(out) {
			t.Error("it is no WebP")
		}
	})
}

// cut takes the end of a file away.
func cut(data []byte) []byte { return data[:len(data)-4] }
