package tally

import (
	"slices"
	"sync"
	"testing"
)

// TestHistogram puts values at, below and above the bounds.
func TestHistogram(t *testing.T) {
	h := New(1, 2.5, 10)
	for _, v := range []float64{0, 1, 1.5, 2.5, 9, 11, 1000} {
		h.Add(v)
	}
	got := h.Read()
	if want := []int64{2, 4, 5, 7}; !slices.Equal(got.Counts, want) || got.Sum != 1025 {
		t.Errorf("got %v, sum %v, want %v and 1025", got.Counts, got.Sum, want)
	}
}

// TestHistogramTogether loses nothing when many count at once.
func TestHistogramTogether(t *testing.T) {
	h := New(1)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 1000 {
				h.Add(0.5)
			}
		})
	}
	all.Wait()
	if got := h.Read(); got.Counts[1] != 8000 || got.Sum != 4000 {
		t.Errorf("got %+v, want 8000 values and a sum of 4000", got)
	}
}
