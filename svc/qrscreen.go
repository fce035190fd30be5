package svc

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// shower picks how a code is shown: on the terminal, or as a picture where there
// is none, or the person wants one.
func (p program) shower(png string) (shower, error) {
	out, ok := p.stdout.(*os.File)
	if png != "" || !ok || !isTerminal(out) || !drawable(out) {
		return p.picture(png)
	}
	size := func() (int, int, error) { return term.GetSize(int(out.Fd())) }
	return &screen{w: p.stdout, size: size, since: time.Now()}, nil
}

// screen draws a code on a terminal, each over the one before, and below it a
// line of progress. Codes are secrets, so nothing of it stays.
type screen struct {
	w     io.Writer
	size  func() (columns, rows int, err error)
	since time.Time
	shown []byte // the code that is drawn
	above int    // rows between the first one drawn and the cursor's
	used  bool
}

// tooSmall says that a code does not fit on the terminal.
type tooSmall struct{ columns, rows, haveColumns, haveRows int }

func (t tooSmall) Error() string {
	return fmt.Sprintf("the QR code needs a terminal of %dx%d, and this one has %dx%d", t.columns, t.rows, t.haveColumns, t.haveRows)
}

func (s *screen) accept() string { return "text/plain" }

// code sets its own colours: what is light must be light on every terminal.
func (s *screen) code(data []byte) error {
	rows := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if err := s.fits(utf8.RuneCount(rows[0]), len(rows)+2); err != nil {
		return err
	}
	if bytes.Equal(data, s.shown) {
		return nil
	}
	var b bytes.Buffer
	b.WriteString(s.wiped())
	fmt.Fprintln(&b, howToScan)
	for _, row := range rows {
		fmt.Fprintf(&b, "\x1b[97;40m%s\x1b[0m\n", row)
	}
	s.shown, s.above, s.used = data, len(rows)+1, true
	_, err := s.w.Write(b.Bytes())
	return err
}

// fits looks each time: people make windows larger, and smaller.
func (s *screen) fits(columns, rows int) error {
	haveColumns, haveRows, err := s.size()
	if err == nil && (haveColumns < columns || haveRows < rows) {
		return tooSmall{columns, rows, haveColumns, haveRows}
	}
	return err
}

// progress writes over the line that the cursor is in, and stays in it.
func (s *screen) progress(text string) {
	columns, _, err := s.size()
	line := []rune(fmt.Sprintf("%s %d s", text, int(time.Since(s.since).Seconds())))
	if err == nil && len(line) >= columns {
		line = line[:max(0, columns-1)]
	}
	s.used = true
	fmt.Fprintf(s.w, "\r%s\x1b[K", string(line))
}

func (s *screen) end() {
	if s.used {
		fmt.Fprint(s.w, s.wiped())
	}
	s.shown, s.above, s.used = nil, 0, false
}

// wiped is what takes away all that was drawn.
func (s *screen) wiped() string {
	if s.above > 0 {
		return fmt.Sprintf("\r\x1b[%dA\x1b[J", s.above)
	}
	return "\r\x1b[J"
}

// lines says each thing once, a line each, where nothing can be drawn over.
type lines struct {
	w    io.Writer
	last string
}

func (l *lines) accept() string    { return "" }
func (l *lines) code([]byte) error { return nil }
func (l *lines) end()              {}
func (l *lines) progress(text string) {
	if text != l.last {
		fmt.Fprintln(l.w, text)
	}
	l.last = text
}
