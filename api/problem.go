package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"wamux/store"
)

// problem is an error on its way to a client, before it has a shape.
type problem struct {
	Status     int
	Name       string // stable word, the "code" of /v1
	Detail     string // what is wrong, one sentence
	Hint       string // what to do
	Fields     []fieldError
	RetryAfter time.Duration // 0 means no Retry-After
	Err        error         // the cause, for the log
}

// fieldError tells what is wrong with one field of the input.
type fieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

func (p *problem) Error() string { return p.Detail }
func (p *problem) Unwrap() error { return p.Err }

// invalid is bad input; field may be "".
func invalid(field, sentence string) error {
	p := &problem{Status: http.StatusBadRequest, Name: "invalid", Detail: sentence}
	if field != "" {
		p.Fields = []fieldError{{field, sentence}}
	}
	return p
}

// fail is any other refusal with a status of its own.
func fail(status int, name, sentence, hint string) *problem {
	return &problem{Status: status, Name: name, Detail: sentence, Hint: hint}
}

// problemOf gives every error a status and a sentence; the text of foreign errors stays in the log.
func problemOf(err error) *problem {
	if p := (*problem)(nil); errors.As(err, &p) {
		return p
	}
	code := store.ErrorCode(err)
	p := &problem{Status: statusOf(code), Name: string(code), Detail: store.ErrorMessage(err), Err: err}
	if e := (*store.Error)(nil); errors.As(err, &e) {
		p.Hint = e.Hint
		if e.Name != "" {
			p.Name = e.Name
		}
	}
	return p
}

// statusOf is the one table from codes to HTTP.
func statusOf(code store.Code) int {
	switch code {
	case store.CodeInvalid:
		return http.StatusBadRequest
	case store.CodeUnauthorized:
		return http.StatusUnauthorized
	case store.CodeForbidden:
		return http.StatusForbidden
	case store.CodeNotFound:
		return http.StatusNotFound
	case store.CodeConflict:
		return http.StatusConflict
	case store.CodeUnprocessable:
		return http.StatusUnprocessableEntity
	case store.CodeLimit:
		return http.StatusTooManyRequests
	case store.CodeRefused:
		return http.StatusBadGateway
	case store.CodeOffline, store.CodeLocked, store.CodeStorage:
		return http.StatusServiceUnavailable
	case store.CodeTimeout:
		return http.StatusGatewayTimeout
	case store.CodeDiskFull, store.CodeReadOnly:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// rootFailure is the shape of every error of the root API.
type rootFailure struct {
	Success bool   `json:"success"`
	Message string `json:"message"`
	Error   string `json:"error,omitempty"`
}

// v1Problem is RFC 9457 with our own members.
type v1Problem struct {
	Type   string       `json:"type"`
	Title  string       `json:"title"`
	Status int          `json:"status"`
	Detail string       `json:"detail"`
	Code   string       `json:"code"`
	Hint   string       `json:"hint,omitempty"`
	Errors []fieldError `json:"errors,omitempty"`
}

// writeProblem is the one place that writes errors, in the shape of the API that was called.
func writeProblem(w http.ResponseWriter, path string, p *problem) {
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.RetryAfter+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="wamux"`)
	}
	if !isV1(path) {
		reply(w, p.Status, rootFailure{Message: p.Detail})
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	reply(w, p.Status, v1Problem{
		Type: "/docs#" + p.Name, Title: http.StatusText(p.Status), Status: p.Status,
		Detail: p.Detail, Code: p.Name, Hint: p.Hint, Errors: p.Fields,
	})
}

// reply writes an answer as JSON. A value that has no JSON is an error of ours, and nothing was written yet.
func reply(w http.ResponseWriter, status int, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return write(w, status, "application/json; charset=utf-8", b.Bytes())
}

// write sends finished bytes; a content type that is already set stays. That the client went away is not our error.
func write(w http.ResponseWriter, status int, contentType string, data []byte) error {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", contentType)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data)
	return nil
}

// nothing answers 204.
func nothing(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
