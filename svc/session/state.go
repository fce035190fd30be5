package session

import "wamux/store"

// trigger is what happened to a session, in the words of the transition table.
type trigger string

const (
	onStart      trigger = "start"       // the user, the manager or a timer wants a connection
	onQR         trigger = "qr"          // codes to scan arrived
	onPasskey    trigger = "passkey"     // the phone asks for a passkey
	onPaired     trigger = "paired"      // a phone linked us
	onRelogin    trigger = "relogin"     // WhatsApp wants us to log in again at once
	onConnected  trigger = "connected"   // logged in, ready
	onQRExpired  trigger = "qr_expired"  // no more codes, and nobody asks for them
	onPairFailed trigger = "pair_failed" // a phone tried, it did not work
	onLost       trigger = "lost"        // the connection broke, or never came
	onReplaced   trigger = "replaced"    // somebody else uses our credentials
	onBanned     trigger = "banned"      // for some time
	onOutdated   trigger = "outdated"    // WhatsApp does not take this version
	onRefused    trigger = "refused"     // WhatsApp did not let us in, for another reason
	onGivenUp    trigger = "given_up"    // as many attempts as are allowed
	onLoggedOut  trigger = "logged_out"  // the device is not linked any more
	onStoreFault trigger = "store_fault" // something could not be written or read
	onPanicked   trigger = "panicked"    // an event handler broke
	onStop       trigger = "stop"        // the user or the manager wants no connection
	onStopped    trigger = "stopped"     // and now there is none
	onShutdown   trigger = "shutdown"    // the program ends; it will come back
	onNote       trigger = "note"        // worth a sentence, the state stays
)

// next is the transition table: the state after t happened in state s, and
// whether t means anything there. It is pure.
func next(s store.SessionState, t trigger) (store.SessionState, bool) {
	if to, ok := steps[s][t]; ok {
		return to, true
	}
	if to, ok := anywhere[t]; ok {
		return to, true
	}
	if to, ok := ends[t]; ok && trying(s) {
		return to, true
	}
	return s, false
}

// steps are the ways from one state that no other state has.
var steps = map[store.SessionState]map[trigger]store.SessionState{
	store.StateConnecting: {
		onQR: store.StatePairing, onConnected: store.StateOnline,
		onRelogin: store.StateConnecting, onLost: store.StateOffline,
	},
	store.StatePairing: {
		onQR: store.StatePairing, onPasskey: store.StatePasskeyRequired, onPaired: store.StateConnecting,
		onRelogin: store.StateConnecting, onConnected: store.StateOnline, onLost: store.StateOffline,
		onQRExpired: store.StateStopped, onPairFailed: store.StateConnecting, onNote: store.StatePairing,
	},
	store.StatePasskeyRequired: {
		onQR: store.StatePairing, onPasskey: store.StatePasskeyRequired, onPaired: store.StateConnecting,
		onRelogin: store.StateConnecting, onConnected: store.StateOnline, onLost: store.StateOffline,
		onQRExpired: store.StateStopped, onPairFailed: store.StateConnecting, onNote: store.StatePasskeyRequired,
	},
	store.StateOnline: {
		onConnected: store.StateOnline, onRelogin: store.StateConnecting, onLost: store.StateOffline,
		onNote: store.StateOnline, onStart: store.StateOnline,
	},
	store.StateStopping: {onStopped: store.StateStopped, onStart: store.StateStopping, onStop: store.StateStopping},
	store.StateStopped:  {onStop: store.StateStopped, onShutdown: store.StateStopped},
	store.StateLoggedOut: {
		onStop: store.StateLoggedOut, onStopped: store.StateLoggedOut,
		onShutdown: store.StateLoggedOut, onLoggedOut: store.StateLoggedOut,
	},
	store.StateOffline: {
		onQR: store.StatePairing, onConnected: store.StateOnline, onRelogin: store.StateConnecting,
		onLost: store.StateOffline, onGivenUp: store.StateFailed,
	},
}

// anywhere are the ways that every state has, unless steps says otherwise.
var anywhere = map[trigger]store.SessionState{
	onStart:     store.StateConnecting,
	onStop:      store.StateStopping,
	onShutdown:  store.StateOffline,
	onLoggedOut: store.StateLoggedOut,
}

// ends are the ways out of every state in which something tries to connect or
// waits to do so. The library tells of them late, when we may be waiting.
var ends = map[trigger]store.SessionState{
	onReplaced:   store.StateReplaced,
	onBanned:     store.StateBanned,
	onOutdated:   store.StateOutdated,
	onRefused:    store.StateFailed,
	onStoreFault: store.StateStorageError,
	onPanicked:   store.StateOffline,
}

// trying tells whether a session in state s has a connection, makes one, or
// waits for the next attempt.
func trying(s store.SessionState) bool {
	switch s {
	case store.StateStopping, store.StateStopped, store.StateLoggedOut:
		return false
	}
	return true
}
