// Package tally counts what happens, for those who look at the counts from time to time.
package tally

import (
	"math"
	"slices"
	"sync/atomic"
)

// Histogram counts values by how large they are. All methods may be called from any
// goroutine. It is made by [New].
type Histogram struct {
	bounds []float64
	counts []atomic.Int64 // of values up to each bound, and at last of those above all
	sum    atomic.Uint64  // the bits of a float64
}

// New returns an empty histogram. Each of the bounds, which ascend, is the largest value
// of its group; what is above the last one forms a group of its own.
func New(bounds ...float64) *Histogram {
	return &Histogram{bounds: bounds, counts: make([]atomic.Int64, len(bounds)+1)}
}

// Add counts a value.
func (h *Histogram) Add(v float64) {
	at, _ := slices.BinarySearch(h.bounds, v)
	h.counts[at].Add(1)
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

// Reading is what a histogram said at one moment.
type Reading struct {
	Bounds []float64
	Counts []int64 // how many values are at most each bound; the last one, which has no bound, counts all
	Sum    float64
}

// Read returns the counts, each of which is at least the one before.
func (h *Histogram) Read() Reading {
	r := Reading{Bounds: h.bounds, Counts: make([]int64, len(h.counts)), Sum: math.Float64frombits(h.sum.Load())}
	var all int64
	for i := range h.counts {
		all += h.counts[i].Load()
		r.Counts[i] = all
	}
	return r
}
