package media

import (
	"bytes"
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

func TestStickerRefuses(t *testing.T) {
	dot := image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.White, color.Black})
	var moving bytes.Buffer
	if err := gif.EncodeAll(&moving, &gif.GIF{Image: []*image.Paletted{dot, dot}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	huge := encoded(t, paint(1, 1, func(_, _ int) color.Color { return color.White }), "png")
	copy(huge[16:], "\x00\x00\xff\xff\x00\x00\xff\xff")
	for want, data := range map[string][]byte{
		"none of them":   []byte("<html>"),
		"GIF that moves": moving.Bytes(),
		"damaged":        encoded(t, paint(9, 9, func(x, _ int) color.Color { return color.Gray{uint8(x)} }), "png")[:60],
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
		if config, _, err := image.DecodeConfig(bytes.NewReader(data)); err == nil && config.Width*config.Height > 1<<20 {
			return // slow, and nothing new
		}
		if out, err := s.Sticker(t.Context(), data); err == nil && !isWebP(out) {
			t.Error("it is no WebP")
		}
	})
}
