package api

import (
	"fmt"
	"net/http"
	"runtime"
)

// v1Version answers GET /v1/version.
func (a *api) v1Version(w http.ResponseWriter, r *request) error {
	return reply(w, http.StatusOK, object{"version": a.Version, "go": fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)})
}

// v1Stats answers GET /v1/stats: how much there is, and what it takes.
func (a *api) v1Stats(w http.ResponseWriter, r *request) error {
	all, err := a.DB.Sessions(r.Context())
	if err != nil {
		return err
	}
	states := map[string]int{}
	for _, s := range all {
		states[string(s.State)]++
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return reply(w, http.StatusOK, object{
		"sessions": object{"total": len(all), "states": states}, "goroutines": runtime.NumGoroutine(),
		"memory": object{"heapBytes": memory.HeapAlloc, "systemBytes": memory.Sys},
	})
}
