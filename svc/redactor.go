package svc

import (
	"bytes"
	"io"
	"regexp"
)

// redactor is the last line of defence: whatever is logged passes it, line by line, and leaves without keys and numbers. Who logs
// is to keep them out in the first place; this is for the mistake in that.
type redactor struct {
	out    io.Writer
	known  [][]byte // secrets of the settings, word for word
	shapes []shape
}

// shape is what a secret looks like. What stands for it keeps what helps to find the fault.
type shape struct {
	hint    []byte // stands in every match, in small letters; most lines don't have it
	match   *regexp.Regexp
	instead []byte
}

// shortest is how long a setting must be to be looked for: shorter ones are words of many lines.
const shortest = 6

// newRedactor writes to out. known are secrets that need no shape.
func newRedactor(out io.Writer, known []string) *redactor {
	r := &redactor{out: out}
	for _, k := range known {
		if len(k) >= shortest {
			r.known = append(r.known, []byte(k))
		}
	}
	for _, s := range [][3]string{
		{"wk_", `(wk_[a-z0-9]{4,})_[A-Za-z0-9_-]+`, "${1}_…"},
		{"age-secret-key-", `(?i)(AGE-SECRET-KEY-)[0-9A-Z-]+`, "${1}…"},
		{"authorization", `(?i)(authorization\\?"?[=:]\s*\\?"?)(?:[a-z]+ +)?[^\s"\\,]+`, "${1}…"},
		{"bearer ", `(?i)(bearer +)[^\s"\\,]+`, "${1}…"},
		{"x-api-key", `(?i)(x-api-key\\?"?[=:]\s*\\?"?)[^\s"\\,&]+`, "${1}…"},
		{"@", `[0-9][0-9.:_-]{4,}(@[a-z.]+)`, "…${1}"},
		{"phone", `(?i)(phone"?[=:]"?)\+?[0-9]{5,}`, "${1}…"},
		{"+", `\+[0-9]{7,15}\b`, "+…"},
	} {
		r.shapes = append(r.shapes, shape{[]byte(s[0]), regexp.MustCompile(s[1]), []byte(s[2])})
	}
	return r
}

// Write passes on whole lines, and says that it wrote what it got.
func (r *redactor) Write(line []byte) (int, error) {
	clean := line
	for _, k := range r.known {
		clean = bytes.ReplaceAll(clean, k, []byte("…"))
	}
	small := bytes.ToLower(clean)
	for _, s := range r.shapes {
		if bytes.Contains(small, s.hint) {
			clean = s.match.ReplaceAll(clean, s.instead)
		}
	}
	if _, err := r.out.Write(clean); err != nil {
		return 0, err
	}
	return len(line), nil
}
