package convert

import (
	"bytes"
	"image"
	"image/color"
	_ "image/gif" // decodes GIF
	"image/jpeg"
	_ "image/png" // decodes PNG

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // decodes WebP

	"wamux/store"
)

const (
	maxPixels     = 24_000_000 // of an image that is unpacked: up to 100 MB for a moment
	thumbnailSide = 100        // longest side in pixels, as WhatsApp's own
)

// Thumbnail makes the small JPEG that a chat shows before an image is loaded,
// and tells the image's own width and height in pixels as it is to be seen. It
// reads JPEG, PNG, GIF and WebP. It refuses images of more than 24 megapixels
// before it unpacks them. Errors are [*store.Error] of code unprocessable.
func Thumbnail(data []byte) (thumbnail []byte, w, h int, err error) {
	config, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, 0, 0, noImage(err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width > maxPixels/config.Height {
		return nil, 0, 0, store.Errorf(store.CodeUnprocessable, "image_too_large", "The image has more than 24 megapixels, too many for a thumbnail")
	}
	full, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, 0, 0, noImage(err)
	}
	small := upright(shrink(full), orientation(data))
	w, h = config.Width, config.Height
	if orientation(data) >= 5 {
		w, h = h, w
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: 60}); err != nil {
		return nil, 0, 0, noImage(err)
	}
	return out.Bytes(), w, h, nil
}

func noImage(cause error) error {
	return &store.Error{Code: store.CodeUnprocessable, Name: "image_unreadable", Message: "The image cannot be read; JPEG, PNG, GIF and WebP can", Err: cause}
}

// shrink draws an image small, on white where it is transparent.
func shrink(full image.Image) *image.RGBA {
	b := full.Bounds()
	w, h := b.Dx(), b.Dy()
	if longest := max(w, h); longest > thumbnailSide {
		w, h = max(1, w*thumbnailSide/longest), max(1, h*thumbnailSide/longest)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.ApproxBiLinear.Scale(small, small.Bounds(), full, b, draw.Over, nil)
	return small
}

// Upright turns a picture that was made of the file data as the file's Exif
// orientation says.
func Upright(in *image.RGBA, data []byte) *image.RGBA { return upright(in, orientation(data)) }

// upright turns an image as its Exif orientation says.
func upright(in *image.RGBA, orientation int) *image.RGBA {
	w, h := in.Bounds().Dx(), in.Bounds().Dy()
	from := map[int]func(x, y int) (int, int){ // where the pixel that comes to x, y is now
		2: func(x, y int) (int, int) { return w - 1 - x, y },
		3: func(x, y int) (int, int) { return w - 1 - x, h - 1 - y },
		4: func(x, y int) (int, int) { return x, h - 1 - y },
		5: func(x, y int) (int, int) { return y, x },
		6: func(x, y int) (int, int) { return y, h - 1 - x },
		7: func(x, y int) (int, int) { return w - 1 - y, h - 1 - x },
		8: func(x, y int) (int, int) { return w - 1 - y, x },
	}[orientation]
	if from == nil {
		return in
	}
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			fx, fy := from(x, y)
			out.SetRGBA(x, y, in.RGBAAt(fx, fy))
		}
	}
	return out
}
