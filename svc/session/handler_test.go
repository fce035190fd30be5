package session_test

import (
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
	"wamux/svc/session"
	"wamux/svc/session/convert"
)

// TestHandlerFaults lets handlers panic (5 % of the calls), fail (5 %) and stall
// (1 %), over many messages in some chats. Each message must come once, the order
// within a chat be kept, and no receipt go out before its message is on disk.
func TestHandlerFaults(t *testing.T) {
	if n, err := strconv.Atoi(os.Getenv("WAMUX_ROUNDS")); err == nil && n > 0 {
		handlerFaults(t, n)
	} else if !raced {
		handlerFaults(t, 10000)
	} else { // which is seven times slower
		t.Run("watched", func(t *testing.T) { handlerFaults(t, 1000) })
		t.Run("plain", unwatched)
	}
}

// unwatched makes the test around it run again without the race detector.
func unwatched(t *testing.T) {
	name, _, _ := strings.Cut(t.Name(), "/")
	out, err := exec.Command("go", "test", "-race=false", "-count=1", "-v", "-run", "^"+name+"$", ".").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+name) {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "_test.go:") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

func handlerFaults(t *testing.T, count int) {
	h := &shaky{count: int64(count), tries: map[string]int{}, receipts: map[string]bool{}}
	w := newWorld(t, func(w *world) { w.options.Scale, w.wrap, w.storeFault = 500, h.wrap, h.fault })
	h.w = w
	chats := []string{bob, carol, stranger(1), stranger(2)}
	for _, number := range chats {
		w.phone(number)
	}
	w.pair("shop", alice)
	h.shake.Store(true)
	for n := range count {
		w.until("the session to keep up", func() bool { return h.waiting() < shakyWindow })
		h.sent.Add(1)
		w.texts(chats[n%len(chats)], alice, fmt.Sprint("text ", n))
	}
	w.until("all of it", func() bool { return h.waiting() == 0 })
	h.shake.Store(false)
	w.state("shop", store.StateOnline)
	w.inOrder(count, len(chats))
	w.once()
	if h.panics.Load() == 0 || h.refusals.Load() == 0 || h.stalls.Load() == 0 {
		t.Error("there were no faults")
	}
	t.Logf("%d messages, %d panics, %d refusals, %d stalls", count, h.panics.Load(), h.refusals.Load(), h.stalls.Load())
}

// inOrder checks that the texts are in history, each once, in the order of each
// chat.
func (w *world) inOrder(count, chats int) {
	w.t.Helper()
	next := make([]int, chats)
	for i := range next {
		next[i] = i
	}
	w.must(w.db.View(w.t.Context(), func(tx *store.Tx) error {
		rows, err := tx.Query(`SELECT message FROM chat_history WHERE message LIKE 'text %' ORDER BY id`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		total := 0
		for ; rows.Next(); total++ {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			n, err := strconv.Atoi(strings.TrimPrefix(text, "text "))
			if chat := n % chats; err != nil || n != next[chat] {
				return fmt.Errorf("%q came where %d was due", text, next[chat])
			}
			next[n%chats] += chats
		}
		if total != count {
			return fmt.Errorf("%d of %d messages came", total, count)
		}
		return rows.Err()
	}))
}

// shakyWindow is how many messages may wait: after each fault all of them come
// again.
const shakyWindow = 20

// shaky breaks handlers.
type shaky struct {
	w                        *world
	shake                    atomic.Bool
	sent, done               atomic.Int64
	panics, refusals, stalls atomic.Int64
	refuse                   atomic.Bool // the next message is not taken by the store

	count, last int64 // of messages, and the last row that was counted

	mu       sync.Mutex
	tries    map[string]int
	seq      int64
	receipts map[string]bool // the ids of messages that WhatsApp may forget
}

// waiting is how many messages are on their way. Only the test itself asks.
func (h *shaky) waiting() int64 {
	if sent := h.sent.Load(); sent-h.done.Load() < shakyWindow/2 && h.shake.Load() && sent < h.count {
		return 0
	}
	h.w.must(h.w.db.Read(h.w.t.Context(), func(tx *store.Tx) error {
		var n int64
		err := tx.QueryRow(`SELECT count(*), coalesce(max(id), ?1) FROM chat_history WHERE id > ?1 AND message LIKE 'text %'`, h.last).Scan(&n, &h.last)
		h.done.Add(n)
		return err
	}))
	return h.sent.Load() - h.done.Load()
}

func (h *shaky) wrap(good session.Converter) session.Converter {
	return func(id string, own convert.Own, evt any) []store.Entry {
		m, ok := evt.(*events.Message)
		if !ok || !h.shake.Load() || m.Message.GetConversation()+m.Message.GetExtendedTextMessage().GetText() == "" {
			return good(id, own, evt)
		}
		h.unconfirmed(m.Info.ID)
		switch fate := h.fate(m.Info.ID); {
		case fate < 50:
			h.panics.Add(1)
			panic("on purpose")
		case fate < 100:
			h.refusals.Add(1)
			h.refuse.Store(true)
		case fate < 110:
			h.stalls.Add(1)
			if !h.stall(fate%2 == 0) { // on a new line it may have been handled meanwhile
				h.unconfirmed(m.Info.ID)
			}
		}
		return good(id, own, evt)
	}
}

// fate is a number below 1000, another one at each try; after some tries the
// message gets through, since one that always panics is set aside.
func (h *shaky) fate(id string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tries[id]++
	if h.tries[id] > 3 {
		return 999
	}
	sum := fnv.New32a()
	fmt.Fprint(sum, id, h.tries[id])
	return int(sum.Sum32() % 1000)
}

// stall lasts until something has happened meanwhile: other messages came, or the
// line broke and the session is back on a new one.
func (h *shaky) stall(cut bool) bool {
	if cut {
		h.w.fault("drop", alice)
	}
	sent, end := h.sent.Load(), time.After(200*time.Millisecond)
	for {
		select {
		case <-end:
			return cut
		case <-time.After(time.Millisecond):
		}
		if !cut && h.sent.Load() > sent+2 || cut && h.w.settledLine(alice) {
			return cut
		}
	}
}

// settledLine tells whether the devices of a phone are connected.
func (w *world) settledLine(number string) bool {
	p, err := w.server.Phone(w.t.Context(), number)
	return err == nil && len(p.Devices) == 1 && p.Devices[0].Online
}

// fault is asked by the store: it does not take the row of a message.
func (h *shaky) fault(query string) error {
	if strings.Contains(query, "INTO chat_history") && h.refuse.Swap(false) {
		return errors.New("on purpose")
	}
	return nil
}

var receipted = regexp.MustCompile(`^<receipt (?:.* )?id="([^"]+)"`)

// unconfirmed fails the test when a message was confirmed that is not on disk.
func (h *shaky) unconfirmed(id string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list, err := h.w.server.Traffic(h.w.t.Context(), alice, h.seq, 0)
	if err != nil {
		h.w.t.Error(err)
	}
	for _, s := range list {
		h.seq = s.Seq
		if m := receipted.FindStringSubmatch(s.XML); m != nil && s.Direction == "in" {
			h.receipts[m[1]] = true
		}
	}
	if h.receipts[id] && !h.onDisk(id) { // what broke the line may have been handled since
		h.w.t.Errorf("%s was confirmed before it was on disk", id)
	}
}

func (h *shaky) onDisk(id string) (found bool) {
	h.w.must(h.w.db.Read(h.w.t.Context(), func(tx *store.Tx) error {
		return tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM chat_history WHERE messageId = ?)`, id).Scan(&found)
	}))
	return found
}
