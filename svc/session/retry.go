package session

import "time"

// retry says when to try again after something went wrong.
type retry string

const (
	retryNever   retry = ""        // a person has to act
	retryGrowing retry = "growing" // from the configured delay up to maxWait
	retryPause   retry = "pause"   // from two seconds up to eight: our own fault or disk
	retrySlow    retry = "slow"    // 5, 15, then every 60 minutes
	retryTwice   retry = "twice"   // after half a minute to a minute, then five minutes, then never
	retryUntil   retry = "until"   // not before a moment that WhatsApp named
)

const (
	maxWait  = 5 * time.Minute
	maxPause = 8 * time.Second // so that a session is back within ten seconds when the disk is
)

// wait tells how long to wait before attempt (0 is the first after the
// failure) and false when there is none. base is the configured delay, until
// how long WhatsApp asked us to stay away, jitter a random number from 0 to 1.
func (r retry) wait(attempt int, base, until time.Duration, jitter float64) (time.Duration, bool) {
	switch r {
	case retryGrowing:
		return spread(grow(base, attempt, maxWait), jitter), true
	case retryPause:
		return spread(grow(2*time.Second, attempt, maxPause), jitter), true
	case retrySlow:
		return slowly(attempt) + stretch(time.Minute, jitter), true
	case retryTwice:
		return again(attempt, jitter)
	case retryUntil:
		return until + stretch(time.Minute, jitter), until > 0
	}
	return 0, false
}

// grow doubles base with every attempt, up to most.
func grow(base time.Duration, attempt int, most time.Duration) time.Duration {
	for range attempt {
		if base *= 2; base >= most {
			return most
		}
	}
	return min(base, most)
}

func slowly(attempt int) time.Duration {
	waits := []time.Duration{5 * time.Minute, 15 * time.Minute, time.Hour}
	return waits[min(attempt, len(waits)-1)]
}

// again never waits shorter than said: who shares our credentials must get the
// time to see it.
func again(attempt int, jitter float64) (time.Duration, bool) {
	switch attempt {
	case 0:
		return 30*time.Second + stretch(30*time.Second, jitter), true
	case 1:
		return 5*time.Minute + stretch(time.Minute, jitter), true
	}
	return 0, false
}

// spread takes a random moment from the second half of d, so that sessions
// that broke together do not come back together.
func spread(d time.Duration, jitter float64) time.Duration {
	return d/2 + stretch(d/2, jitter)
}

func stretch(d time.Duration, jitter float64) time.Duration {
	return time.Duration(float64(d) * jitter)
}
