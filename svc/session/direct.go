package session

import (
	"slices"
	"sync"

	"wamux/store"
)

// maxDirect is how many jobs may wait in memory.
const maxDirect = 32

// direct is the short way of jobs to a sender that has nothing older to send: they
// are written down together with the ratchet that their message moves, which is
// one commit less before it leaves. Whoever brought one waits, and puts it into
// the database himself when the sender does not get to it.
type direct struct {
	mu    sync.Mutex
	open  bool // a sender is at work and has sent all there is in the database
	dirty bool // there may be more in the database since it looked
	queue []*offer
	taken map[*offer]bool // the sender has them, and who brought them still waits
	bell  chan struct{}   // rings the sender; one slot
}

// offer is a job in memory.
type offer struct {
	job  *store.Job
	back chan struct{} // closed when the sender is gone and nobody knows how far it got
}

func newDirect() *direct { return &direct{taken: map[*offer]bool{}, bell: make(chan struct{}, 1)} }

// bring offers a job to the sender; nil when it has to go by the database.
func (d *direct) bring(j *store.Job) *offer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.open || d.dirty || len(d.queue) >= maxDirect {
		return nil
	}
	o := &offer{job: j, back: make(chan struct{})}
	d.queue = append(d.queue, o)
	ring(d.bell)
	return o
}

// withdraw takes an offer back, unless the sender has it. Who brought it waits no more.
func (d *direct) withdraw(o *offer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = slices.DeleteFunc(d.queue, func(other *offer) bool { return other == o })
	delete(d.taken, o)
}

// next takes the oldest offer, or nil.
func (d *direct) next() *offer {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.queue) == 0 {
		return nil
	}
	o := d.queue[0]
	d.queue, d.taken[o] = d.queue[1:], true
	return o
}

// soil says that there may be something in the database, which goes first.
func (d *direct) soil() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dirty = true
	ring(d.bell)
}

// look says that the sender reads the database now. Until it has sent what it
// finds there, nothing is taken the short way.
func (d *direct) look() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open, d.dirty = false, false
}

// idle says that the sender found nothing. true: it may wait for the bell.
func (d *direct) idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = !d.dirty
	return d.open
}

// needsLook tells whether the sender has to read the database.
func (d *direct) needsLook() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.open || d.dirty
}

// close gives back what the sender did not get to, or did not bring to an end.
func (d *direct) close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open, d.dirty = false, true
	for _, o := range d.queue {
		close(o.back)
	}
	for o := range d.taken {
		close(o.back)
	}
	d.queue = nil
	clear(d.taken)
}

// ring rings a bell of one slot.
func ring(bell chan struct{}) {
	select {
	case bell <- struct{}{}:
	default:
	}
}
