package api

import (
	"context"
	"net/http"
	"time"

	"wamux/store"
)

// sessionAdd answers POST /sessions/add: it makes the session and waits for its first QR code. What else the old service
// took here (browser, connectTimeoutMs, …) has no meaning any more and is ignored.
func (a *api) sessionAdd(w http.ResponseWriter, r *request) error {
	var in struct {
		SessionID string `json:"sessionId"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if in.SessionID == "" {
		return invalid("sessionId", "Session ID is required")
	}
	if err := store.ValidSessionID(in.SessionID); err != nil {
		return err
	}
	s, err := a.Sessions.Add(r.Context(), in.SessionID)
	if err != nil {
		return err
	}
	s, settled, err := a.await(r.Context(), s, a.QRWait)
	if err != nil {
		return err
	}
	return a.added(w, s, settled)
}

// await returns the session when it shows a QR, is online or cannot get on by itself; not settled: as it is after the wait.
func (a *api) await(ctx context.Context, s *store.Session, wait time.Duration) (now *store.Session, settled bool, err error) {
	if _, _, showing := a.Sessions.QR(s.ID); showing || online(s) || wait <= 0 {
		return s, true, nil
	}
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	now, err = a.Sessions.Await(waiting, s.ID)
	if err != nil && waiting.Err() != nil && ctx.Err() == nil {
		now, err = a.DB.Session(ctx, s.ID)
		return now, false, err
	}
	return now, true, err
}

// added writes the four ways in which adding a session ends.
func (a *api) added(w http.ResponseWriter, s *store.Session, settled bool) error {
	body := object{"success": true, "sessionId": s.ID, "status": s.State.RootWord()}
	code, _, showing := a.Sessions.QR(s.ID)
	switch {
	case showing:
		body["status"] = store.StatePairing.RootWord()
		return replyQR(w, body, code, "QR code generated. Scan it with WhatsApp on the phone")
	case online(s):
		body["message"] = "Session already authenticated"
		return reply(w, http.StatusOK, body)
	case !settled:
		w.Header().Set("Retry-After", "5")
		body["success"] = false
		body["message"] = "No QR code came in time, the session goes on trying"
		body["retry"] = object{"after": 5, "qr": "/sessions/" + s.ID + "/qr"}
		return reply(w, http.StatusRequestTimeout, body)
	}
	body["success"] = false
	body["message"] = halted(s)
	return reply(w, http.StatusServiceUnavailable, body)
}

// halted says why a session does not get on by itself.
func halted(s *store.Session) string {
	if s.Reason == "" {
		return "The session is not running"
	}
	return s.Reason
}

// queryQR answers GET /qr?sessionId=.
func (a *api) queryQR(w http.ResponseWriter, r *request) error {
	body := object{"success": true, "sessionId": r.id}
	if code, _, showing := a.Sessions.QR(r.id); showing {
		return replyQR(w, body, code, "QR code available")
	}
	body["message"] = "Session already authenticated"
	if !online(r.session) {
		body["success"], body["message"] = false, "QR code not available yet"
	}
	return reply(w, http.StatusOK, body)
}

// sessionQR answers GET /sessions/:sessionId/qr.
func (a *api) sessionQR(w http.ResponseWriter, r *request) error {
	body := object{"success": true, "sessionId": r.id, "status": r.session.State.RootWord()}
	if code, _, showing := a.Sessions.QR(r.id); showing {
		return replyQR(w, body, code, "QR code available")
	}
	if online(r.session) {
		return reply(w, http.StatusOK, object{"success": true, "message": "Session already authenticated", "status": "AUTHENTICATED"})
	}
	body["success"], body["message"] = false, "QR code not available yet"
	return reply(w, http.StatusOK, body)
}

func replyQR(w http.ResponseWriter, body object, code, message string) error {
	image, err := qrDataURL(code)
	if err != nil {
		return err
	}
	body["qr"], body["message"] = image, message
	return reply(w, http.StatusOK, body)
}
