package svc_test

import (
	"net"
	"testing"
)

// TestRootWithoutWhatsApp: a session whose WhatsApp cannot be reached gets no QR code, and says so; and who asks too often is told
// when to come again. The bodies are golden files.
func TestRootWithoutWhatsApp(t *testing.T) {
	t.Parallel()
	nobody, err := net.Listen("tcp", "127.0.0.1:0") // an address at which nobody answers
	if err != nil {
		t.Fatal(err)
	}
	endpoint := nobody.Addr().String()
	nobody.Close()
	world := start(t, t.TempDir(), nil, "sandbox")
	env := append(pointedAt(world), "WHATSAPP_ENDPOINT="+endpoint, "SANDBOX_TIME_SCALE=100", "RECONNECT_DELAY=3600000", "RATE_LIMIT_MAX_REQUESTS=6", "RATE_LIMIT_WINDOW_MS=3600000")
	g := start(t, t.TempDir(), env, "run")
	g.play([]scenario{
		{name: "add-no-qr", method: "POST", path: "/sessions/add", body: object{"sessionId": "late"}, status: 408},
		{name: "session-qr-not-yet", method: "GET", path: "/sessions/late/qr", status: 200},
		{name: "qr-not-yet", method: "GET", path: "/qr?sessionId=late", status: 200},
		{name: "session-status-not-yet", method: "GET", path: "/sessions/late/status", status: 200},
		{name: "groups-not-yet", method: "GET", path: "/late/groups", status: 503},
		{name: "bulk-not-yet", method: "POST", path: "/late/messages/send/bulk", body: []object{}, status: 400},
		{name: "too-many-requests", method: "GET", path: "/sessions", status: 429},
	})
}
