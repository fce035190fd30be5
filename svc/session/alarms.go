package session

import "time"

// alarmKind names one of the owner's clocks; each has at most one setting.
type alarmKind string

const (
	alarmRetry   alarmKind = "retry"   // the next attempt to connect
	alarmLogin   alarmKind = "login"   // an open socket that leads nowhere
	alarmRelogin alarmKind = "relogin" // linked, but not asked to log in again
	alarmCode    alarmKind = "code"    // the next code to scan
	alarmWatch   alarmKind = "watch"   // a look at a connection that says it is up
)

// alarm is the mail that an alarm sends.
type alarm struct {
	kind alarmKind
	turn int
}

// alarms are the clocks of one owner. Only the owner may touch them.
type alarms struct {
	ring   func(any) // must not block
	timers map[alarmKind]*time.Timer
	turns  map[alarmKind]int
}

// set makes the alarm ring after d, and forgets an earlier setting.
func (a *alarms) set(kind alarmKind, d time.Duration) {
	if a.timers == nil {
		a.timers, a.turns = map[alarmKind]*time.Timer{}, map[alarmKind]int{}
	}
	a.stop(kind)
	mail := alarm{kind, a.turns[kind]}
	a.timers[kind] = time.AfterFunc(d, func() { a.ring(mail) })
}

// stop makes sure that the alarm is not due any more.
func (a *alarms) stop(kind alarmKind) {
	if t := a.timers[kind]; t != nil {
		t.Stop()
		delete(a.timers, kind)
	}
	if a.turns != nil {
		a.turns[kind]++
	}
}

func (a *alarms) clear() {
	for kind := range a.timers {
		a.stop(kind)
	}
}

// due tells whether mail is of the latest setting.
func (a *alarms) due(mail alarm) bool {
	if a.turns[mail.kind] != mail.turn {
		return false
	}
	delete(a.timers, mail.kind)
	return true
}
