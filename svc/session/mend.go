package session

import (
	"errors"
	"runtime/debug"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/appstate"
)

// safely keeps a panic of the library inside.
func (h *historian) safely(do func()) {
	defer func() {
		if broken := recover(); broken != nil {
			h.s.log.Error("the app state broke", "panic", redact(broken), "stack", string(debug.Stack()))
		}
	}()
	do()
}

// catchUp fetches what never came of the app state: WhatsApp tells of it once,
// with its key, just after pairing. Without that it would all be unreadable. It
// tells of changes once, too, and the library takes the notice before it fetches
// them: so they are asked for after a connection that broke.
func (h *historian) catchUp() {
	if key, err := h.run.device.AppStateKeys.GetLatestAppStateSyncKeyID(h.ctx); key == nil || err != nil {
		return
	}
	behind := h.s.behind.Swap(false)
	for _, name := range appstate.AllPatchNames {
		if err := h.fetchState(name, false, !behind); err != nil {
			h.s.behind.Store(behind)
			if h.ctx.Err() != nil {
				return
			}
			h.s.log.Info("a part of the app state could not be fetched", "part", string(name), "error", redact(err))
		}
	}
}

// lockTime is how long a fetch may take to end when the historian has to.
const lockTime = time.Second

// fetchState fetches a collection, and returns soon after the historian has to end. The
// library's fetch ends by itself then, unless it waits for the lock of another one: that
// of new keys has a context that nobody ends (message.go, handleProtocolMessage), and where
// its answer is dropped, as one is that comes just as a run is stopped (request.go,
// receiveResponse), it waits 75 seconds for it. Ours is left behind then: it ends with it,
// having done nothing.
func (h *historian) fetchState(name appstate.WAPatchName, full, onlyNew bool) error {
	done := make(chan error, 1)
	go h.safely(func() {
		err := errors.New("it broke")
		defer func() { done <- err }()
		err = h.run.client.FetchAppState(h.ctx, name, full, onlyNew)
	})
	select {
	case err := <-done:
		return err
	case <-h.ctx.Done():
	}
	timer := time.NewTimer(lockTime)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return h.ctx.Err()
	}
}

// tear notes that a collection of the app state does not add up any more: nothing
// that comes for it can be read. It is called from the client's handler.
func (s *session) tear(name appstate.WAPatchName) {
	select {
	case s.torn <- name:
	default: // there is work enough
	}
}

// mend takes the next step for a collection that does not add up: first all of it
// anew from WhatsApp, then from the phone. A third time there is nothing left to
// do but to say so; the next start of the program begins again.
func (h *historian) mend(name appstate.WAPatchName) {
	if h.s.mends == nil {
		h.s.mends = map[appstate.WAPatchName]int{}
	}
	h.s.mends[name]++
	var err error
	switch h.s.mends[name] {
	case 1:
		h.s.log.Warn("a part of the app state does not add up, all of it is fetched anew", "part", string(name))
		if err = h.fetchState(name, true, false); err == nil {
			h.s.mends[name] = 0
		}
	case 2:
		h.s.log.Warn("a part of the app state does not add up, the phone is asked for it", "part", string(name))
		_, err = h.run.client.SendPeerMessage(h.ctx, whatsmeow.BuildAppStateRecoveryRequest(name))
	default:
		h.s.log.Error("a part of the app state cannot be read: changes of chats, contacts or labels go unnoticed", "part", string(name))
	}
	if err != nil {
		h.s.log.Info("a part of the app state could not be mended", "part", string(name), "error", redact(err))
	}
}
