package api

import (
	"net/http"
	"strings"
	"time"
)

func (r *request) phone() string { return digits(r.params.ByName("phone")) }

// sandboxPhones answers GET /v1/sandbox/phones.
func (a *api) sandboxPhones(w http.ResponseWriter, r *request) error {
	phones, err := a.Sandbox.Phones(r.Context())
	return list(w, phones, err)
}

// list answers a list that ends here.
func list[T any](w http.ResponseWriter, rows []T, err error) error {
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, page{Data: append([]T{}, rows...)})
}

// sandboxPhoneAdd answers POST /v1/sandbox/phones.
func (a *api) sandboxPhoneAdd(w http.ResponseWriter, r *request) error {
	var in struct {
		Phone string `json:"phone"`
		Name  string `json:"name"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	jid, err := phoneJID("phone", in.Phone, a.CountryCode)
	if err != nil {
		return err
	}
	phone, err := a.Sandbox.AddPhone(r.Context(), digits(jid), in.Name)
	if err != nil {
		return err
	}
	return reply(w, http.StatusCreated, phone)
}

// sandboxPhone answers GET /v1/sandbox/phones/:phone.
func (a *api) sandboxPhone(w http.ResponseWriter, r *request) error {
	phone, err := a.Sandbox.Phone(r.Context(), r.phone())
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, phone)
}

// scanWait is how long a scan waits for a session that was just added to show its first code.
const scanWait = 30 * time.Second

// sandboxScan answers POST /v1/sandbox/phones/:phone/scan.
func (a *api) sandboxScan(w http.ResponseWriter, r *request) error {
	var in struct {
		Session string `json:"session"`
		QR      string `json:"qr"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	qr := in.QR
	if (in.Session == "") == (qr == "") {
		return invalid("session", "Name the session to scan, or give the text of its QR code")
	}
	if qr == "" {
		s, err := a.DB.Session(r.Context(), in.Session)
		if err != nil {
			return err
		}
		if s, _, err = a.await(r.Context(), s, scanWait); err != nil {
			return err
		}
		showing := false
		if qr, _, showing = a.Sessions.QR(in.Session); !showing {
			return noQR(s)
		}
	}
	return done(w, a.Sandbox.Scan(r.Context(), r.phone(), qr))
}

// needed refuses a body in which one of these fields, each given with its value, is missing.
func needed(fields ...string) error {
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i+1] == "" {
			return invalid(fields[i], fields[i]+" is missing")
		}
	}
	return nil
}

// done answers 204 or the error.
func done(w http.ResponseWriter, err error) error {
	if err != nil {
		return err
	}
	return nothing(w)
}

// sandboxCode answers POST /v1/sandbox/phones/:phone/code.
func (a *api) sandboxCode(w http.ResponseWriter, r *request) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	return done(w, a.Sandbox.EnterCode(r.Context(), r.phone(), in.Code))
}

// sandboxInbox answers GET /v1/sandbox/phones/:phone/messages?after=&limit=.
func (a *api) sandboxInbox(w http.ResponseWriter, r *request) error {
	after, limit, err := r.span()
	if err != nil {
		return err
	}
	rows, err := a.Sandbox.Inbox(r.Context(), r.phone(), after, limit)
	return list(w, rows, err)
}

func (r *request) span() (after int64, limit int, err error) {
	if after, err = r.number("after", 0, 0, 1<<62); err != nil {
		return 0, 0, err
	}
	n, err := r.number("limit", 1000, 1, 10_000)
	return after, int(n), err
}

// sandboxMedia answers GET /v1/sandbox/phones/:phone/messages/:seq/media with the bytes the phone decrypted.
func (a *api) sandboxMedia(w http.ResponseWriter, r *request) error {
	seq, err := wholeNumber("seq", r.params.ByName("seq"))
	if err != nil {
		return err
	}
	data, mimetype, err := a.Sandbox.Media(r.Context(), r.phone(), seq)
	if err != nil {
		return err
	}
	if mimetype == "" {
		mimetype = "application/octet-stream"
	}
	w.Header().Set("Content-Disposition", "attachment")
	return write(w, http.StatusOK, mimetype, data)
}

// sandboxSend answers POST /v1/sandbox/phones/:phone/messages.
func (a *api) sandboxSend(w http.ResponseWriter, r *request) error {
	var in SandboxMessage
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("to", in.To); err != nil {
		return err
	}
	sent, err := a.Sandbox.Send(r.Context(), r.phone(), in)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, sent)
}

// sandboxSendBulk answers POST /v1/sandbox/phones/:phone/messages:bulk, which is a message and how many of it.
func (a *api) sandboxSendBulk(w http.ResponseWriter, r *request) error {
	var in struct {
		SandboxMessage
		Count int `json:"count"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("to", in.To); err != nil {
		return err
	}
	if in.Count < 1 || in.Count > 100_000 {
		return invalid("count", "count must be between 1 and 100000")
	}
	sent, err := a.Sandbox.SendBulk(r.Context(), r.phone(), in.SandboxMessage, in.Count)
	return list(w, sent, err)
}

// sandboxRead answers POST /v1/sandbox/phones/:phone/read.
func (a *api) sandboxRead(w http.ResponseWriter, r *request) error {
	var in struct {
		Chat string   `json:"chat"`
		IDs  []string `json:"ids"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("chat", in.Chat); err != nil {
		return err
	}
	return done(w, a.Sandbox.Read(r.Context(), r.phone(), in.Chat, in.IDs))
}

// sandboxTyping answers POST /v1/sandbox/phones/:phone/typing.
func (a *api) sandboxTyping(w http.ResponseWriter, r *request) error {
	var in struct {
		Chat  string `json:"chat"`
		State string `json:"state"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	if err := needed("chat", in.Chat, "state", in.State); err != nil {
		return err
	}
	return done(w, a.Sandbox.Typing(r.Context(), r.phone(), in.Chat, in.State))
}

// sandboxPresence answers POST /v1/sandbox/phones/:phone/presence.
func (a *api) sandboxPresence(w http.ResponseWriter, r *request) error {
	var in struct {
		Online bool `json:"online"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	return done(w, a.Sandbox.Presence(r.Context(), r.phone(), in.Online))
}

// sandboxUnlink answers POST /v1/sandbox/phones/:phone/unlink.
func (a *api) sandboxUnlink(w http.ResponseWriter, r *request) error {
	return done(w, a.Sandbox.Unlink(r.Context(), r.phone()))
}

// sandboxFaults answers GET /v1/sandbox/faults.
func (a *api) sandboxFaults(w http.ResponseWriter, r *request) error {
	faults, err := a.Sandbox.Faults(r.Context())
	return list(w, faults, err)
}

// sandboxFault answers POST /v1/sandbox/faults.
func (a *api) sandboxFault(w http.ResponseWriter, r *request) error {
	var in SandboxFault
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	return done(w, a.Sandbox.Fault(r.Context(), in))
}

// sandboxFaultsClear answers DELETE /v1/sandbox/faults.
func (a *api) sandboxFaultsClear(w http.ResponseWriter, r *request) error {
	return done(w, a.Sandbox.ClearFaults(r.Context()))
}

// sandboxClock answers POST /v1/sandbox/clock.
func (a *api) sandboxClock(w http.ResponseWriter, r *request) error {
	var in struct {
		At             string `json:"at"`
		ForwardSeconds int64  `json:"forwardSeconds"`
	}
	if err := a.decode(w, r, &in); err != nil {
		return err
	}
	change := SandboxClockChange{ForwardSeconds: in.ForwardSeconds}
	if in.At != "" {
		at, err := time.Parse(time.RFC3339, in.At)
		if err != nil {
			return invalid("at", "at must be a time such as 2026-01-02T03:04:05Z")
		}
		change.At = &at
	}
	clock, err := a.Sandbox.SetClock(r.Context(), change)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, clock)
}

// sandboxTraffic answers GET /v1/sandbox/traffic?session= (or phone=): the stanzas of one, or of all.
func (a *api) sandboxTraffic(w http.ResponseWriter, r *request) error {
	after, limit, err := r.span()
	if err != nil {
		return err
	}
	phone := digits(r.URL.Query().Get("phone"))
	if id := r.URL.Query().Get("session"); id != "" {
		s, err := a.DB.Session(r.Context(), id)
		if err != nil {
			return err
		}
		user, _, _ := strings.Cut(s.JID, "@")
		if phone = withoutDevice(user); phone == "" {
			return list(w, []SandboxStanza{}, nil)
		}
	}
	rows, err := a.Sandbox.Traffic(r.Context(), phone, after, limit)
	return list(w, rows, err)
}

// sandboxReset answers POST /v1/sandbox/reset.
func (a *api) sandboxReset(w http.ResponseWriter, r *request) error {
	return done(w, a.Sandbox.Reset(r.Context()))
}
