package session

import (
	"sync"

	"wamux/store"
)

// waiters are the callers that wait for a job to be done, by its id.
type waiters struct {
	mu   sync.Mutex
	byID map[string][]chan *store.Job
}

// add returns a channel that gets the job when it is done. remove must follow.
func (w *waiters) add(id string) chan *store.Job {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = map[string][]chan *store.Job{}
	}
	ch := make(chan *store.Job, 1)
	w.byID[id] = append(w.byID[id], ch)
	return ch
}

// remove forgets a channel that add returned.
func (w *waiters) remove(id string, ch chan *store.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	rest := w.byID[id][:0]
	for _, c := range w.byID[id] {
		if c != ch {
			rest = append(rest, c)
		}
	}
	if w.byID[id] = rest; len(rest) == 0 {
		delete(w.byID, id)
	}
}

// done tells everybody who waits for j. Nobody may change j afterwards.
func (w *waiters) done(j *store.Job) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.byID[j.ID] {
		select {
		case ch <- j:
		default: // it was told already
		}
	}
}
