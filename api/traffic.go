package api

import (
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"wamux/store/tally"
)

// class is what kind of route a request is for: few enough to be told apart for ever.
type class int

const (
	classNone class = iota // no route, or refused before one was looked for
	classProbe
	classDocs
	classRoot
	classV1
	classSandbox
	classes
)

func (c class) String() string {
	return [classes]string{"none", "probe", "docs", "root", "v1", "sandbox"}[c]
}

func classOf(path string) class {
	switch {
	case isProbe(path), path == "/metrics":
		return classProbe
	case path == "/docs", path == "/v1/openapi.json":
		return classDocs
	case strings.HasPrefix(path, "/v1/sandbox/"):
		return classSandbox
	case isV1(path):
		return classV1
	}
	return classRoot
}

// Statuses are counted one by one from the first to before the end.
const firstStatus, endStatus = 100, 600

// traffic counts the requests that came to their end.
type traffic struct {
	open   atomic.Int64 // at work now
	status [classes][endStatus - firstStatus]atomic.Int64
	took   [classes]*tally.Histogram // in seconds
}

func newTraffic() *traffic {
	t := &traffic{}
	for c := range t.took {
		t.took[c] = tally.New(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60)
	}
	return t
}

// counted counts the requests of next.
func (a *api) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, began := &recorder{ResponseWriter: w}, time.Now()
		a.traffic.open.Add(1)
		defer func() {
			a.traffic.open.Add(-1)
			a.traffic.end(rec, time.Since(began))
		}()
		next.ServeHTTP(rec, r)
	})
}

// end counts one. An answer that never was given is not counted as one, but it took its time.
func (t *traffic) end(rec *recorder, took time.Duration) {
	t.took[rec.class].Add(took.Seconds())
	if at := rec.status - firstStatus; at >= 0 && at < len(t.status[rec.class]) {
		t.status[rec.class][at].Add(1)
	}
}
