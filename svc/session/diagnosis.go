package session

import (
	"errors"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow"
	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// diagnosis is what an event means for a session: the trigger for the
// transition table, and what people are told.
type diagnosis struct {
	trigger trigger
	code    string        // stable word
	reason  string        // what happened, a sentence
	next    string        // what to do about it, a sentence
	retry   retry         // when to try again
	until   time.Duration // from now; how long WhatsApp wants us to stay away
}

// diagnose tells what an event of the client means for the connection. ok is
// false for events that mean nothing to it: messages, receipts and the like.
// It is pure. Every event after which the library stays disconnected is here.
func diagnose(evt any) (d diagnosis, ok bool) {
	switch e := evt.(type) {
	case *events.QR, *events.RotateADVSecret:
		return diagnosis{trigger: onQR}, true
	case *events.PairPasskeyRequest, *events.PairPasskeyConfirmation:
		return passkeyRequired(), true
	case *events.PairPasskeyError:
		return pairFailed(e.Error), true
	case *events.QRScannedWithoutMultidevice:
		return diagnosis{trigger: onNote, code: "multidevice_off", reason: "The code was scanned by a WhatsApp that does not take linked devices.",
			next: "Update WhatsApp on the phone and scan again."}, true
	case *events.PairSuccess:
		return diagnosis{trigger: onPaired}, true
	case *events.PairError:
		return pairFailed(e.Error), true
	case *events.ManualLoginReconnect:
		return diagnosis{trigger: onRelogin}, true
	case *events.Connected:
		return diagnosis{trigger: onConnected}, true
	case *events.Disconnected:
		return lost("connection_lost", "The connection to WhatsApp broke."), true
	case *events.KeepAliveTimeout:
		return silent(e), true
	case *events.KeepAliveRestored:
		return diagnosis{trigger: onNote}, true
	}
	return diagnoseEnd(evt)
}

// diagnoseEnd is for events after which the library will not reconnect.
func diagnoseEnd(evt any) (diagnosis, bool) {
	switch e := evt.(type) {
	case *events.LoggedOut:
		return loggedOut(e), true
	case *events.StreamReplaced:
		return diagnosis{trigger: onReplaced, code: "replaced", reason: "Another program connected with the same linked device.", retry: retryTwice,
			next: "Stop the other copy of wamux or of this database, then start the session."}, true
	case *events.TemporaryBan:
		return banned(e), true
	case *events.ClientOutdated:
		return diagnosis{trigger: onOutdated, code: "client_outdated", reason: "WhatsApp does not accept this version of wamux any more.", retry: retrySlow,
			next: "Update wamux."}, true
	case *events.ConnectFailure:
		return refused(int(e.Reason)), true
	case *events.CATRefreshError:
		return refused(int(events.ConnectFailureCATInvalid)), true
	case *events.StreamError:
		return lost("stream_error", streamError(e.Code)), true
	}
	return diagnosis{}, false
}

func streamError(code string) string {
	if code == "" {
		return "WhatsApp ended the connection without a reason."
	}
	return fmt.Sprintf("WhatsApp ended the connection with error %.8s.", code)
}

func lost(code, reason string) diagnosis {
	return diagnosis{trigger: onLost, code: code, reason: reason, next: "Nothing to do: it tries again by itself.", retry: retryGrowing}
}

// silence is how long a connection may leave its pings unanswered. The library
// alone would wait three minutes, and only when it reconnects by itself.
const silence = 90 * time.Second

// silent is for pings without an answer: three in a row mean a dead line.
func silent(e *events.KeepAliveTimeout) diagnosis {
	if e.ErrorCount >= 3 || time.Since(e.LastSuccess) > silence {
		return lost("keepalive_timeout", "WhatsApp stopped answering on this connection.")
	}
	return diagnosis{trigger: onNote}
}

func passkeyRequired() diagnosis {
	return diagnosis{trigger: onPasskey, code: "passkey_required", reason: "WhatsApp asks for the passkey of this account before it links a device.",
		next: "Link with another method on the phone, or turn off the passkey requirement there, and scan again."}
}

func pairFailed(err error) diagnosis {
	if e := (*whatsmeow.PairDatabaseError)(nil); errors.As(err, &e) {
		return storeFault(e.DBErr)
	}
	return diagnosis{trigger: onPairFailed, code: "pair_failed", reason: "A phone tried to link this session, but it did not work.",
		next: "Scan the new code.", retry: retryGrowing}
}

func loggedOut(e *events.LoggedOut) diagnosis {
	d := diagnosis{trigger: onLoggedOut, code: "device_removed", reason: "The linked device was removed on the phone.",
		next: "Start the session and scan its QR code to link it again."}
	switch {
	case e.OnConnect && e.Reason == events.ConnectFailureMainDeviceGone:
		d.code, d.reason = "account_locked", "WhatsApp unlinked this device: the account is locked, or moved to another phone."
	case e.OnConnect && e.Reason == events.ConnectFailureUnknownLogout:
		d.code, d.reason = "account_banned", "WhatsApp unlinked this device: the account may be banned."
	case e.OnConnect:
		d.code, d.reason = "logged_out", "WhatsApp does not know this linked device any more."
	}
	return d
}

func banned(e *events.TemporaryBan) diagnosis {
	return diagnosis{trigger: onBanned, code: fmt.Sprintf("banned_%d", int(e.Code)), reason: "WhatsApp banned this account for some time: " + banReason(e.Code),
		next: "Wait until the ban ends; it then connects by itself. Send less, and to people who know you.", retry: retryUntil, until: e.Expire}
}

func banReason(code events.TempBanReason) string {
	switch code {
	case events.TempBanSentToTooManyPeople:
		return "it wrote to too many people who don't have it in their address book."
	case events.TempBanBlockedByUsers:
		return "too many people blocked it."
	case events.TempBanCreatedTooManyGroups:
		return "it made too many groups with people who don't have it in their address book."
	case events.TempBanSentTooManySameMessage:
		return "it sent the same message to too many people."
	case events.TempBanBroadcastList:
		return "it sent too many messages to a broadcast list."
	}
	return "it may have broken the terms of service."
}

func refused(code int) diagnosis {
	if code == 500 || code == 503 {
		return lost(fmt.Sprintf("refused_%d", code), "WhatsApp is not available just now.")
	}
	return diagnosis{trigger: onRefused, code: fmt.Sprintf("refused_%d", code), reason: fmt.Sprintf("WhatsApp refused the connection with code %d.", code),
		next: "It tries again later by itself. If that does not help, update wamux.", retry: retrySlow}
}

// storeFault is for an error of the database, met anywhere.
func storeFault(err error) diagnosis {
	code := store.ErrorCode(err)
	d := diagnosis{trigger: onStoreFault, code: string(code), reason: store.ErrorMessage(err) + ".", retry: retryPause,
		next: "It tries again by itself; nothing is lost, WhatsApp keeps what was not taken."}
	if e := (*store.Error)(nil); errors.As(err, &e) && e.Hint != "" {
		d.next = e.Hint + " " + d.next
	}
	if code == store.CodeInternal || code == store.CodeTimeout || code == "" {
		d.code, d.reason = "storage", "Something could not be saved or read."
	}
	return d
}

// condemned is for a database that no session may use any more.
func condemned(err error) diagnosis {
	d := storeFault(err)
	d.retry, d.code, d.next = retryNever, "database_damaged", "WhatsApp keeps what was not taken."
	if e := (*store.Error)(nil); errors.As(err, &e) && e.Hint != "" {
		d.next = e.Hint + " " + d.next
	}
	return d
}

func panicked() diagnosis {
	return diagnosis{trigger: onPanicked, code: "handler_failed", reason: "An event of WhatsApp could not be handled.", retry: retryPause,
		next: "It tries again by itself; the log has the cause. Please report it."}
}

// dialFailed is for a connection that could not be made.
func dialFailed(err error) diagnosis {
	if errors.Is(err, wastore.ErrDeviceDeleted) {
		return loggedOut(&events.LoggedOut{OnConnect: true})
	}
	return lost("cannot_connect", "WhatsApp cannot be reached.")
}
