package svc_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// How much one measurement sends, and how often each is made; the median counts.
const (
	loadTexts  = 1000
	loadBurst  = 2000
	loadRounds = 3
)

// BenchmarkLoad measures wamux beside whatsmeow over its own store, in the same run and against the same sandbox, which is a
// process of its own: every figure is also a ratio. WAMUX_LOAD names the numbers of sessions, "1,20,100" when it is not set,
// "100,500" to see what many sessions cost. With WAMUX_LOAD_SEALED=1 there is a third, wamux with a sealed database.
// What was sent is counted where it arrives, at the phones.
func BenchmarkLoad(b *testing.B) {
	own := map[int]float64{} // wamux by itself: texts a second from all sessions
	for _, n := range loadSizes(b) {
		b.Run(fmt.Sprint("sessions=", n), func(b *testing.B) {
			l := newLoad(b, n)
			for range loadRounds {
				for _, s := range l.subjects {
					l.measure(s)
				}
			}
			l.report()
			own[n] = l.median("wamux", everybody(n)+", texts/s")
			if few := own[100]; few > 0 && n > 100 {
				fmt.Printf("wamux with %d sessions, texts/s beside 100: %.2f\n", n, own[n]/few)
				b.ReportMetric(own[n]/few, "beside-100-ratio")
			}
		})
	}
}

// everybody names the figures of all sessions sending at once.
func everybody(n int) string { return fmt.Sprintf("%d sessions, %d clients", n, 2*n) }

func loadSizes(b *testing.B) (sizes []int) {
	list := os.Getenv("WAMUX_LOAD")
	if list == "" {
		list = "1,20,100"
	}
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			b.Fatalf("WAMUX_LOAD: %q is no number of sessions", word)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// subject is what is measured: n sessions in one process.
type subject interface {
	pair(numbers []string)
	restart() // from the start of the process on; the sandbox tells when its sessions are there
	send(to []string, sessions, clients, count int, gap time.Duration) ([]time.Duration, error)
	heard(count int) // waits until so many messages came in since it was last called
	size() (kib, goroutines int)
	pid() int
}

// load is one comparison: the subjects, each with phones of its own, and what was measured.
type load struct {
	b        *testing.B
	n        int
	world    *gateway
	subjects []string
	by       map[string]subject
	phones   map[string][]string // those that the sessions are linked to
	peers    map[string][]string // those they talk to
	figures  []figure            // in the order of the first measurement
}

// figure is one row of the report: values by subject, one for each round.
type figure struct {
	name   string
	format string
	values map[string][]float64
}

func newLoad(b *testing.B, n int) *load {
	l := &load{b: b, n: n, by: map[string]subject{}, phones: map[string][]string{}, peers: map[string][]string{}}
	l.world = start(b, b.TempDir(), []string{"LOG_LEVEL=error"}, "sandbox")
	l.add("whatsmeow", newRawSubject(b, l.world), "62811")
	l.add("wamux", newGatewaySubject(b, l.world), "62812")
	if os.Getenv("WAMUX_LOAD_SEALED") != "" {
		_, env := newKey(b)
		l.add("sealed", newGatewaySubject(b, l.world, env...), "62813")
	}
	return l
}

// add pairs a subject's sessions.
func (l *load) add(name string, s subject, prefix string) {
	l.subjects, l.by[name] = append(l.subjects, name), s
	for i := range l.n {
		phone, peer := fmt.Sprintf("%s1%05d", prefix, i), fmt.Sprintf("%s2%05d", prefix, i)
		l.world.phone(phone)
		l.world.phone(peer)
		l.phones[name], l.peers[name] = append(l.phones[name], phone), append(l.peers[name], peer)
	}
	began := time.Now()
	s.pair(l.phones[name])
	l.note(name, "pairing, s a session", "%.2f", time.Since(began).Seconds()/float64(l.n))
	l.chats(name, l.n, l.n, l.n, 0) // the first message to a peer opens a Signal session, which is not what is measured
}

// note adds a value to a figure.
func (l *load) note(subject, name, format string, value float64) {
	i := slices.IndexFunc(l.figures, func(f figure) bool { return f.name == name })
	if i < 0 {
		i = len(l.figures)
		l.figures = append(l.figures, figure{name, format, map[string][]float64{}})
	}
	l.figures[i].values[subject] = append(l.figures[i].values[subject], value)
}

// measure is one round of one subject.
func (l *load) measure(name string) {
	s := l.by[name]
	l.timed(name, "start until all online, s", func() { s.restart(); l.online(name) })
	kib, goroutines := settledSize(s)
	l.note(name, "idle, MiB RSS", "%.0f", float64(kib)/1024)
	l.note(name, "idle, KiB RSS a session", "%.0f", float64(kib)/float64(l.n))
	l.note(name, "idle, goroutines", "%.0f", float64(goroutines))
	l.sends(name, "1 session, 1 client", 1, 1, loadTexts)
	l.sends(name, "1 session, 8 clients", 1, 8, loadTexts)
	if l.n > 1 {
		l.sends(name, everybody(l.n), l.n, 2*l.n, 2*loadTexts)
	}
	l.hears(name)
	l.timed(name, "reconnect after a drop, s", func() { l.drop(name); l.online(name) })
}

// How long a process is watched for its idle size: until it has not shrunk for a while, or at the most.
const (
	sizeCalm = 3 * time.Second
	sizeMost = 20 * time.Second
)

// settledSize waits until a process is done with what a start leaves to do, and has given memory back: the least that was seen.
func settledSize(s subject) (kib, goroutines int) {
	kib, goroutines = s.size()
	calm, end := time.After(sizeCalm), time.After(sizeMost)
	for tick := time.Tick(250 * time.Millisecond); ; {
		select {
		case <-tick:
			now, running := s.size()
			if now < kib {
				calm = time.After(sizeCalm)
			}
			kib, goroutines = min(kib, now), min(goroutines, running)
		case <-calm:
			return kib, goroutines
		case <-end:
			return kib, goroutines
		}
	}
}

func (l *load) timed(subject, name string, fn func()) {
	began := time.Now()
	fn()
	l.note(subject, name, "%.2f", time.Since(began).Seconds())
}

// sends measures texts a second, how long one takes and what it costs, and how long one takes at half of that load.
func (l *load) sends(subject, name string, sessions, clients, count int) {
	before, began := costs(l.by[subject].pid()), time.Now()
	took := l.chats(subject, sessions, clients, count, 0)
	lasted := time.Since(began)
	spent := costs(l.by[subject].pid())
	l.note(subject, name+", texts/s", "%.0f", float64(count)/lasted.Seconds())
	l.note(subject, name+", p50 ms", "%.1f", percentile(took, 50))
	l.note(subject, name+", p99 ms", "%.1f", percentile(took, 99))
	l.note(subject, name+", CPU ms a text", "%.2f", float64((spent.cpu-before.cpu).Microseconds())/1000/float64(count))
	l.note(subject, name+", KiB written a text", "%.0f", float64(spent.written-before.written)/1024/float64(count))
	half := l.chats(subject, sessions, clients, count/2, 2*lasted/time.Duration(count))
	l.note(subject, name+", p99 ms at half load", "%.1f", percentile(half, 99))
}

// cost is what a process used since its start; zero where the system does not tell.
type cost struct {
	cpu     time.Duration
	written int64 // bytes given to the disk
}

func costs(pid int) (c cost) {
	stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:])); len(fields) > 12 {
		user, _ := strconv.Atoi(fields[11])
		system, _ := strconv.Atoi(fields[12])
		c.cpu = time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 everywhere
	}
	io, _ := os.ReadFile(fmt.Sprintf("/proc/%d/io", pid))
	for line := range strings.Lines(string(io)) {
		if rest, ok := strings.CutPrefix(line, "write_bytes:"); ok {
			c.written, _ = strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
		}
	}
	return c
}

// chats sends texts and makes sure that the phones have them all.
func (l *load) chats(subject string, sessions, clients, count int, gap time.Duration) []time.Duration {
	l.b.Helper()
	before := l.received(l.peers[subject])
	took, err := l.by[subject].send(l.peers[subject], sessions, clients, count, gap)
	if err != nil {
		l.b.Fatalf("%s: %v", subject, err)
	}
	eventually(l.b, subject+": all texts at the phones", func() bool { return l.received(l.peers[subject])-before >= count })
	if got := l.received(l.peers[subject]) - before; got != count {
		l.b.Errorf("%s: %d texts arrived, want %d", subject, got, count)
	}
	return took
}

// hears measures how fast a burst that the phones send comes in, to all sessions at once.
func (l *load) hears(subject string) {
	each := loadBurst / l.n
	began := time.Now()
	_, err := shared(l.n, min(l.n, 8), l.n, 0, func(_, n int) error {
		body := object{"to": l.phones[subject][n-1], "type": "text", "text": "burst", "count": each}
		status, answer, err := l.world.try("POST", "/v1/sandbox/phones/"+l.peers[subject][n-1]+"/messages:bulk", body)
		if err == nil && status/100 != 2 {
			err = fmt.Errorf("%d %s", status, answer)
		}
		return err
	})
	if err != nil {
		l.b.Fatal(err)
	}
	l.by[subject].heard(each * l.n)
	l.note(subject, "coming in, texts/s", "%.0f", float64(each*l.n)/time.Since(began).Seconds())
}

// drop cuts the connections of all sessions of a subject.
func (l *load) drop(subject string) {
	for _, number := range l.phones[subject] {
		must[object](l.world, 204, "POST", "/v1/sandbox/faults", object{"kind": "drop", "phone": number})
	}
}

// sandboxPhone is what the sandbox tells of a phone.
type sandboxPhone struct {
	Phone    string
	Received int
	Devices  []struct{ Online bool }
}

func (l *load) list(numbers []string) (found []sandboxPhone) {
	for _, p := range must[struct{ Data []sandboxPhone }](l.world, 200, "GET", "/v1/sandbox/phones", nil).Data {
		if slices.Contains(numbers, p.Phone) {
			found = append(found, p)
		}
	}
	return found
}

func (l *load) received(numbers []string) (sum int) {
	for _, p := range l.list(numbers) {
		sum += p.Received
	}
	return sum
}

// online waits until the sandbox has all sessions of a subject.
func (l *load) online(subject string) {
	eventually(l.b, subject+": all sessions online", func() bool {
		return !slices.ContainsFunc(l.list(l.phones[subject]), func(p sandboxPhone) bool { return len(p.Devices) != 1 || !p.Devices[0].Online })
	})
}

// median is the median of a figure of a subject, 0 where there is none.
func (l *load) median(subject, name string) float64 {
	for _, f := range l.figures {
		if f.name == name {
			return median(f.values[subject])
		}
	}
	return 0
}

// report prints the medians, with the ratio of each subject to whatsmeow, and gives that of wamux to the benchmark.
func (l *load) report() {
	var text bytes.Buffer
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%d sessions\t%s", l.n, l.subjects[0])
	for _, s := range l.subjects[1:] {
		fmt.Fprintf(table, "\t%s\tratio", s)
	}
	for _, f := range l.figures {
		yard := median(f.values[l.subjects[0]])
		if yard == 0 { // the system does not tell
			continue
		}
		fmt.Fprintf(table, "\n%s\t"+f.format, f.name, yard)
		for _, s := range l.subjects[1:] {
			ours := median(f.values[s])
			fmt.Fprintf(table, "\t"+f.format+"\t%.2f", ours, ours/yard)
		}
		l.b.ReportMetric(median(f.values["wamux"])/yard, strings.NewReplacer(" ", "-", ",", "").Replace(f.name)+"-ratio")
	}
	table.Flush()
	l.b.ReportMetric(0, "ns/op")        // says nothing here
	fmt.Printf("\n%s\n", text.String()) // the log of a benchmark ends after ten lines
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

func percentile(took []time.Duration, p int) float64 {
	sorted := slices.Sorted(slices.Values(took))
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[(len(sorted)-1)*p/100].Microseconds()) / 1000
}

func (s *gatewaySubject) pid() int { return s.cmd.Process.Pid }
func (s *rawSubject) pid() int     { return s.process.Process.Pid }

// rss is the resident memory of a process in KiB, 0 where the system does not tell.
func rss(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kib
		}
	}
	return 0
}

// gatewaySubject is wamux, called over REST.
type gatewaySubject struct {
	*gateway
	world    *gateway
	sessions int
	before   int // rows of the history before the burst that is measured
}

// newGatewaySubject makes a gateway that connects again as soon as it can, as whatsmeow does the first time.
func newGatewaySubject(b *testing.B, world *gateway, env ...string) *gatewaySubject {
	env = append(append(pointedAt(world), "LOG_LEVEL=error", "RECONNECT_DELAY=1"), env...)
	return &gatewaySubject{gateway: start(b, b.TempDir(), env, "run"), world: world}
}

func loadSession(n int) string { return fmt.Sprintf("load%03d", n) }

func (s *gatewaySubject) pair(numbers []string) {
	for i, number := range numbers {
		s.pairOn(s.world, loadSession(i), number)
	}
	s.sessions = len(numbers)
}

func (s *gatewaySubject) restart() {
	s.stop()
	s.begin()
}

func (s *gatewaySubject) send(to []string, sessions, clients, count int, gap time.Duration) ([]time.Duration, error) {
	s.before += count
	return shared(sessions, clients, count, gap, func(session, n int) error {
		status, answer, err := s.try("POST", "/"+loadSession(session)+"/messages/send", text(to[session], fmt.Sprint("text ", n)))
		if err == nil && status != 200 {
			err = fmt.Errorf("%d %s", status, answer)
		}
		return err
	})
}

func (s *gatewaySubject) heard(count int) {
	eventually(s.t, "all texts in the history", func() bool { return s.rows()-s.before >= count })
	s.before += count
}

// rows counts the history of all sessions.
func (s *gatewaySubject) rows() (sum int) {
	for i := range s.sessions {
		sum += must[struct{ Total int }](s.gateway, 200, "GET", "/"+loadSession(i)+"/chats?limit=1", nil).Total
	}
	return sum
}

func (s *gatewaySubject) size() (kib, goroutines int) {
	return rss(s.cmd.Process.Pid), must[struct{ Goroutines int }](s.gateway, 200, "GET", "/v1/stats", nil).Goroutines
}

// rawSubject is whatsmeow by itself.
type rawSubject struct {
	b       *testing.B
	world   *gateway
	dir     string
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
}

func newRawSubject(b *testing.B, world *gateway) *rawSubject {
	s := &rawSubject{b: b, world: world, dir: b.TempDir()}
	s.begin()
	b.Cleanup(s.end)
	return s
}

func (s *rawSubject) begin() {
	s.b.Helper()
	self, err := os.Executable()
	if err != nil {
		s.b.Fatal(err)
	}
	s.process = exec.Command(self)
	s.process.Env = append(append(os.Environ(), "WAMUX_TEST_MAIN=raw", "RAW_DATABASE="+filepath.Join(s.dir, "raw.db"),
		"RAW_WORLD="+s.world.url, "RAW_KEY="+s.world.key), pointedAt(s.world)...)
	s.process.Stderr = os.Stderr
	out, err := s.process.StdoutPipe()
	if err == nil {
		s.out = bufio.NewReaderSize(out, 1<<20)
		if s.in, err = s.process.StdinPipe(); err == nil {
			err = s.process.Start()
		}
	}
	if err != nil {
		s.b.Fatal(err)
	}
}

func (s *rawSubject) end() {
	s.in.Close()
	if err := s.process.Wait(); err != nil {
		s.b.Errorf("whatsmeow ended with %v", err)
	}
}

// order sends one line and reads the answer.
func (s *rawSubject) order(o rawOrder) rawAnswer {
	s.b.Helper()
	var a rawAnswer
	err := json.NewEncoder(s.in).Encode(o)
	if err == nil {
		var line []byte
		if line, err = s.out.ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &a)
		}
	}
	if err != nil || a.Error != "" {
		s.b.Fatalf("whatsmeow, %s: %v %s", o.Do, err, a.Error)
	}
	return a
}

func (s *rawSubject) pair(numbers []string) { s.order(rawOrder{Do: "pair", Numbers: numbers}) }

func (s *rawSubject) restart() {
	s.end()
	s.begin()
}

func (s *rawSubject) send(to []string, sessions, clients, count int, gap time.Duration) ([]time.Duration, error) {
	return s.order(rawOrder{Do: "send", To: to, Sessions: sessions, Clients: clients, Count: count, Gap: gap}).Took, nil
}

func (s *rawSubject) heard(count int) { s.order(rawOrder{Do: "hear", Count: count}) }

func (s *rawSubject) size() (kib, goroutines int) {
	return rss(s.process.Process.Pid), s.order(rawOrder{Do: "stats"}).Goroutines
}
