package media

import (
	"bytes"

	"github.com/pion/opus"
	"github.com/pion/opus/pkg/oggreader"
)

const (
	waveformValues = 64
	waveformBurst  = 25    // packets that are listened to for one value: half a second
	waveformWarmUp = 5     // the first ones after a jump, which a decoder without a past gets wrong
	waveformRate   = 16000 // samples a second that are enough to tell loud from quiet
)

// Waveform is how loud an Ogg Opus recording is along its way: 64 values from 0 to
// 100, as WhatsApp shows them. Of a long recording it listens to parts only, so
// that an hour takes no longer than half a minute. It is nil when the recording
// cannot be decoded.
func Waveform(ogg []byte) (values []byte) {
	defer func() {
		if recover() != nil { // the decoder met what it did not expect
			values = nil
		}
	}()
	packets := packetsOf(ogg)
	ear, err := newEar()
	if err != nil || len(packets) == 0 {
		return nil
	}
	loudness, loudest := make([]float64, waveformValues), 0.0
	for i := range loudness {
		from, to := i*len(packets)/waveformValues, (i+1)*len(packets)/waveformValues
		if loudness[i] = ear.listen(packets, from, min(to, from+waveformBurst)); loudness[i] < 0 && i > 0 {
			loudness[i] = loudness[i-1] // fewer packets than values
		}
		loudest = max(loudest, loudness[i])
	}
	if !ear.heard {
		return nil
	}
	values = make([]byte, waveformValues)
	for i, level := range loudness {
		if loudest > 0 {
			values[i] = byte(max(level, 0)/loudest*100 + 0.5)
		}
	}
	return values
}

// packetsOf takes the sound out of its container; nil when that is damaged or has
// more than two channels.
func packetsOf(ogg []byte) (packets [][]byte) {
	r, head, err := oggreader.NewWith(bytes.NewReader(ogg))
	if err != nil || head.ChannelMap != 0 {
		return nil
	}
	for {
		packet, _, err := r.ParseNextPacket()
		if err != nil {
			return packets // the end, or as far as it goes
		}
		if len(packet) > 0 && !bytes.HasPrefix(packet, []byte("OpusTags")) {
			packets = append(packets, packet)
		}
	}
}

// ear decodes packets and remembers where it is.
type ear struct {
	decoder opus.Decoder
	next    int // the packet that comes after the last one
	out     []float32
	heard   bool
}

func newEar() (*ear, error) {
	decoder, err := opus.NewDecoderWithOutput(waveformRate, 1)
	return &ear{decoder: decoder, out: make([]float32, waveformRate*120/1000)}, err // a packet has 120 ms at most
}

// listen is the mean loudness of some packets, -1 when there is none to hear.
func (e *ear) listen(packets [][]byte, from, to int) float64 {
	if from > e.next {
		for _, packet := range packets[max(e.next, from-waveformWarmUp):from] {
			_, _ = e.decoder.DecodeToFloat32(packet, e.out)
		}
	}
	sum, samples := 0.0, 0
	for _, packet := range packets[from:to] {
		n, err := e.decoder.DecodeToFloat32(packet, e.out)
		if err != nil {
			continue
		}
		for _, v := range e.out[:n] {
			sum += max(float64(v), -float64(v))
		}
		samples += n
	}
	e.next = max(e.next, to)
	if samples == 0 {
		return -1
	}
	e.heard = true
	return sum / float64(samples)
}
