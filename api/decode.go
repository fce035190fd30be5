package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

const jsonLimit = 1 << 20

// decode reads the JSON body into v. /v1 wants application/json and refuses fields it does not know, by name. The root API
// ignores them, and takes a body of another type for missing, as the old service did: so a web page's plain form cannot act.
func (a *api) decode(w http.ResponseWriter, r *request, v any) error {
	strict := isV1(r.route.Path)
	if !isJSON(r.Request) && !(strict && r.ContentLength == 0) {
		if strict {
			return fail(http.StatusUnsupportedMediaType, "unsupported_media_type", "The body must be JSON", "Send it with Content-Type: application/json.")
		}
		return nil
	}
	body, err := a.read(w, r)
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) == 0 {
		if strict {
			return invalid("", "A JSON body is required")
		}
		return nil
	}
	return parse(body, v, strict)
}

func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// read returns the body within the route's limit. Bodies with media wait for one of a few slots, so that memory stays bounded.
func (a *api) read(w http.ResponseWriter, r *request) ([]byte, error) {
	limit := int64(jsonLimit)
	if r.route.Body == MediaBody {
		limit = a.mediaLimit()
	}
	if r.ContentLength < 0 || r.ContentLength > jsonLimit {
		select {
		case a.heavy <- struct{}{}:
			defer func() { <-a.heavy }()
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), limit, 16<<20)) + bytes.MinRead) // a length is only claimed
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Request.Body, limit))
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(a.longest()))
	return b.Bytes(), readError(err, limit)
}

// mediaLimit is what one file may take as JSON: an array of numbers, as Node writes a Buffer, has up to 4 characters a byte.
func (a *api) mediaLimit() int64 { return max(4*a.MaxFileSize+64<<10, jsonLimit) }

func readError(err error, limit int64) error {
	if err == nil {
		return nil
	}
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return fail(http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("The request body is too large, the limit is %d bytes", limit), "")
	}
	return &problem{Status: http.StatusBadRequest, Name: "body_unreadable", Detail: "The request body did not arrive in full", Err: err}
}

// parse turns JSON into v and its errors into sentences that name the field.
func parse(body []byte, v any, strict bool) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if strict {
		dec.DisallowUnknownFields()
	}
	if err := dec.Decode(v); err != nil {
		return jsonError(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return invalid("", "The request body holds more than one JSON value")
	}
	return nil
}

func jsonError(err error) error {
	if p := (*problem)(nil); errors.As(err, &p) {
		return p
	}
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		if wrong.Field == "" {
			return invalid("", "The request body must be a JSON object, not "+article(wrong.Value))
		}
		return invalid(wrong.Field, fmt.Sprintf("%s must not be %s", wrong.Field, article(wrong.Value)))
	}
	if field, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		field = strings.Trim(field, `"`)
		return &problem{Status: http.StatusBadRequest, Name: "unknown_field", Detail: "The field " + field + " is not known here",
			Fields: []fieldError{{field, "This field is not known here"}}, Hint: "The fields of each call are listed at /docs."}
	}
	return invalid("", "The request body is not valid JSON")
}

func article(value string) string {
	value, _, _ = strings.Cut(value, " ")
	if strings.ContainsAny(value[:min(1, len(value))], "aeiou") {
		return "an " + value
	}
	return "a " + value
}
