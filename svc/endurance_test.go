package svc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// How TestEndurance goes on: so many sessions, each with so many texts each way in a turn,
// which takes at least so long in a soak.
const (
	enduringSessions = 10
	enduringTexts    = 2
	enduringTurn     = 2 * time.Second
)

// TestEndurance lets sessions talk while the network flaps and the process is held up, for as
// many minutes as WAMUX_MINUTES says. With WAMUX_MOVE_CLOCK it also moves the clock of the
// machine, which should be one that nobody needs: `make soak-clock` has one. Nothing is lost or doubled, and at the end it takes no
// more memory, descriptors and goroutines than after its first quarter.
func TestEndurance(t *testing.T) {
	t.Parallel()
	e := newEndurance(t)
	minutes, _ := strconv.Atoi(os.Getenv("WAMUX_MINUTES"))
	began := time.Now() // its end is told by the clock that nobody moves
	for e.turn < len(flaps()) || time.Since(began) < time.Duration(minutes)*time.Minute {
		next := time.After(enduringTurn)
		e.play()
		e.samples = append(e.samples, e.sample())
		if minutes > 0 {
			<-next
		}
	}
	e.world.healthy(slices.Concat(e.own, e.peers)...)
	e.report(minutes)
}

// endurance is a gateway that is used for long.
type endurance struct {
	*gateway
	world      *gateway
	own, peers []string // the numbers of the sessions, and of whom they talk with
	turn       int
	samples    []sample
}

// sample is what the process takes at a time.
type sample struct{ kib, goroutines, descriptors int }

func newEndurance(t *testing.T) *endurance {
	e := &endurance{world: start(t, t.TempDir(), []string{"LOG_LEVEL=error"}, "sandbox")}
	e.gateway = start(t, t.TempDir(), append(pointedAt(e.world), "LOG_LEVEL=warn"), "run")
	for i := range enduringSessions {
		e.own, e.peers = append(e.own, fmt.Sprintf("628151%05d", i)), append(e.peers, fmt.Sprintf("628152%05d", i))
		e.pairOn(e.world, loadSession(i), e.own[i])
		e.world.phone(e.peers[i])
	}
	return e
}

// play is one turn: texts both ways while something happens, until all have arrived, once.
func (e *endurance) play() {
	e.t.Helper()
	list := flaps()
	calm := list[e.turn%len(list)](e)
	e.turn++
	var wait sync.WaitGroup
	for i := range enduringSessions {
		wait.Go(func() {
			for n := range enduringTexts {
				if status, answer, err := e.try("POST", "/"+loadSession(i)+"/messages/send", text(e.peers[i], fmt.Sprint(e.turn, "/", n))); status != 200 {
					e.t.Errorf("turn %d: a send got %d %s %v", e.turn, status, answer, err)
				}
			}
		})
		must[object](e.world, 200, "POST", "/v1/sandbox/phones/"+e.peers[i]+"/messages:bulk",
			object{"to": e.own[i], "type": "text", "text": "turn", "count": enduringTexts})
	}
	wait.Wait()
	calm()
	want := e.turn * enduringTexts
	for i := range enduringSessions {
		eventually(e.t, fmt.Sprintf("turn %d of session %d", e.turn, i), func() bool { return e.arrived(i, want) })
	}
}

// arrived tells whether so many texts came each way, and fails when there are more.
func (e *endurance) arrived(i, want int) bool {
	there := must[struct{ Received int }](e.world, 200, "GET", "/v1/sandbox/phones/"+e.peers[i], nil).Received
	total := must[struct{ Total int }](e.gateway, 200, "GET", "/"+loadSession(i)+"/chats?limit=1", nil).Total
	if there > want || total > 2*want {
		e.t.Fatalf("turn %d, session %d: %d texts at the phone and %d in the history, want %d and %d", e.turn, i, there, total, want, 2*want)
	}
	return there == want && total == 2*want
}

// flaps are what happens in the turns, one after the other; each returns what ends it.
func flaps() []func(*endurance) func() {
	fault := func(faults ...object) func(*endurance) func() {
		return func(e *endurance) func() {
			for _, f := range faults {
				must[object](e.world, 204, "POST", "/v1/sandbox/faults", f)
			}
			return func() {}
		}
	}
	calm := fault()
	dropAll := func(e *endurance) func() {
		for _, number := range e.own {
			must[object](e.world, 204, "POST", "/v1/sandbox/faults", object{"kind": "drop", "phone": number})
		}
		return func() {}
	}
	list := []func(*endurance) func(){
		calm,
		dropAll,
		fault(object{"kind": "slow_network", "delayMs": 200, "forMs": 1000}),
		fault(object{"kind": "http_503"}, object{"kind": "drop"}),
		func(e *endurance) func() { return holdUp(e.cmd.Process.Pid) },
	}
	if os.Getenv("WAMUX_MOVE_CLOCK") == "" {
		return list
	}
	jump := func(by time.Duration) func(*endurance) func() {
		return func(e *endurance) func() {
			if err := moveClock(by); err != nil {
				e.t.Fatal(err)
			}
			return func() {}
		}
	}
	return append(list, jump(time.Hour), calm, jump(-2*time.Hour), calm, jump(26*time.Hour), calm, jump(-25*time.Hour))
}

func (e *endurance) sample() sample {
	e.t.Helper()
	files, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(e.cmd.Process.Pid), "fd"))
	if err != nil && !os.IsNotExist(err) { // only Linux has it
		e.t.Fatal(err)
	}
	return sample{rss(e.cmd.Process.Pid), must[struct{ Goroutines int }](e.gateway, 200, "GET", "/v1/stats", nil).Goroutines, len(files)}
}

// report compares the medians of the second quarter and of the last, in a soak.
func (e *endurance) report(minutes int) {
	quarter := len(e.samples) / 4
	early, late := middle(e.samples[quarter:2*quarter+1]), middle(e.samples[len(e.samples)-quarter-1:])
	hours := float64(minutes) / 60 * 5 / 8 // from the middle of one quarter to that of the other
	e.t.Logf("%d turns, %d texts: %d, then %d KiB resident; %d, then %d goroutines; %d, then %d descriptors", e.turn,
		2*e.turn*enduringSessions*enduringTexts, early.kib, late.kib, early.goroutines, late.goroutines, early.descriptors, late.descriptors)
	if minutes == 0 {
		return
	}
	e.t.Logf("memory grows by %.0f KiB an hour", float64(late.kib-early.kib)/hours)
	if late.kib > early.kib*115/100+4096 || late.goroutines > early.goroutines+10 || late.descriptors > early.descriptors+5 {
		e.t.Error("the process takes more and more")
	}
}

// middle is the median of each figure.
func middle(list []sample) (m sample) {
	of := func(figure func(sample) int) int {
		var values []float64
		for _, s := range list {
			values = append(values, float64(figure(s)))
		}
		return int(median(values))
	}
	return sample{of(func(s sample) int { return s.kib }), of(func(s sample) int { return s.goroutines }), of(func(s sample) int { return s.descriptors })}
}
