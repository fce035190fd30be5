package sandbox

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"wamux/api"
)

// Faults that break a connection: they strike what is online at once, else the next login.
var breaks = map[string]func(s *Server, c *conn){
	"drop": (*Server).cut,
	"503":  func(s *Server, c *conn) { s.expel(c, streamError("503")) },
	"515":  func(s *Server, c *conn) { s.expel(c, streamError("515")) },
	"replaced": func(s *Server, c *conn) {
		s.expel(c, streamError("", el("conflict", attrs{"type": "replaced"})))
	},
	"device_removed": func(s *Server, c *conn) { s.removeDevice(c.device) },
}

// Faults that refuse a login: whatever is online is cut, then the next logins fail with the reason of the name.
var refusals = []string{"401", "402", "403", "405", "406", "409", "411", "413", "414", "415", "418", "500", "501", "login_503"}

// Faults that wait for their moment.
var waiting = []string{
	"lost_ack", "slow_ack", "error_463", "error_479", "error_400", "duplicate", "out_of_order", slowNetwork, "http_503",
	"media_403", "media_404", "media_410", "media_500", "upload_500",
}

const slowNetwork = "slow_network"

// armed is a fault that waits for its moment.
type armed struct {
	api.SandboxFault
	until time.Time // when it is over, however often it struck; zero means never. Of bans by the sandbox's clock
}

// Fault arms a fault. Those that break a connection strike everything of the phone that is online at once, which counts as
// one time, and then the next logins.
func (s *Server) Fault(ctx context.Context, f api.SandboxFault) error {
	f.Phone = digits(f.Phone)
	f.Count = max(f.Count, 1)
	if err := checkFault(f); err != nil {
		return err
	}
	_, breaking := breaks[f.Kind]
	return s.do(ctx, func() error {
		if struck := s.strikeNow(&f); struck && breaking {
			f.Count--
		}
		if f.Count > 0 {
			s.arm(f)
		}
		return nil
	})
}

func checkFault(f api.SandboxFault) error {
	switch {
	case !slices.Contains(faultKinds(), f.Kind):
		return invalid("fault_invalid", "There is no fault of this kind: "+strings.Join(faultKinds(), ", ")+".")
	case f.Kind == "http_503" && f.Phone != "":
		return invalid("fault_invalid", "Who opens a websocket says only behind it who it is: leave the phone out, and http_503 strikes whoever is next.")
	case f.Kind == slowNetwork && (f.DelayMS <= 0 || f.DelayMS > maxDelay):
		return invalid("fault_invalid", "slow_network needs delayMs, by how much each frame is late: from 1 to 60,000.")
	case f.ForMS != 0 && f.Kind != slowNetwork || f.ForMS < 0:
		return invalid("fault_invalid", "Only slow_network takes forMs, for how long it lasts.")
	}
	return nil
}

// maxDelay is by how much a frame can be late, in milliseconds.
const maxDelay = 60_000

func (s *Server) arm(f api.SandboxFault) {
	a := &armed{SandboxFault: f}
	switch {
	case f.Kind == slowNetwork && f.ForMS > 0:
		a.until = time.Now().Add(time.Duration(f.ForMS) * time.Millisecond)
	case f.Kind == ban && f.DelayMS > 0:
		a.until = s.now().Add(time.Duration(f.DelayMS) * time.Millisecond)
	}
	s.faults = append(s.faults, a)
	s.slow.Store(s.slow.Load() || f.Kind == slowNetwork)
}

// over tells whether the time of a fault has passed.
func (s *Server) over(f *armed) bool {
	now := s.now()
	if f.Kind == slowNetwork {
		now = time.Now()
	}
	return !f.until.IsZero() && !now.Before(f.until)
}

// strikeNow breaks the connections of the phones a fault is for. It tells whether there were any.
func (s *Server) strikeNow(f *api.SandboxFault) (struck bool) {
	strike := breaks[f.Kind]
	if slices.Contains(refusals, f.Kind) {
		strike = (*Server).cut
	}
	for c := range s.conns {
		d := c.device
		if strike == nil || d == nil || c.finishing || f.Phone != "" && f.Phone != d.account.number {
			continue
		}
		strike(s, c)
		struck = true
	}
	return struck
}

func faultKinds() []string {
	kinds := slices.Concat(refusals, waiting, mishaps)
	for kind := range breaks {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	return kinds
}

// Faults lists the armed faults; Count is how often each will still strike.
func (s *Server) Faults(context.Context) ([]api.SandboxFault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]api.SandboxFault, 0, len(s.faults))
	s.dropOver()
	for _, f := range s.faults {
		list = append(list, f.SandboxFault)
	}
	return list, nil
}

// ClearFaults disarms all.
func (s *Server) ClearFaults(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
	s.slow.Store(false)
	return nil
}

// dropOver disarms the faults whose time has passed.
func (s *Server) dropOver() {
	s.faults = slices.DeleteFunc(s.faults, s.over)
	s.slow.Store(slices.ContainsFunc(s.faults, func(f *armed) bool { return f.Kind == slowNetwork }))
}

// takeFault uses up one strike of an armed fault; nil when there is none. An empty number matches only faults
// for all phones.
func (s *Server) takeFault(kind, number string) *armed {
	i := slices.IndexFunc(s.faults, func(f *armed) bool {
		return f.Kind == kind && (f.Phone == "" || f.Phone == number) && !s.over(f)
	})
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	if f.ForMS > 0 {
		return f // it strikes as long as it lasts
	}
	if f.Count--; f.Count <= 0 {
		s.faults = slices.Delete(s.faults, i, i+1)
	}
	return f
}

// takeHTTPFault is takeFault for handlers that do not hold s.mu.
func (s *Server) takeHTTPFault(kind, number string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.takeFault(kind, number) != nil
}

// lateness is by how much the next frame from or to an account is late.
func (s *Server) lateness(number string) time.Duration {
	if !s.slow.Load() {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.takeFault(slowNetwork, number)
	if f == nil {
		s.dropOver()
		return 0
	}
	return time.Duration(f.DelayMS) * time.Millisecond
}

// applyFaults strikes a connection with the first armed fault that breaks it.
func (s *Server) applyFaults(c *conn) {
	for _, f := range s.faults {
		if strike := breaks[f.Kind]; strike != nil && s.takeFault(f.Kind, c.device.account.number) != nil {
			strike(s, c)
			return
		}
	}
}

// failLogin refuses a login when a fault says so.
func (s *Server) failLogin(c *conn, a *account) bool {
	for _, kind := range refusals {
		f := s.takeFault(kind, a.number)
		if f == nil {
			continue
		}
		reason, _ := strconv.Atoi(strings.TrimPrefix(kind, "login_"))
		extra := attrs{}
		if kind == ban {
			// Code 101 means that too many people blocked the account; expire counts seconds.
			extra = attrs{"code": 101, "expire": s.banned(f)}
		}
		s.refuse(c, reason, extra)
		return true
	}
	return false
}

// ban is the reason of a temporary ban. With a delay it is over then, even if it was to strike more often.
const ban = "402"

// banned is how many seconds of a ban are left; one without an end says a minute.
func (s *Server) banned(f *armed) int {
	if f.until.IsZero() {
		return 60
	}
	return max(int(math.Ceil(f.until.Sub(s.now()).Seconds())), 1)
}

// takeMessageFault gives the error code that the next message of an account is refused with, 0 for none.
func (s *Server) takeMessageFault(a *account) int {
	for _, code := range []int{463, 479, 400} {
		if s.takeFault("error_"+strconv.Itoa(code), a.number) != nil {
			return code
		}
	}
	return 0
}

// cut drops a connection without a word, once all that was said before is said.
func (s *Server) cut(c *conn) {
	c.finishing = true
	if d := c.device; d != nil && d.conn == c {
		d.conn = nil
	}
	s.after(c.abort)
}

// removeDevice unlinks a device, as its phone or the service does.
func (s *Server) removeDevice(d *device) {
	if d == nil || d.account.devices[d.id] != d {
		return
	}
	if d.conn != nil {
		s.expel(d.conn, removed())
	}
	s.forgetDevice(d)
	s.devicesChanged(d, "remove")
}

// forgetDevice takes a device out of its account and out of the state file.
func (s *Server) forgetDevice(d *device) {
	delete(d.account.devices, d.id)
	if ph, err := s.phoneOf(d.account); err == nil {
		ph.Unlink(d.KeyIndex)
		s.savePhone(d.account)
	}
	for _, table := range []string{"devices", "prekeys", "queue", "notices"} {
		s.put(`DELETE FROM `+table+` WHERE number=? AND device=?`, d.account.number, d.id)
	}
}
