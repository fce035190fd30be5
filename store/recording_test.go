package store

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A recording is what a process did to the files of one folder, as strace saw
// it. Its moments are the lines of the log: strace stops the process at the
// beginning and at the end of each call, so that whatever the process did after
// a call ended stands below that.
type recording struct {
	effects []effect
	syncs   []flush
	acks    []ack
	moments int
}

// effect changes a file, or the folder: it may be on the disk from moment at,
// and surely is after a sync that began when it was done.
type effect struct {
	at, done int
	kind     effectKind
	file     int // which file it is about, by number
	offset   int64
	data     []byte
	name, to string
}

type effectKind int

const (
	toWrite effectKind = iota
	toTruncate
	toCreate
	toRename
	toUnlink
)

// folder is the number of the folder itself, where names are kept.
const folder = 0

func (e effect) where() int {
	if e.kind == toWrite || e.kind == toTruncate {
		return e.file
	}
	return folder
}

// flush is a sync of a file, or of the folder.
type flush struct{ begin, end, file int }

// ack is a line that the process wrote for others.
type ack struct {
	at   int
	text string
}

// traced are the calls that the recording understands, and those that it must not meet on a file of the folder.
const traced = "trace=openat,close,write,pwrite64,fsync,fdatasync,ftruncate,?rename,renameat,renameat2,?unlink,unlinkat," +
	"writev,pwritev,pwritev2,fallocate,copy_file_range,sendfile,truncate,?creat,?open,?link,linkat,dup,?dup2,dup3"

// recordCalls runs cmd, whose files are in dir, to its end.
func recordCalls(tb testing.TB, cmd *exec.Cmd, dir string) *recording {
	tb.Helper()
	strace := needs(tb, "strace")
	log := filepath.Join(tb.TempDir(), "strace.log")
	cmd.Args = append([]string{strace, "-f", "-qq", "--seccomp-bpf", "-e", traced, "-e", "signal=none", "-xx", "-s", "1048576", "-o", log, "--", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	if out, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("the recorded process: %v\n%s", err, out)
	}
	f, err := os.Open(log)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	p := &player{dir: dir, open: map[int]int{}, live: map[string]int{}, pending: map[string]*sysCall{}, rec: &recording{}, files: folder}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		if err := p.line(lines.Text()); err != nil {
			tb.Fatalf("line %d of the recording: %v: %.300s", p.rec.moments, err, lines.Text())
		}
		p.rec.moments++
	}
	if lines.Err() != nil {
		tb.Fatal(lines.Err())
	}
	return p.rec
}

// sysCall is a system call that has begun.
type sysCall struct {
	begin  int
	name   string
	args   string
	effect int // its effect's index, -1 for none
	flush  int // its flush's index, -1 for none
}

// player reads the log line by line.
type player struct {
	dir     string
	rec     *recording
	files   int                 // how many there have been
	open    map[int]int         // file by descriptor
	live    map[string]int      // file by name, as the process sees it
	pending map[string]*sysCall // by thread
}

// line reads one line, for example
//
//	17 fsync(9)           = 0
//	17 fsync(9 <unfinished ...>
//	17 <... fsync resumed>) = 0
func (p *player) line(text string) error {
	thread, text, _ := strings.Cut(text, " ")
	text = strings.TrimLeft(text, " ")
	if strings.HasPrefix(text, "+++") || text == "???( <detached ...>" {
		return nil // the thread is gone, or had not done anything yet when the process ended
	}
	if head, cut := strings.CutSuffix(text, " <unfinished ...>"); cut {
		name, args, _ := strings.Cut(head, "(")
		c, err := p.begin(name, strings.TrimSuffix(args, ","))
		p.pending[thread] = c
		return err
	}
	text, result, ok := strings.Cut(text, " = ") // nothing in quotes looks like this: it is in hex
	if !ok {
		return errors.New("it is not understood")
	}
	text = strings.TrimSuffix(strings.TrimRight(text, " "), ")")
	result, _, _ = strings.Cut(result, " ")
	if _, args, resumed := strings.Cut(text, " resumed>"); resumed && p.pending[thread] != nil {
		c := p.pending[thread]
		c.args += args
		delete(p.pending, thread)
		return p.end(c, result)
	}
	name, args, _ := strings.Cut(text, "(")
	c, err := p.begin(name, args)
	if err == nil {
		err = p.end(c, result)
	}
	return err
}

// begin notes what a call may do from now on.
func (p *player) begin(name, args string) (*sysCall, error) {
	c := &sysCall{begin: p.rec.moments, name: name, args: args, effect: -1, flush: -1}
	fd, file, ours := p.descriptor(args)
	switch name {
	case "close":
		delete(p.open, fd) // its number may be given away before close comes back
	case "write", "pwrite64":
		return c, p.beginWrite(c, fd, file, ours)
	case "ftruncate":
		size, err := strconv.ParseInt(strings.TrimSpace(args[strings.LastIndex(args, ",")+1:]), 10, 64)
		if ours {
			p.add(c, effect{kind: toTruncate, file: file, offset: size})
		}
		return c, err
	case "fsync", "fdatasync":
		if ours {
			c.flush = len(p.rec.syncs)
			p.rec.syncs = append(p.rec.syncs, flush{c.begin, never, file})
		}
	case "open", "openat", "rename", "renameat", "renameat2", "unlink", "unlinkat": // known when they end
	default:
		if _, named := p.names(args); ours || named {
			return c, fmt.Errorf("%s on a file is not understood", name)
		}
	}
	return c, nil
}

// never is a moment that no cut reaches.
const never = int(^uint(0) >> 1)

func (p *player) beginWrite(c *sysCall, fd, file int, ours bool) error {
	from, to := strings.IndexByte(c.args, '"'), strings.LastIndexByte(c.args, '"')
	if !ours && fd != 1 || to <= from {
		return nil
	}
	if strings.HasPrefix(c.args[to+1:], "...") {
		return fmt.Errorf("a write was cut short by strace")
	}
	data := []byte(decoded(c.args[from+1 : to]))
	if fd == 1 {
		p.rec.acks = append(p.rec.acks, ack{c.begin, strings.TrimSpace(string(data))})
		return nil
	}
	rest := strings.Split(c.args[to+1:], ",") // "", length, offset
	if c.name == "write" {
		p.add(c, effect{kind: toWrite, file: file, offset: atEnd, data: data})
		return nil
	}
	offset, err := strconv.ParseInt(strings.TrimSpace(rest[2]), 10, 64)
	p.add(c, effect{kind: toWrite, file: file, offset: offset, data: data})
	return err
}

// atEnd is the offset of a write without one: only whole new files are written so.
const atEnd = -1

func (p *player) add(c *sysCall, e effect) {
	e.at, e.done = c.begin, never
	c.effect = len(p.rec.effects)
	p.rec.effects = append(p.rec.effects, e)
}

// end notes that a call is done, with its result.
func (p *player) end(c *sysCall, result string) error {
	if result == "?" {
		return nil // the process ended in it
	}
	n, err := strconv.Atoi(result)
	if err != nil || n < 0 {
		if c.effect >= 0 || c.flush >= 0 {
			return fmt.Errorf("%s failed", c.name)
		}
		return err
	}
	if c.flush >= 0 {
		p.rec.syncs[c.flush].end = p.rec.moments
	}
	if c.effect >= 0 {
		e := &p.rec.effects[c.effect]
		if e.done = p.rec.moments; e.kind == toWrite && n != len(e.data) {
			return fmt.Errorf("a write was short")
		}
	}
	return p.endName(c, n)
}

// endName is end for calls that are about names. They take effect between their
// two moments; nothing of ours depends on which.
func (p *player) endName(c *sysCall, fd int) error {
	switch c.name {
	case "open", "openat", "rename", "renameat", "renameat2", "unlink", "unlinkat":
	default:
		return nil
	}
	names, ours := p.names(c.args)
	switch {
	case len(names) == 0 || !ours && names[0] != p.dir:
	case strings.HasPrefix(c.name, "open"):
		p.opened(c, fd, names[0])
	case strings.HasPrefix(c.name, "rename"):
		p.live[names[1]] = p.live[names[0]]
		delete(p.live, names[0])
		p.name(c, effect{kind: toRename, name: names[0], to: names[1]})
	default:
		delete(p.live, names[0])
		p.name(c, effect{kind: toUnlink, name: names[0]})
	}
	return nil
}

func (p *player) name(c *sysCall, e effect) {
	p.add(c, e)
	p.rec.effects[c.effect].done = p.rec.moments
}

func (p *player) opened(c *sysCall, fd int, name string) {
	file, known := p.live[name]
	switch {
	case name == p.dir:
		p.open[fd] = folder
		return
	case !known:
		p.files++
		file = p.files
		p.live[name] = file
		p.name(c, effect{kind: toCreate, file: file, name: name})
	case strings.Contains(c.args, "O_TRUNC"):
		p.name(c, effect{kind: toTruncate, file: file})
	}
	p.open[fd] = file
}

// descriptor reads the first argument of a call as a descriptor of a file that
// is recorded.
func (p *player) descriptor(args string) (fd, file int, ours bool) {
	first, _, _ := strings.Cut(args, ",")
	fd, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return -1, 0, false
	}
	file, ours = p.open[fd]
	return fd, file, ours
}

// names returns the paths in args, and whether they are of the recorded folder.
func (p *player) names(args string) (names []string, ours bool) {
	for i, part := range strings.Split(args, `"`) {
		if i%2 == 1 {
			name := decoded(part)
			names = append(names, name)
			ours = ours || filepath.Dir(name) == p.dir
		}
	}
	return names, ours
}

// decoded reads text as strace -xx prints it.
func decoded(text string) string {
	if data, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, "")); err == nil {
		return string(data)
	}
	return text
}
