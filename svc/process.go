package svc

import (
	"time"

	"wamux/api"
)

// gauges is what /metrics tells of the program around the API.
type gauges struct{ app *App }

var _ api.Gauges = gauges{}

func (g gauges) Acks() (accepted, refused, missing int64) {
	if g.app.sessions == nil {
		return 0, 0, 0
	}
	a := g.app.sessions.Acks()
	return a.Accepted.Load(), a.Refused.Load(), a.Missing.Load()
}

func (g gauges) Process() api.Process {
	open, most := descriptors()
	return api.Process{Started: g.app.started, CPU: cpuTime().Seconds(), ResidentBytes: residentBytes(), OpenFiles: open, MaxFiles: most}
}

// unknown is what a system does not tell.
const unknown = -1

const unknownTime = -time.Second
