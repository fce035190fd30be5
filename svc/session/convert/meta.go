package convert

import (
	"encoding/json"
	"time"
)

// meta collects what a client may want to know; empty values are left out, so
// that rows stay small.
type meta map[string]any

// put keeps a value unless it is the zero of its type.
func put[T comparable](m meta, key string, v T) {
	var zero T
	if v == zero {
		return
	}
	switch v := any(v).(type) {
	case string:
		m[key] = clean(v)
	case float64:
		m[key] = number(v)
	default:
		m[key] = v
	}
}

// list keeps a list unless it is empty.
func list[T any](m meta, key string, v []T) {
	if len(v) > 0 {
		m[key] = v
	}
}

func cleaned(in []string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = clean(s)
	}
	return out
}

// instant keeps a time as RFC 3339 in UTC with milliseconds.
func (m meta) instant(key string, t time.Time) {
	if !t.IsZero() {
		m[key] = stamp(t)
	}
}

// seconds and millis keep unix times; what is out of reason is left out.
func (m meta) seconds(key string, s int64) {
	if s > 0 && s < 1<<33 {
		m.instant(key, time.Unix(s, 0))
	}
}

func (m meta) millis(key string, ms int64) {
	if ms > 0 && ms < 1<<43 {
		m.instant(key, time.UnixMilli(ms))
	}
}

func (m meta) json() json.RawMessage {
	b, err := json.Marshal(m)
	if err != nil { // only values that JSON has are ever put in
		return json.RawMessage(`{}`)
	}
	return b
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
