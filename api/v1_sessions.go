package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"wamux/store"
)

// v1SessionBody is a session as /v1 shows it.
type v1SessionBody struct {
	ID        string          `json:"id"`
	Wanted    string          `json:"wanted"`
	State     string          `json:"state"`
	Code      any             `json:"code"`
	Reason    any             `json:"reason"`
	Next      any             `json:"next"`
	Until     any             `json:"until"`
	Me        *person         `json:"me"`
	Platform  any             `json:"platform"`
	Metadata  json.RawMessage `json:"metadata"`
	CreatedAt any             `json:"createdAt"`
	UpdatedAt any             `json:"updatedAt"`
}

func sessionBody(s *store.Session) v1SessionBody {
	return v1SessionBody{
		ID: s.ID, Wanted: s.Wanted, State: string(s.State), Code: orNull(s.Code), Reason: orNull(s.Reason), Next: orNull(s.Next),
		Until: stamp(s.Until), Me: personOf(s.JID, s.Phone, s.LID, s.Name), Platform: orNull(s.Platform),
		Metadata: orEmpty(s.Metadata), CreatedAt: stamp(s.CreatedAt), UpdatedAt: stamp(s.UpdatedAt),
	}
}

// page is every list of /v1. NextCursor is null at the end.
type page struct {
	Data       any `json:"data"`
	NextCursor any `json:"nextCursor"`
}

// v1Sessions answers GET /v1/sessions, by creation; the cursor is the last id.
func (a *api) v1Sessions(w http.ResponseWriter, r *request) error {
	limit, err := r.number("limit", 50, 1, 1000)
	if err != nil {
		return err
	}
	all, err := a.DB.Sessions(r.Context())
	if err != nil {
		return err
	}
	rows, out := []v1SessionBody{}, page{}
	cursor := r.URL.Query().Get("cursor")
	for _, s := range all {
		switch {
		case cursor != "":
			if s.ID == cursor {
				cursor = ""
			}
		case !r.sees(s.ID):
		case len(rows) == int(limit):
			out.NextCursor = rows[len(rows)-1].ID
		default:
			rows = append(rows, sessionBody(s))
		}
	}
	out.Data = rows
	return reply(w, http.StatusOK, out)
}

// v1SessionAdd answers POST /v1/sessions: 201 with a new session, 200 with one that exists.
func (a *api) v1SessionAdd(w http.ResponseWriter, r *request) error {
	var in struct {
		ID    string `json:"id"`
		Start *bool  `json:"start"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if in.ID == "" {
		in.ID = "s-" + strings.ToLower(rand.Text()[:12])
	}
	if err := store.ValidSessionID(in.ID); err != nil {
		return err
	}
	_, missing := a.DB.Session(r.Context(), in.ID)
	if err := a.addSession(r.Context(), in.ID, in.Start == nil || *in.Start); err != nil {
		return err
	}
	return a.replySession(w, r, in.ID, created(missing))
}

func created(missing error) int {
	if missing != nil {
		return http.StatusCreated
	}
	return http.StatusOK
}

func (a *api) addSession(ctx context.Context, id string, start bool) error {
	if start {
		_, err := a.Sessions.Add(ctx, id)
		return err
	}
	_, isNew, err := a.DB.AddSession(ctx, id, a.MaxSessions)
	if err != nil || !isNew {
		return err
	}
	if err := a.DB.SetWanted(ctx, id, store.WantStopped); err != nil {
		return err
	}
	return a.DB.SetState(ctx, id, store.StateChange{State: store.StateStopped})
}

func (a *api) replySession(w http.ResponseWriter, r *request, id string, status int) error {
	s, err := a.DB.Session(r.Context(), id)
	if err != nil {
		return err
	}
	return reply(w, status, sessionBody(s))
}

// v1Session answers GET /v1/sessions/:s.
func (a *api) v1Session(w http.ResponseWriter, r *request) error {
	return reply(w, http.StatusOK, sessionBody(r.session))
}

// v1SessionDelete answers DELETE /v1/sessions/:s.
func (a *api) v1SessionDelete(w http.ResponseWriter, r *request) error {
	if err := a.delete(r); err != nil {
		return err
	}
	return nothing(w)
}

// v1Start answers POST /v1/sessions/:s/start.
func (a *api) v1Start(w http.ResponseWriter, r *request) error {
	return a.act(w, r, a.Sessions.Start)
}

// v1Stop answers POST /v1/sessions/:s/stop.
func (a *api) v1Stop(w http.ResponseWriter, r *request) error {
	return a.act(w, r, a.Sessions.Stop)
}

// v1Restart answers POST /v1/sessions/:s/restart.
func (a *api) v1Restart(w http.ResponseWriter, r *request) error {
	return a.act(w, r, a.Sessions.Restart)
}

// v1Logout answers POST /v1/sessions/:s/logout.
func (a *api) v1Logout(w http.ResponseWriter, r *request) error {
	return a.act(w, r, a.Sessions.Logout)
}

// v1Undelete answers POST /v1/sessions/:s/undelete.
func (a *api) v1Undelete(w http.ResponseWriter, r *request) error {
	return a.act(w, r, a.Sessions.Undelete)
}

// act does it to the end, also when the caller hangs up, and answers with the session as it is then.
func (a *api) act(w http.ResponseWriter, r *request, do func(context.Context, string) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
	defer cancel()
	if err := do(ctx, r.id); err != nil {
		return err
	}
	return a.replySession(w, r, r.id, http.StatusOK)
}

// v1QR answers GET /v1/sessions/:s/qr in the form that Accept asks for; ?wait= seconds for one to show.
func (a *api) v1QR(w http.ResponseWriter, r *request) error {
	wait, err := r.seconds("wait")
	if err != nil {
		return err
	}
	s, _, err := a.await(r.Context(), r.session, wait)
	if err != nil {
		return err
	}
	code, expires, showing := a.Sessions.QR(r.id)
	if !showing {
		return noQR(s)
	}
	return writeQR(w, r.Header.Get("Accept"), code, expires)
}

func noQR(s *store.Session) error {
	if online(s) {
		return fail(http.StatusConflict, "already_linked", "The session is linked already", "Log it out to link another phone.")
	}
	return fail(http.StatusConflict, "qr_not_ready", "No QR code is showing, the session is "+string(s.State), "Start the session, or ask again with ?wait=30.")
}

func writeQR(w http.ResponseWriter, accept, code string, expires time.Time) error {
	draw, kind := qrPNG, "image/png"
	switch {
	case strings.Contains(accept, "image/png"):
	case strings.Contains(accept, "image/svg+xml"):
		draw, kind = qrSVG, "image/svg+xml"
	case strings.Contains(accept, "text/plain"):
		draw, kind = qrText, "text/plain; charset=utf-8"
	default:
		image, err := qrDataURL(code)
		if err != nil {
			return err
		}
		return reply(w, http.StatusOK, object{"qr": code, "image": image, "expiresAt": stamp(expires)})
	}
	data, err := draw(code)
	if err != nil {
		return err
	}
	return write(w, http.StatusOK, kind, data)
}

// v1PairingCode answers POST /v1/sessions/:s/pairing-code.
func (a *api) v1PairingCode(w http.ResponseWriter, r *request) error {
	phone, err := a.askedPhone(w, r)
	if err != nil {
		return err
	}
	code, expires, err := a.pairingCode(r, phone)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, object{"code": code, "phone": phone, "expiresAt": stamp(expires)})
}

// askedPhone reads for which phone a code is wanted, as digits.
func (a *api) askedPhone(w http.ResponseWriter, r *request) (string, error) {
	var in struct {
		Phone string `json:"phone"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return "", err
	}
	jid, err := phoneJID("phone", in.Phone, a.CountryCode)
	return digits(jid), err
}

// pairingCode asks for a code, as often as is good for the number. Only what WhatsApp counts is counted: codes, and that it
// said no more of them.
func (a *api) pairingCode(r *request, phone string) (string, time.Time, error) {
	if online(r.session) {
		return "", time.Time{}, noQR(r.session)
	}
	if wait := a.codes.take(phone); wait > 0 {
		p := fail(http.StatusTooManyRequests, "pairing_code_limit", "WhatsApp gives a number few pairing codes: one a minute, five a day", "Wait, or link by QR code.")
		p.RetryAfter = wait
		return "", time.Time{}, p
	}
	ctx, cancel := context.WithTimeout(r.Context(), a.QRWait)
	defer cancel()
	code, expires, err := a.Sessions.PairingCode(ctx, r.id, phone)
	if err != nil && store.ErrorCode(err) != store.CodeLimit {
		a.codes.giveBack(phone)
	}
	return code, expires, err
}
