package session

import (
	"runtime/debug"

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
		if err := h.run.client.FetchAppState(h.ctx, name, false, !behind); err != nil {
			h.s.behind.Store(behind)
			h.s.log.Info("a part of the app state could not be fetched", "part", string(name), "error", redact(err))
		}
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
		if err = h.run.client.FetchAppState(h.ctx, name, true, false); err == nil {
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
