package convert

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"wamux/store"
)

// drawing is red on top and blue below.
func drawing(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if y >= h/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// held is a JPEG with an Exif block that says how the camera was held.
func held(t *testing.T, img image.Image, orientation uint16) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("Exif\x00\x00MM\x00*")
	for _, v := range []any{uint32(8), uint16(1), uint16(0x0112), uint16(3), uint32(1), orientation, uint16(0), uint32(0)} {
		binary.Write(&b, binary.BigEndian, v)
	}
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(b.Len()+2))
	plain := asJPEG(t, img)
	return append(append(append(plain[:2:2], segment...), b.Bytes()...), plain[2:]...)
}

func TestThumbnail(t *testing.T) {
	var asPNG, asGIF bytes.Buffer
	png.Encode(&asPNG, image.NewNRGBA(image.Rect(0, 0, 300, 200)))
	gif.Encode(&asGIF, drawing(90, 50), nil)
	webp, _ := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	for name, c := range map[string]struct {
		data           []byte
		w, h           int
		smallW, smallH int
	}{
		"JPEG":        {asJPEG(t, drawing(400, 200)), 400, 200, 100, 50},
		"tall":        {asJPEG(t, drawing(100, 1000)), 100, 1000, 10, 100},
		"PNG":         {asPNG.Bytes(), 300, 200, 100, 66},
		"GIF":         {asGIF.Bytes(), 90, 50, 90, 50},
		"WebP":        {webp, 1, 1, 1, 1},
		"held upside": {held(t, drawing(400, 200), 3), 400, 200, 100, 50},
		"held left":   {held(t, drawing(400, 200), 6), 200, 400, 50, 100},
	} {
		t.Run(name, func(t *testing.T) {
			small, w, h, err := Thumbnail(c.data)
			if err != nil || w != c.w || h != c.h {
				t.Fatalf("got %dx%d %v, want %dx%d", w, h, err, c.w, c.h)
			}
			config, kind, err := image.DecodeConfig(bytes.NewReader(small))
			if err != nil || kind != "jpeg" || config.Width != c.smallW || config.Height != c.smallH || len(small) > 8<<10 {
				t.Errorf("got a %s of %dx%d and %d bytes (%v), want a jpeg of %dx%d", kind, config.Width, config.Height, len(small), err, c.smallW, c.smallH)
			}
		})
	}
}

// TestUpright looks where red is when a camera was held otherwise.
func TestUpright(t *testing.T) {
	for orientation, red := range map[uint16]image.Point{1: {20, 5}, 2: {20, 5}, 3: {20, 35}, 4: {20, 35}, 5: {5, 20}, 6: {35, 20}, 7: {35, 20}, 8: {5, 20}, 9: {20, 5}} {
		small, _, _, err := Thumbnail(held(t, drawing(40, 40), orientation))
		if err != nil {
			t.Fatal(err)
		}
		img, _, _ := image.Decode(bytes.NewReader(small))
		if r, _, b, _ := img.At(red.X, red.Y).RGBA(); r < b {
			t.Errorf("orientation %d: blue at %v, want red", orientation, red)
		}
	}
}

func TestThumbnailRefuses(t *testing.T) {
	bomb := func(w, h uint32) []byte { // a PNG that says it is huge
		var b bytes.Buffer
		png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1)))
		data := b.Bytes()
		binary.BigEndian.PutUint32(data[16:], w)
		binary.BigEndian.PutUint32(data[20:], h)
		binary.BigEndian.PutUint32(data[29:], pngSum(data[12:29]))
		return data
	}
	good := asJPEG(t, drawing(100, 100))
	for name, data := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "cut": good[:len(good)/3], "bomb": bomb(60000, 60000), "wide bomb": bomb(1<<31-1, 1),
		"overflow": bomb(1<<31-1, 1<<31-1), "zero": bomb(0, 5), "cut exif": held(t, drawing(9, 9), 6)[:30],
	} {
		t.Run(name, func(t *testing.T) {
			if small, _, _, err := Thumbnail(data); err == nil || store.ErrorCode(err) != store.CodeUnprocessable {
				t.Errorf("got %d bytes and %v, want unprocessable", len(small), err)
			}
		})
	}
}

// pngSum is the CRC-32 that PNG wants behind a chunk.
func pngSum(b []byte) uint32 {
	crc := ^uint32(0)
	for _, x := range b {
		crc ^= uint32(x)
		for range 8 {
			crc = crc>>1 ^ 0xedb88320*(crc&1)
		}
	}
	return ^crc
}

// page is an Ogg page that ends at a granule.
func page(granule uint64, body string) []byte {
	b := append([]byte("OggS\x00\x00"), binary.LittleEndian.AppendUint64(nil, granule)...)
	return append(append(b, make([]byte, 14)...), body...)
}

func TestOggSeconds(t *testing.T) {
	const head = "OpusHead\x01\x01\x38\x01\x80\xbb\x00\x00\x00\x00\x00" // skips 312 samples
	join := func(pages ...[]byte) []byte { return bytes.Join(pages, nil) }
	for name, c := range map[string]struct {
		data []byte
		want uint32
		ok   bool
	}{
		"two seconds":      {join(page(0, head), page(48000, "x"), page(2*48000+312, "x")), 2, true},
		"a bit more":       {join(page(0, head), page(2*48000+313, "x")), 3, true},
		"a blink":          {join(page(0, head), page(400, "x")), 1, true},
		"open page at end": {join(page(0, head), page(48000+312, "x"), page(^uint64(0), "x")), 1, true},
		"cut at the end":   {join(page(0, head), page(48000+312, "x"), []byte("OggS\x00")), 1, true},
		"before the start": {join(page(0, head), page(100, "x")), 0, false},
		"absurd":           {join(page(0, head), page(1<<62, "x")), 0, false},
		"Vorbis":           {join(page(0, "\x01vorbis"), page(48000, "x")), 0, false},
		"cut header":       {page(0, "OpusHead"), 0, false},
		"MP3":              {[]byte("ID3"), 0, false},
		"nothing":          {nil, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := OggSeconds(c.data); got != c.want || ok != c.ok {
				t.Errorf("got %d %v, want %d %v", got, ok, c.want, c.ok)
			}
		})
	}
}

func TestMeasure(t *testing.T) {
	image := store.Content{Type: "image", Media: &store.Media{Mimetype: "image/jpeg"}}
	got := Measure(image, asJPEG(t, drawing(400, 200)))
	if m := got.Media; m.Width != 400 || m.Height != 200 || len(m.Thumbnail) == 0 || image.Media.Width != 0 {
		t.Errorf("got %+v", m)
	}
	if m := Measure(image, []byte("no image")).Media; m.Width != 0 || m.Thumbnail != nil {
		t.Errorf("got %+v", m)
	}
	image.Media.Thumbnail = []byte("own")
	if m := Measure(image, asJPEG(t, drawing(40, 20))).Media; string(m.Thumbnail) != "own" || m.Width != 40 {
		t.Errorf("got %+v", m)
	}
	voice := store.Content{Type: "voice", Media: &store.Media{}}
	if m := Measure(voice, bytes.Join([][]byte{page(0, "OpusHead\x01\x01\x00\x00\x80\xbb\x00\x00\x00\x00\x00"), page(48000*4, "")}, nil)).Media; m.Seconds != 4 {
		t.Errorf("got %+v", m)
	}
	if c := Measure(store.Content{Type: "text"}, nil); c.Media != nil {
		t.Errorf("got %+v", c)
	}
}

// FuzzMedia feeds arbitrary files to what looks into media.
func FuzzMedia(f *testing.F) {
	f.Add(page(0, "OpusHead"))
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		OggSeconds(b)
		orientation(b)
		if config, _, err := image.DecodeConfig(bytes.NewReader(b)); err == nil && config.Width*config.Height < 1<<16 {
			Thumbnail(b)
		}
	})
}
