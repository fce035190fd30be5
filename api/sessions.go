package api

import (
	"context"
	"net/http"
	"time"

	"wamux/store"
)

type object map[string]any

// health answers GET /healthz: the process is there and serves, and what it is told can be written down.
func (a *api) health(w http.ResponseWriter, r *request) error {
	if e := a.DB.Trouble(r.Context()); e != nil {
		return reply(w, statusOf(e.Code), object{"status": e.Name, "message": e.Message, "hint": e.Hint})
	}
	return reply(w, http.StatusOK, object{"status": "ok"})
}

// status answers GET /status. The old service asked for no key here; without one strangers get the number and no names.
func (a *api) status(w http.ResponseWriter, r *request) error {
	all, err := a.DB.Sessions(r.Context())
	if err != nil {
		return err
	}
	if r.key == nil {
		return reply(w, http.StatusOK, object{"success": true, "totalSessions": len(all)})
	}
	rows := []object{}
	for _, s := range all {
		if r.sees(s.ID) {
			rows = append(rows, object{"id": s.ID, "status": s.State.RootWord(), "isAuthenticated": online(s)})
		}
	}
	return reply(w, http.StatusOK, object{"success": true, "sessions": rows, "totalSessions": len(rows)})
}

// sessionList answers GET /sessions with a bare array.
func (a *api) sessionList(w http.ResponseWriter, r *request) error {
	all, err := a.DB.Sessions(r.Context())
	if err != nil {
		return err
	}
	rows := []object{}
	for _, s := range all {
		if r.sees(s.ID) {
			rows = append(rows, idStatus(s))
		}
	}
	return reply(w, http.StatusOK, rows)
}

// sessionFound answers GET /sessions/:sessionId.
func (a *api) sessionFound(w http.ResponseWriter, r *request) error {
	return reply(w, http.StatusOK, object{"success": true, "message": "Session found", "data": idStatus(r.session)})
}

// sessionStatus answers GET /sessions/:sessionId/status, for an unknown session too.
func (a *api) sessionStatus(w http.ResponseWriter, r *request) error {
	if r.session == nil {
		return reply(w, http.StatusOK, object{"status": "DISCONNECTED"})
	}
	body := object{"status": r.session.State.RootWord()}
	if code, _, ok := a.Sessions.QR(r.id); ok && r.key.Allows(store.ScopeManage, r.id) {
		image, err := qrDataURL(code)
		if err != nil {
			return err
		}
		body["qr"] = image
	}
	return reply(w, http.StatusOK, body)
}

// sessionDelete answers DELETE /sessions/:sessionId. It goes on when the caller hangs up: half deleted helps nobody.
func (a *api) sessionDelete(w http.ResponseWriter, r *request) error {
	if err := a.delete(r); err != nil {
		return err
	}
	return reply(w, http.StatusOK, object{"success": true, "message": "Session deleted"})
}

func (a *api) delete(r *request) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
	defer cancel()
	if err := a.Sessions.Delete(ctx, r.id); err != nil {
		return err
	}
	a.batches.gone(r.id)
	return nil
}

// credentials answers GET /sessions/:sessionId/credentials: who is logged in, never key material.
func (a *api) credentials(w http.ResponseWriter, r *request) error {
	if !online(r.session) {
		return invalid("", "Session not authenticated")
	}
	who := object{
		"jid": r.session.JID, "phoneNumber": r.session.Phone, "name": r.session.Name,
		"platform": r.session.Platform, "imgUrl": orNull(a.picture(r)),
	}
	return reply(w, http.StatusOK, object{"success": true, "data": object{
		"userInfo": who, "sessionId": r.id, "status": r.session.State.RootWord(),
	}})
}

// picture is worth a few seconds of waiting and no failure.
func (a *api) picture(r *request) string {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	url, err := a.Sessions.Picture(ctx, r.id)
	if err != nil {
		a.Log.Debug("no profile picture", "session", r.id, "err", err)
	}
	return url
}

// sessionHistory answers GET /sessions-history.
func (a *api) sessionHistory(w http.ResponseWriter, r *request) error {
	page, err := r.number("page", 1, 1, 1_000_000)
	if err != nil {
		return err
	}
	limit, err := r.number("limit", 20, 1, 1000)
	if err != nil {
		return err
	}
	rows, total, err := a.sessionsPage(r, int(page), int(limit))
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, object{"success": true, "data": rows, "pagination": object{
		"page": page, "limit": limit, "total": total, "totalPages": (total + int(limit) - 1) / int(limit),
	}})
}

// sessionsPage pages over what the key may see; most keys see all, and the database counts for them.
func (a *api) sessionsPage(r *request, page, limit int) ([]object, int, error) {
	rows := []object{}
	if r.key.Allows(store.ScopeRead, "") {
		some, total, err := a.DB.SessionsPage(r.Context(), page, limit)
		for _, s := range some {
			rows = append(rows, historyRow(s))
		}
		return rows, total, err
	}
	all, err := a.DB.Sessions(r.Context())
	for _, s := range all {
		if r.sees(s.ID) {
			rows = append(rows, historyRow(s))
		}
	}
	from := min((page-1)*limit, len(rows))
	return rows[from:min(from+limit, len(rows))], len(rows), err
}

// historyRow shows the number of the row as id, as the old service did.
func historyRow(s *store.Session) object {
	return object{
		"id": s.Row, "sessionId": s.ID, "status": s.State.Status(),
		"createdAt": stamp(s.CreatedAt), "updatedAt": stamp(s.UpdatedAt),
	}
}

func idStatus(s *store.Session) object {
	return object{"id": s.ID, "status": s.State.RootWord()}
}

// online tells whether the session is logged in and connected.
func online(s *store.Session) bool { return s.State == store.StateOnline }

// stamp is the one way to write a time: RFC 3339, UTC, milliseconds; null for none.
func stamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// orNull makes an empty text null.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
