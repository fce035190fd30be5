package media

import (
	"bytes"
	"fmt"
	"image"
	"image/gif"

	"github.com/HugoSmits86/nativewebp"
	"golang.org/x/image/draw"
)

const (
	animationFrames = 30         // of a sticker; of more, some are left out
	animationPixels = 60_000_000 // of all pictures of a GIF together
)

// animate makes an animated sticker of a GIF that moves.
func animate(data []byte, pictures int) ([]byte, error) {
	config, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, unreadable("The GIF is damaged and cannot be made a sticker", err)
	}
	if config.Width <= 0 || config.Height <= 0 || config.Width*config.Height > animationPixels/pictures {
		return nil, unreadable("The GIF is too large for a sticker; use a shorter or smaller one", nil)
	}
	moving, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil {
		return nil, unreadable("The GIF is damaged and cannot be made a sticker", err)
	}
	film := develop(moving)
	for _, bits := range []int{8, 6, 4, 3} {
		for _, frame := range film.Images {
			reduce(frame.(*image.NRGBA), bits)
		}
		out, err := encodeAll(film)
		if err != nil {
			return nil, unreadable("The GIF cannot be made a sticker", err)
		}
		if len(out) <= stickerBytes {
			return out, nil
		}
	}
	return nil, unreadable("The GIF is too complex for a sticker; use one that is shorter or has fewer details", nil)
}

func encodeAll(film *nativewebp.Animation) (out []byte, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the encoder broke: %v", broken)
		}
	}()
	var b bytes.Buffer
	err = nativewebp.EncodeAll(&b, film, nil)
	return b.Bytes(), err
}

// develop draws each picture of a GIF over those before it, as a viewer does, and
// keeps as many as a sticker may have. Each is shown as long as it and those left
// out after it were.
func develop(moving *gif.GIF) *nativewebp.Animation {
	step := (len(moving.Image) + animationFrames - 1) / animationFrames
	canvas := image.NewRGBA(image.Rect(0, 0, moving.Config.Width, moving.Config.Height))
	film := &nativewebp.Animation{}
	for i, picture := range moving.Image {
		before := image.NewRGBA(canvas.Rect)
		copy(before.Pix, canvas.Pix)
		draw.Draw(canvas, picture.Bounds(), picture, picture.Bounds().Min, draw.Over)
		if i%step == 0 {
			film.Images = append(film.Images, fit(canvas, nil))
			film.Durations = append(film.Durations, 0)
			film.Disposals = append(film.Disposals, 1) // each frame stands alone
		}
		film.Durations[len(film.Durations)-1] += shown(moving.Delay[i])
		switch moving.Disposal[i] {
		case gif.DisposalBackground:
			draw.Draw(canvas, picture.Bounds(), image.Transparent, image.Point{}, draw.Src)
		case gif.DisposalPrevious:
			canvas = before
		}
	}
	return film
}

// shown is how long a picture is seen, in milliseconds. Viewers take none, or
// almost none, for a tenth of a second.
func shown(hundredths int) uint {
	if hundredths < 2 {
		return 100
	}
	return uint(hundredths) * 10
}
