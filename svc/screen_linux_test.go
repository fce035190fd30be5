package svc_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// display is a terminal as a person sees it: a window of rows and columns that
// scrolls. It knows what the program uses, and notes what it does not know.
type display struct {
	mu            sync.Mutex
	rows, columns int
	cells         [][]rune
	y, x          int
	light         bool // bright white on black is set
	strange       []string
}

// watch is a display of what is written to a terminal, until that is closed.
func watch(t *testing.T, person *os.File, columns, rows int) *display {
	t.Helper()
	if err := unix.IoctlSetWinsize(int(person.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: uint16(rows), Col: uint16(columns)}); err != nil {
		t.Fatal(err)
	}
	d := &display{rows: rows, columns: columns}
	for range rows {
		d.cells = append(d.cells, blank(columns))
	}
	go d.read(bufio.NewReader(person))
	return d
}

func blank(columns int) []rune { return []rune(strings.Repeat(" ", columns)) }

func (d *display) read(from *bufio.Reader) {
	for {
		c, _, err := from.ReadRune()
		if err != nil {
			return
		}
		if c != 0x1b {
			d.put(c)
			continue
		}
		var sequence []rune
		for len(sequence) < 2 || !(sequence[len(sequence)-1] >= '@') {
			if c, _, err = from.ReadRune(); err != nil {
				return
			}
			sequence = append(sequence, c)
		}
		d.obey(string(sequence))
	}
}

func (d *display) put(c rune) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch c {
	case '\r':
		d.x = 0
		return
	case '\n':
		d.down()
		return
	}
	if d.x == d.columns {
		d.x = 0
		d.down()
	}
	if strings.ContainsRune("█▀▄", c) && !d.light {
		d.strange = append(d.strange, "a block in the terminal's own colour")
	}
	d.cells[d.y][d.x] = c
	d.x++
}

func (d *display) down() {
	if d.y++; d.y == d.rows {
		d.y--
		d.cells = append(d.cells[1:], blank(d.columns))
	}
}

func (d *display) obey(sequence string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	number, _ := strconv.Atoi(strings.Trim(sequence, "[AJKm"))
	switch {
	case sequence == "[97;40m":
		d.light = true
	case sequence == "[0m":
		d.light = false
	case strings.HasSuffix(sequence, "A"):
		d.y = max(0, d.y-number)
	case sequence == "[K":
		copy(d.cells[d.y][min(d.x, d.columns):], blank(d.columns))
	case sequence == "[J":
		copy(d.cells[d.y][min(d.x, d.columns):], blank(d.columns))
		for y := d.y + 1; y < d.rows; y++ {
			d.cells[y] = blank(d.columns)
		}
	default:
		d.strange = append(d.strange, sequence)
	}
}

func (d *display) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var b strings.Builder
	for _, row := range d.cells {
		fmt.Fprintln(&b, strings.TrimRight(string(row), " "))
	}
	return b.String()
}

// oddities are what it was told and does not know.
func (d *display) oddities() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.strange
}

// code are the modules on the display: a half of each cell is one. The lower half
// of the last row may be none, but the terminal's black.
func (d *display) code() modules {
	d.mu.Lock()
	defer d.mu.Unlock()
	var m modules
	for _, row := range d.cells {
		if !strings.ContainsAny(string(row), "█▀▄") {
			continue
		}
		end := strings.LastIndexAny(string(row), "█▀▄")
		drawn := []rune(string(row)[:end])
		upper, lower := make([]bool, len(drawn)), make([]bool, len(drawn))
		for x, c := range drawn {
			upper[x] = c != '█' && c != '▀'
			lower[x] = c != '█' && c != '▄'
		}
		m = append(m, upper, lower)
	}
	if n := len(m) - 1; n > 0 && !slices.Contains(m[n], false) {
		m = m[:n]
	}
	return m
}

// onTerminal starts a command at a terminal of that size.
func (g *gateway) onTerminal(t *testing.T, columns, rows int, args ...string) (*exec.Cmd, *display) {
	t.Helper()
	person, program := terminal(t)
	d := watch(t, person, columns, rows)
	cmd := command(t, g.dir, []string{"TERM=xterm"}, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, d
}

// TestSessionsAddOnScreen reads the code from the screen, as the camera of a phone
// does, and lets a phone scan what it read: more than one code, and then none is
// left on the screen.
func TestSessionsAddOnScreen(t *testing.T) {
	t.Parallel()
	g := start(t, t.TempDir(), []string{"SANDBOX_TIME_SCALE=20"}, "run", "--sandbox")
	g.phone(ours)
	cmd, d := g.onTerminal(t, 80, 40, "sessions", "add", "shop", "--sandbox")
	var first, second string
	read := func(into *string, before string) func() bool {
		return func() bool {
			text, err := readQR(d.code())
			*into = text
			return err == nil && text != before
		}
	}
	eventually(t, "a code on the screen", read(&first, ""))
	if screen := d.String(); !strings.Contains(screen, "Linked devices") || !strings.Contains(screen, "shop waits for the phone. ") {
		t.Errorf("the screen does not say what to do, and how far it is:\n%s", screen)
	}
	eventually(t, "another code in its place", read(&second, first))
	eventually(t, "a scan of what the screen shows", func() bool {
		read(&second, "")()
		status, _ := g.call("POST", "/v1/sandbox/phones/"+ours+"/scan", object{"qr": second})
		return status/100 == 2
	})
	if err := cmd.Wait(); err != nil {
		t.Errorf("got %v\n%s", err, d)
	}
	eventually(t, "the good end", func() bool {
		return strings.TrimSpace(d.String()) == "shop is linked to "+ours+", and online."
	})
	if odd := d.oddities(); len(odd) > 0 {
		t.Errorf("the terminal was told %q", odd)
	}
}

// TestSessionsAddOnSmallScreen: where the code does not fit there is a picture of
// it, and a page, which show the same; and none of them stays when the person
// gives up.
func TestSessionsAddOnSmallScreen(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	cmd, d := g.onTerminal(t, 80, 24, "sessions", "add", "shop", "--sandbox")
	offer := regexp.MustCompile(`(?s)needs a terminal of (\d+)x(\d+), and this one has 80x24.*picture: (\S+)\s+link: (http://127\.0\.0\.1:\d+/\w+)`)
	eventually(t, "an offer", func() bool { return offer.MatchString(d.String()) })
	found := offer.FindStringSubmatch(d.String())
	file, link := found[3], found[4]
	if code := d.code(); len(code) > 0 {
		t.Errorf("a code is drawn all the same:\n%s", d)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v, want a picture for its owner only", info, err)
	}
	picture := readFile(t, file)
	if text, err := readQR(pictured(t, picture)); err != nil || strings.Count(text, ",") < 4 {
		t.Errorf("the picture says %q, %v", text, err)
	}
	if page := fetched(t, link, 200); !strings.Contains(page, "data:image/png;base64,"+base64Of(picture)) {
		t.Errorf("the page does not show the picture: %s", page)
	}
	fetched(t, link[:strings.LastIndex(link, "/")+1], 404)
	fetched(t, link+"x", 404)
	_ = cmd.Process.Signal(syscall.SIGINT)
	if err := cmd.Wait(); err == nil {
		t.Error("a session that is not linked is success")
	}
	eventually(t, "why it ended", func() bool { return strings.Contains(d.String(), "error: shop is not linked yet") })
	if _, err := os.Stat(filepath.Dir(file)); err == nil {
		t.Error("the picture is still there")
	}
}

// TestSessionsDeleteAsks: at a terminal the name of the session must be typed.
func TestSessionsDeleteAsks(t *testing.T) {
	t.Parallel()
	g := sandboxed(t)
	must[object](g, 201, "POST", "/v1/sessions", object{"id": "shop", "start": false})
	for _, typed := range []string{"shoq\n", "\x04", "shop\n"} {
		person, program := terminal(t)
		d := watch(t, person, 80, 24)
		cmd := command(t, g.dir, nil, "sessions", "delete", "shop", "--sandbox")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the question", func() bool { return strings.Contains(d.String(), "Type its name to go on:") })
		if _, err := person.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		err := cmd.Wait()
		status, _ := g.call("GET", "/v1/sessions/shop", nil)
		if right := typed == "shop\n"; right != (err == nil) || right != (status == 404) {
			t.Errorf("%q: got %v, and then %d for the session\n%s", typed, err, status, d)
		}
	}
}
