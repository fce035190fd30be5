package session

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waCompanionReg"
	wastore "go.mau.fi/whatsmeow/store"
	"google.golang.org/protobuf/proto"
)

// How the phone lists us: as a browser on a machine.
const (
	osName      = "wamux"
	browserType = waCompanionReg.DeviceProps_CHROME
)

// codeName is what WhatsApp wants to read when a device is linked by code: it
// checks that it is a common browser on a common system.
func codeName() string {
	switch runtime.GOOS {
	case "windows":
		return "Chrome (Windows)"
	case "darwin":
		return "Chrome (Mac OS)"
	}
	return "Chrome (Linux)"
}

// setProcessWide sets what the library keeps for the whole process. It writes
// only what differs, so that a second manager of the same kind is no race.
func setProcessWide(n Network) {
	if n.simulated() && whatsmeow.WACertPubKey != [32]byte(n.RootKey) {
		whatsmeow.WACertPubKey = [32]byte(n.RootKey)
	}
	if wastore.DeviceProps.GetOs() != osName {
		wastore.DeviceProps.Os = proto.String(osName)
		wastore.DeviceProps.PlatformType = browserType.Enum()
		wastore.DeviceProps.RequireFullSync = proto.Bool(false)
	}
}

// errNoCAT says why a login that lacks a credential of this kind fails for good: only WhatsApp's own other apps have them.
var errNoCAT = errors.New("there is no other credential to log in with")

// newClient makes the library's client for one run of a session, set so that a
// message is acknowledged only after its handler said true, that what was
// decrypted outlives a crash before that, and that reconnecting is ours.
func newClient(device *wastore.Device, log libLog, media, socket *http.Transport) *whatsmeow.Client {
	c := whatsmeow.NewClient(device, log)
	c.EnableAutoReconnect = false
	c.InitialAutoReconnect = false
	c.DisableLoginAutoReconnect = true
	c.SynchronousAck = true
	c.EnableDecryptedEventBuffer = true
	c.UseRetryMessageStore = true
	c.AutomaticMessageRerequestFromPhone = true
	c.ManualHistorySyncDownload = true
	c.SetMaxParallelRetryReceiptHandling(1)
	// A login refused with 413 or 414 makes the library call this, set or not: without it the process would be gone.
	c.RefreshCAT = func(context.Context) error { return errNoCAT }
	dial := &http.Client{Transport: socket, Timeout: 30 * time.Second} // for the handshake only
	c.SetWebsocketHTTPClient(dial)
	c.SetPreLoginHTTPClient(dial)
	c.SetMediaHTTPClient(&http.Client{Transport: media, Timeout: 15 * time.Minute}) // for a whole file
	return c
}
