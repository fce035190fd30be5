package store

import "time"

// timeFormat is what the public tables hold: RFC 3339 in UTC, always with
// milliseconds, so that text sorts as time.
const timeFormat = "2006-01-02T15:04:05.000Z"

func formatTime(t time.Time) string { return t.UTC().Format(timeFormat) }

// parseTime reads formatTime's text; anything else is the zero time.
func parseTime(text string) time.Time {
	t, err := time.Parse(timeFormat, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// toMillis is how all other tables keep a time; the zero time is 0.
func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
