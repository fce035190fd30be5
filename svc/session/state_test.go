package session

import (
	"errors"
	"fmt"
	"testing"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

var everyState = []store.SessionState{
	store.StateConnecting, store.StatePairing, store.StatePasskeyRequired, store.StateOnline, store.StateStopping, store.StateOffline,
	store.StateStopped, store.StateReplaced, store.StateBanned, store.StateOutdated, store.StateFailed, store.StateStorageError, store.StateLoggedOut,
}

// Events of the client, the trigger they stand for, and where an online
// session goes. "" means that it stays.
func TestEveryConnectionEventHasItsState(t *testing.T) {
	tests := []struct {
		evt     any
		trigger trigger
		online  store.SessionState
		code    string
	}{
		{&events.QR{}, onQR, "", ""},
		{&events.RotateADVSecret{}, onQR, "", ""},
		{&events.PairSuccess{}, onPaired, "", ""},
		{&events.PairError{Error: errors.New("x")}, onPairFailed, "", "pair_failed"},
		{&events.PairError{Error: &whatsmeow.PairDatabaseError{DBErr: store.Errorf(store.CodeDiskFull, "disk_full", "Full")}}, onStoreFault, store.StateStorageError, "disk_full"},
		{&events.PairPasskeyRequest{}, onPasskey, "", "passkey_required"},
		{&events.PairPasskeyConfirmation{}, onPasskey, "", "passkey_required"},
		{&events.PairPasskeyError{Error: errors.New("x")}, onPairFailed, "", "pair_failed"},
		{&events.QRScannedWithoutMultidevice{}, onNote, store.StateOnline, "multidevice_off"},
		{&events.ManualLoginReconnect{}, onRelogin, store.StateConnecting, ""},
		{&events.Connected{}, onConnected, store.StateOnline, ""},
		{&events.Disconnected{}, onLost, store.StateOffline, "connection_lost"},
		{&events.KeepAliveTimeout{ErrorCount: 3}, onLost, store.StateOffline, "keepalive_timeout"},
		{&events.KeepAliveRestored{}, onNote, store.StateOnline, ""},
		{&events.LoggedOut{}, onLoggedOut, store.StateLoggedOut, "device_removed"},
		{&events.LoggedOut{OnConnect: true, Reason: 401}, onLoggedOut, store.StateLoggedOut, "logged_out"},
		{&events.LoggedOut{OnConnect: true, Reason: 403}, onLoggedOut, store.StateLoggedOut, "account_locked"},
		{&events.LoggedOut{OnConnect: true, Reason: 406}, onLoggedOut, store.StateLoggedOut, "account_banned"},
		{&events.StreamReplaced{}, onReplaced, store.StateReplaced, "replaced"},
		{&events.TemporaryBan{Code: 101}, onBanned, store.StateBanned, "banned_101"},
		{&events.ClientOutdated{}, onOutdated, store.StateOutdated, "client_outdated"},
		{&events.ConnectFailure{Reason: 409}, onRefused, store.StateFailed, "refused_409"},
		{&events.ConnectFailure{Reason: 418}, onRefused, store.StateFailed, "refused_418"},
		{&events.ConnectFailure{Reason: 503}, onLost, store.StateOffline, "refused_503"},
		{&events.CATRefreshError{}, onRefused, store.StateFailed, "refused_414"},
		{&events.StreamError{Code: "500"}, onLost, store.StateOffline, "stream_error"},
	}
	for _, tt := range tests {
		d, ok := diagnose(tt.evt)
		if !ok || d.trigger != tt.trigger || d.code != tt.code {
			t.Errorf("diagnose(%T) = %q, code %q, %v; want %q, code %q", tt.evt, d.trigger, d.code, ok, tt.trigger, tt.code)
		}
		to, moved := next(store.StateOnline, d.trigger)
		if moved != (tt.online != "") || (moved && to != tt.online) {
			t.Errorf("%T takes an online session to %q, %v; want %q", tt.evt, to, moved, tt.online)
		}
		if d.code != "" && d.trigger != onPaired && (d.reason == "" || d.next == "") {
			t.Errorf("%T leaves people without a sentence or a next step: %+v", tt.evt, d)
		}
	}
}

// What the library calls a permanent disconnect must never go unnoticed.
func TestPermanentDisconnectsAreKnown(t *testing.T) {
	for _, evt := range []events.PermanentDisconnect{
		&events.LoggedOut{}, &events.StreamReplaced{}, &events.ClientOutdated{}, &events.CATRefreshError{}, &events.TemporaryBan{}, &events.ConnectFailure{},
	} {
		if _, ok := diagnoseEnd(evt); !ok {
			t.Errorf("%T is not known", evt)
		}
	}
}

func TestDiagnoseLeavesContentAlone(t *testing.T) {
	for _, evt := range []any{&events.Message{}, &events.Receipt{}, &events.PushNameSetting{}, &events.OfflineSyncCompleted{}} {
		if d, ok := diagnose(evt); ok {
			t.Errorf("diagnose(%T) = %+v, want nothing", evt, d)
		}
	}
	if d, _ := diagnose(&events.KeepAliveTimeout{ErrorCount: 1}); d.trigger != onLost {
		t.Errorf("a ping without answer since the beginning of time = %q, want lost", d.trigger)
	}
}

func TestTransitions(t *testing.T) {
	const ignored = store.SessionState("")
	tests := []struct {
		from store.SessionState
		t    trigger
		want store.SessionState
	}{
		{store.StateStopped, onStart, store.StateConnecting},
		{store.StateLoggedOut, onStart, store.StateConnecting},
		{store.StateOnline, onStart, store.StateOnline},
		{store.StateStopping, onStart, store.StateStopping},
		{store.StateConnecting, onQR, store.StatePairing},
		{store.StateOffline, onQR, store.StatePairing},
		{store.StatePairing, onQR, store.StatePairing},
		{store.StatePairing, onPaired, store.StateConnecting},
		{store.StatePairing, onQRExpired, store.StateStopped},
		{store.StatePairing, onPasskey, store.StatePasskeyRequired},
		{store.StatePasskeyRequired, onPaired, store.StateConnecting},
		{store.StatePairing, onPairFailed, store.StateConnecting},
		{store.StateConnecting, onConnected, store.StateOnline},
		{store.StateOffline, onConnected, store.StateOnline},
		{store.StateConnecting, onLost, store.StateOffline},
		{store.StateOffline, onLost, store.StateOffline},
		{store.StateOffline, onGivenUp, store.StateFailed},
		{store.StateOnline, onStop, store.StateStopping},
		{store.StateStopping, onStopped, store.StateStopped},
		{store.StateLoggedOut, onStop, store.StateLoggedOut},
		{store.StateLoggedOut, onStopped, store.StateLoggedOut},
		// what the library tells late
		{store.StateStopped, onLost, ignored},
		{store.StateStopped, onConnected, ignored},
		{store.StateStopped, onReplaced, ignored},
		{store.StateStopping, onLost, ignored},
		{store.StateStopping, onStoreFault, ignored},
		{store.StateLoggedOut, onLost, ignored},
		{store.StateLoggedOut, onConnected, ignored},
		{store.StateReplaced, onLost, ignored},
		{store.StateBanned, onConnected, ignored},
		{store.StateStopping, onLoggedOut, store.StateLoggedOut},
	}
	for _, tt := range tests {
		got, ok := next(tt.from, tt.t)
		if ok != (tt.want != ignored) || (ok && got != tt.want) {
			t.Errorf("next(%s, %s) = %s, %v; want %q", tt.from, tt.t, got, ok, tt.want)
		}
	}
}

func TestAnEndReachesEveryTryingState(t *testing.T) {
	for _, s := range everyState {
		for trigger, want := range ends {
			got, ok := next(s, trigger)
			if ok != trying(s) || (ok && got != want) {
				t.Errorf("next(%s, %s) = %s, %v; want %s, %v", s, trigger, got, ok, want, trying(s))
			}
		}
		if got, ok := next(s, onLoggedOut); !ok || got != store.StateLoggedOut {
			t.Errorf("next(%s, logged_out) = %s, %v", s, got, ok)
		}
	}
}

func TestStoreFaultSaysWhatToDo(t *testing.T) {
	err := fmt.Errorf("save: %w", &store.Error{Code: store.CodeDiskFull, Name: "disk_full", Message: "The disk is full", Hint: "Free some space."})
	d := storeFault(err)
	if d.code != "disk_full" || d.reason != "The disk is full." || d.next[:16] != "Free some space." {
		t.Errorf("storeFault = %+v", d)
	}
	if d := storeFault(errors.New("secret detail")); d.code != "storage" || d.reason != "Something could not be saved or read." {
		t.Errorf("storeFault of a foreign error = %+v", d)
	}
}

func TestDialFailed(t *testing.T) {
	if d := dialFailed(errors.New("refused")); d.trigger != onLost || d.retry != retryGrowing {
		t.Errorf("dialFailed = %+v", d)
	}
	if d := dialFailed(wastore.ErrDeviceDeleted); d.trigger != onLoggedOut {
		t.Errorf("dialFailed of a deleted device = %+v", d)
	}
}
