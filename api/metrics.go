package api

import (
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"wamux/store"
)

// Gauges is what /metrics tells of what the API does not know itself; svc fills it.
type Gauges interface {
	// Acks returns how many messages WhatsApp accepted, refused, and did not answer to since the start.
	Acks() (accepted, refused, missing int64)
	// Process returns what the system says of this process.
	Process() Process
}

// Process is what the system says of this process. What it does not say is -1.
type Process struct {
	Started       time.Time
	CPU           float64 // seconds
	ResidentBytes int64
	OpenFiles     int64 // descriptors in use …
	MaxFiles      int64 // … and how many there may be
}

// metrics answers GET /metrics. No label holds what somebody wrote, a number or a key. What a damaged database does not
// say any more is left out: the rest is wanted then more than ever.
func (a *api) metrics(w http.ResponseWriter, r *request) error {
	e := &exposition{}
	a.tellBuild(e)
	if all, err := a.DB.Sessions(r.Context()); err == nil {
		a.tellSessions(e, all)
	}
	a.tellMessages(e)
	if load, err := a.DB.Load(r.Context()); err == nil {
		tellLoad(e, load, time.Now())
	}
	a.tellCommits(e)
	a.traffic.tell(e)
	a.tellProcess(e)
	return write(w, http.StatusOK, expositionType, e.Bytes())
}

func (a *api) tellBuild(e *exposition) {
	e.gauge("wamux_build_info", "What this program is; the value is always 1.")
	e.sample(1, label{"version", a.Version}, label{"goversion", runtime.Version()}, label{"os", runtime.GOOS}, label{"arch", runtime.GOARCH})
	e.one("wamux_ready", "1 from when the sessions are started until wamux stops; wamux_database_writable is the other half of /readyz.", truth(a.phase.problem() == nil))
}

func truth(v bool) float64 {
	if v {
		return 1
	}
	return 0
}

// tellSessions names each state, so that none vanishes from a graph when it is empty.
func (a *api) tellSessions(e *exposition, all []*store.Session) {
	in := map[store.SessionState]int{}
	for _, s := range all {
		in[s.State]++
	}
	e.gauge("wamux_sessions", "Sessions by state.")
	for _, state := range store.SessionStates() {
		e.sample(float64(in[state]), label{"state", string(state)})
	}
	if !a.SessionGauges {
		return
	}
	e.gauge("wamux_session_state", "The state that each session is in; the value is always 1.")
	for _, s := range all {
		e.sample(1, label{"session", s.ID}, label{"state", string(s.State)})
	}
}

func (a *api) tellMessages(e *exposition) {
	m := a.DB.Meters()
	for _, c := range []struct {
		name, help string
		n          int64
	}{
		{"wamux_messages_received_total", "Messages of others that were written down.", m.Received.Load()},
		{"wamux_messages_sent_total", "Messages of ours that WhatsApp took, once that was written down.", m.Sent.Load()},
		{"wamux_messages_failed_total", "Messages of ours that will not be sent any more.", m.Failed.Load()},
	} {
		e.counter(c.name, c.help)
		e.sample(float64(c.n))
	}
	e.counter("wamux_receipts_total", "Receipts of other people's phones, by what they tell.")
	e.sample(float64(m.Delivered.Load()), label{"status", "delivered"})
	e.sample(float64(m.Read.Load()), label{"status", "read"})
	e.sample(float64(m.Played.Load()), label{"status", "played"})
	if a.Gauges != nil {
		accepted, refused, missing := a.Gauges.Acks()
		e.counter("wamux_acks_total", "What WhatsApp said to messages of ours: missing ones are sent again.")
		e.sample(float64(accepted), label{"result", "accepted"})
		e.sample(float64(refused), label{"result", "refused"})
		e.sample(float64(missing), label{"result", "missing"})
	}
}

func tellLoad(e *exposition, l store.Load, now time.Time) {
	age := 0.0
	if !l.OldestJob.IsZero() {
		age = max(0, now.Sub(l.OldestJob).Seconds())
	}
	e.one("wamux_jobs_open", "Messages that wait to go out, or are on their way.", float64(l.OpenJobs))
	e.one("wamux_jobs_oldest_age_seconds", "How long the oldest of them has waited; 0 without any.", age)
	e.one("wamux_events_last_seq", "Number of the newest event.", float64(l.LastEvent))
	e.one("wamux_events_first_seq", "Number of the oldest event that is kept.", float64(l.FirstEvent))
	kept := int64(0)
	if l.LastEvent > 0 {
		kept = l.LastEvent - l.FirstEvent + 1
	}
	e.one("wamux_events_kept", "Events in the log, counted by their numbers: those of deleted sessions leave gaps.", float64(kept))
	e.one("wamux_database_bytes", "Size of the database file.", float64(l.FileBytes))
	e.one("wamux_database_wal_bytes", "Size of the write-ahead log beside it.", float64(l.LogBytes))
	e.one("wamux_database_writable", "0 when the database is known to take nothing: full, read-only or damaged.", truth(!l.NothingGoes))
}

func (a *api) tellCommits(e *exposition) {
	m := a.DB.Meters()
	e.family("histogram", "wamux_commit_seconds", "How long commits to the database took.")
	e.histogram(m.Commits.Read())
	e.family("histogram", "wamux_commit_batches", "How many pieces of work shared a commit.")
	e.histogram(m.Together.Read())
}

// tell names only what was seen: most of the table of statuses never is.
func (t *traffic) tell(e *exposition) {
	e.one("wamux_http_requests_open", "HTTP requests at work now, this one too.", float64(t.open.Load()))
	e.counter("wamux_http_requests_total", "HTTP requests answered, by kind of route and status.")
	for c := range classes {
		for i := range t.status[c] {
			if n := t.status[c][i].Load(); n > 0 {
				e.sample(float64(n), label{"route", c.String()}, label{"status", strconv.Itoa(firstStatus + i)})
			}
		}
	}
	e.family("histogram", "wamux_http_request_seconds", "How long HTTP requests took, waits for WhatsApp included.")
	for c := range classes {
		e.histogram(t.took[c].Read(), label{"route", c.String()})
	}
}

func (a *api) tellProcess(e *exposition) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	e.one("go_goroutines", "Goroutines.", float64(runtime.NumGoroutine()))
	e.one("go_memstats_heap_alloc_bytes", "Bytes of the Go heap in use.", float64(memory.HeapAlloc))
	e.one("go_memstats_sys_bytes", "Bytes that the Go runtime has of the system.", float64(memory.Sys))
	e.one("go_gc_gomemlimit_bytes", "How much memory the Go runtime tries to stay below.", float64(debug.SetMemoryLimit(-1)))
	if a.Gauges == nil {
		return
	}
	p := a.Gauges.Process()
	e.one("process_start_time_seconds", "When the process started, in unix time.", float64(p.Started.UnixMilli())/1000)
	e.one("wamux_uptime_seconds", "How long ago that was.", time.Since(p.Started).Seconds())
	if p.CPU >= 0 {
		e.counter("process_cpu_seconds_total", "CPU time used.")
		e.sample(p.CPU)
	}
	for _, g := range []struct {
		name, help string
		n          int64
	}{
		{"process_resident_memory_bytes", "Memory in RAM.", p.ResidentBytes},
		{"process_open_fds", "Open descriptors.", p.OpenFiles},
		{"process_max_fds", "How many there may be.", p.MaxFiles},
	} {
		if g.n >= 0 {
			e.one(g.name, g.help, float64(g.n))
		}
	}
}
