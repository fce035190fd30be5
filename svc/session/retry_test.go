package session

import (
	"testing"
	"time"
)

func TestRetryWaits(t *testing.T) {
	const base = 5 * time.Second
	tests := []struct {
		policy  retry
		attempt int
		until   time.Duration
		least   time.Duration
		most    time.Duration
	}{
		{retryGrowing, 0, 0, 2500 * time.Millisecond, 5 * time.Second},
		{retryGrowing, 1, 0, 5 * time.Second, 10 * time.Second},
		{retryGrowing, 3, 0, 20 * time.Second, 40 * time.Second},
		{retryGrowing, 400, 0, maxWait / 2, maxWait},
		{retryPause, 0, 0, time.Second, 2 * time.Second},
		{retryPause, 50, 0, 4 * time.Second, 8 * time.Second},
		{retrySlow, 0, 0, 5 * time.Minute, 6 * time.Minute},
		{retrySlow, 1, 0, 15 * time.Minute, 16 * time.Minute},
		{retrySlow, 9, 0, time.Hour, 61 * time.Minute},
		{retryTwice, 0, 0, 30 * time.Second, time.Minute},
		{retryTwice, 1, 0, 5 * time.Minute, 6 * time.Minute},
		{retryUntil, 0, 3 * time.Hour, 3 * time.Hour, 3*time.Hour + time.Minute},
	}
	for _, tt := range tests {
		for _, jitter := range []float64{0, 0.5, 0.999} {
			got, ok := tt.policy.wait(tt.attempt, base, tt.until, jitter)
			if !ok || got < tt.least || got > tt.most {
				t.Errorf("%s.wait(%d) with jitter %v = %v, %v; want %v to %v", tt.policy, tt.attempt, jitter, got, ok, tt.least, tt.most)
			}
		}
	}
}

func TestRetryEnds(t *testing.T) {
	for _, tt := range []struct {
		policy  retry
		attempt int
	}{{retryNever, 0}, {retryTwice, 2}, {retryUntil, 0}} {
		if wait, ok := tt.policy.wait(tt.attempt, time.Second, 0, 0.5); ok {
			t.Errorf("%q.wait(%d) = %v, want never", tt.policy, tt.attempt, wait)
		}
	}
}
