package session

import (
	"context"
	"sync"
	"time"
)

// settleTime is how long a receipt waits for the message it is about.
const settleTime = 2 * time.Second

// inflight knows the messages that are on the wire or not yet written to the
// history. A receipt can be faster than that, and must not come first.
type inflight struct {
	mu   sync.Mutex
	byID map[string]chan struct{} // closed when the message is in the history
}

func newInflight() *inflight {
	return &inflight{byID: map[string]chan struct{}{}}
}

func (f *inflight) begin(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID[id] == nil {
		f.byID[id] = make(chan struct{})
	}
}

func (f *inflight) end(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if ch := f.byID[id]; ch != nil {
		close(ch)
		delete(f.byID, id)
	}
}

// settle waits until none of ids is in flight; not for long, as a lost ack
// would hold up everything behind it.
func (f *inflight) settle(ctx context.Context, ids []string) {
	var timer <-chan time.Time
	for _, id := range ids {
		ch := f.of(id)
		if ch == nil {
			continue
		}
		if timer == nil {
			timer = time.After(settleTime)
		}
		select {
		case <-ch:
		case <-timer:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (f *inflight) of(id string) chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.byID[id]
}
