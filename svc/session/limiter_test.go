package session

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestLimiterPacesAfterTheBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newLimiter(3, 5), time.Now()
		for n := range 20 {
			if err := l.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := time.Duration(max(0, n-4)) * time.Second / 3
			if got := time.Since(start); got < want-time.Millisecond || got > want+time.Millisecond {
				t.Errorf("token %d after %v, want %v", n, got, want)
			}
		}
		time.Sleep(time.Minute) // simulated: the bucket fills again, and no further
		start = time.Now()
		for range 6 {
			l.wait(t.Context())
		}
		if got := time.Since(start); got < 300*time.Millisecond || got > 400*time.Millisecond {
			t.Errorf("six tokens of a full bucket took %v, want a third of a second", got)
		}
	})
}

func TestLimiterNeverGivesMoreThanItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, given := newLimiter(3, 5), make(chan time.Time, 200)
		for range 200 {
			go func() {
				l.wait(t.Context())
				given <- time.Now()
			}()
		}
		second := map[int64]int{}
		for range 200 {
			second[(<-given).Unix()]++
		}
		for at, n := range second {
			if n > 8 {
				t.Errorf("%d tokens in second %d, want at most the burst and the rate", n, at)
			}
		}
	})
}

func TestLimiterLeavesWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(0.001, 1)
		l.wait(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("wait = %v, want the context's error", err)
		}
	})
}
