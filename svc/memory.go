package svc

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

// memoryLow is the MEMORY_PROFILE of machines that have little.
const memoryLow = "low"

// How the Go runtime is to be frugal: it collects when the heap has grown by so much, harder when all of it is above the limit, and
// gives back what it does not use.
const (
	lowPercent = 30
	lowLimit   = 256 << 20
	lowEvery   = time.Minute
)

// frugal makes the runtime take less memory and more time. What the user set by the runtime's own variables stays.
func frugal() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(lowPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(lowLimit)
	}
}

// saveMemory gives back what the start took and, from then on, what busy times took, when they are over.
func (a *App) saveMemory() {
	if !a.Config.LowMemory {
		return
	}
	a.care.done.Go(func() { giveBack(a.care.ctx) })
}

// giveBack returns memory to the system at once, and then once a minute if there was something to do in it.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(lowEvery)
	defer tick.Stop()
	debug.FreeOSMemory()
	var m runtime.MemStats
	for before := uint64(0); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if runtime.ReadMemStats(&m); m.Mallocs-before > idleMallocs {
			debug.FreeOSMemory()
		}
		before = m.Mallocs
	}
}

// idleMallocs is how many objects are made in a minute in which nothing happens.
const idleMallocs = 1000
