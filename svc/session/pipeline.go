package session

import (
	"sync"
	"time"

	"wamux/store"
)

// startAhead is how far a sender looks ahead. What is started ahead cannot be
// cancelled any more, so that is little.
const startAhead = 3

// finishWithin is how long an outcome may wait for a commit to share.
const finishWithin = 20 * time.Millisecond

// pipeline takes a sender's jobs from the database and back to it, beside the
// sending itself: the commits of three neighbouring jobs share one fsync.
type pipeline struct {
	o     *sender
	ready chan *store.Job // started, in order

	saving sync.WaitGroup // outcomes on their way to the disk

	mu    sync.Mutex
	known map[string]bool // jobs that are somewhere in it; false: finished since the database was last read
	asOf  int64           // how many jobs had been taken back when the database was last read
}

// result is a job with what it leaves behind.
type result struct {
	job   *store.Job
	entry store.Entry
}

// newPipeline starts its goroutine. It ends after o.quit or o.ctx; all is called
// then.
func newPipeline(o *sender) (p *pipeline, all *sync.WaitGroup) {
	p = &pipeline{o: o, ready: make(chan *store.Job, startAhead), known: map[string]bool{}}
	all = &sync.WaitGroup{}
	all.Go(p.start)
	return p, all
}

// start hands over what comes the short way, and else what is in the database.
func (p *pipeline) start() {
	short := p.o.s.direct
	for {
		for o := short.next(); o != nil; o = short.next() {
			if !p.startOne(o.job) {
				return
			}
		}
		if short.needsLook() {
			found, ok := p.look()
			if !ok {
				return
			}
			if found || !short.idle() {
				continue
			}
		}
		if !p.sleep() {
			return
		}
	}
}

// look hands over what is in the database, and tells whether there was anything;
// ok is false when the sender has to end.
func (p *pipeline) look() (found, ok bool) {
	p.o.s.direct.look()
	jobs, err := p.fresh()
	if err != nil {
		return false, p.o.fault(err)
	}
	for _, j := range jobs {
		if !p.startOne(j) {
			return true, false
		}
	}
	return len(jobs) > 0, true
}

// sleep waits until there may be new jobs. false means that it is over.
func (p *pipeline) sleep() bool {
	select {
	case <-p.o.s.direct.bell:
		return true
	case <-p.o.quit:
	case <-p.o.ctx.Done():
	}
	return false
}

// fresh lists the next jobs that are not in the pipeline.
func (p *pipeline) fresh() ([]*store.Job, error) {
	limit := startAhead + p.tidy()
	p.asOf = p.o.s.m.claims.cancelled.Load()
	jobs, err := p.o.s.m.db.OpenJobs(p.o.run.ctx, p.o.s.id, limit)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var fresh []*store.Job
	for _, j := range jobs {
		if _, known := p.known[j.ID]; !known {
			fresh = append(fresh, j)
		}
	}
	return fresh, nil
}

// tidy forgets the finished jobs, which the next read no longer sees as open, and counts the others.
func (p *pipeline) tidy() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, open := range p.known {
		if !open {
			delete(p.known, id)
		}
	}
	return len(p.known)
}

// startOne hands over one job. false means that the sender wants no more.
func (p *pipeline) startOne(j *store.Job) bool {
	claims := &p.o.s.m.claims
	if !claims.take(j.ID) {
		return true // it is being taken back; if that fails, we are woken
	}
	if claims.cancelled.Load() != p.asOf && p.withdrawn(j) {
		claims.drop(j.ID)
		return true
	}
	return p.hand(j)
}

// hand passes on a job. false means that the sender wants no more.
func (p *pipeline) hand(j *store.Job) bool {
	p.mu.Lock()
	p.known[j.ID] = true
	p.mu.Unlock()
	select {
	case p.ready <- j:
		return true
	case <-p.o.quit:
	case <-p.o.ctx.Done():
	}
	return false
}

// withdrawn tells whether a job was taken back since it was read, and those who wait for it.
func (p *pipeline) withdrawn(j *store.Job) bool {
	now, err := p.o.s.m.db.Job(p.o.run.ctx, j.Session, j.ID)
	switch {
	case j.State == "" && store.ErrorCode(err) == store.CodeNotFound: // it came the short way
		return false
	case err != nil:
		p.o.fault(err)
	case !over(now.State):
		return false
	default:
		p.o.s.m.waiting.done(now)
	}
	return true
}

// release gives back the jobs that were not sent.
func (p *pipeline) release() {
	p.saving.Wait()
	p.o.s.direct.close()
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, open := range p.known {
		if open {
			p.o.s.m.claims.drop(id)
		}
	}
	clear(p.known)
}

// next waits for a job that is started; nil when the bell rang before. false means that
// the sender has to end.
func (p *pipeline) next(bell <-chan struct{}) (*store.Job, bool) {
	select {
	case <-p.o.quit:
		return nil, false
	default:
	}
	select {
	case j := <-p.ready:
		return j, true
	case <-bell:
		return nil, true
	case <-p.o.quit:
	case <-p.o.ctx.Done():
	}
	return nil, false
}

// finish hands an outcome to the disk, in order, and tells those who wait for
// it: a crash that comes first only brings the message out again, with its id.
// It is saved also when the run just ended: the message is out.
func (p *pipeline) finish(r result) {
	job := r.job
	p.saving.Add(1)
	p.o.s.m.db.FinishLater(finishWithin, job, func(err error) { p.saved(job, err) }, r.entry)
	p.o.s.sent.end(job.MessageID) // what comes now is written behind it
	if job.State == store.JobSent {
		p.o.s.m.waiting.done(job)
	}
}

// saved is told when an outcome is on disk, or cannot be.
func (p *pipeline) saved(j *store.Job, err error) {
	defer p.saving.Done()
	if err != nil {
		go p.o.fault(err)
		return
	}
	if j.State != store.JobSent { // who hears that it failed may send it anew
		p.o.s.m.waiting.done(j)
	}
	p.mu.Lock()
	p.known[j.ID] = false
	p.mu.Unlock()
	p.o.s.m.claims.drop(j.ID)
}
