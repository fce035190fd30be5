package session

import (
	"context"
	"sync"

	"wamux/store"
)

// How far a sender looks ahead, and how many outcomes may wait for the disk.
// What is started ahead cannot be cancelled any more, so that is little.
const (
	startAhead  = 3
	finishLater = 16
)

// pipeline takes a sender's jobs from the database and back to it, beside the
// sending itself: the commits of three neighbouring jobs share one fsync.
type pipeline struct {
	o       *sender
	ready   chan *store.Job // started, in order
	results chan result

	mu    sync.Mutex
	known map[string]bool // jobs that are somewhere in it; false: finished since the database was last read
	asOf  int64           // how many jobs had been taken back when the database was last read
}

// result is a job with what it leaves behind.
type result struct {
	job   *store.Job
	entry store.Entry
}

// newPipeline starts its two goroutines. They end after o.quit or o.ctx, and
// after results is closed; all is called then.
func newPipeline(o *sender) (p *pipeline, all *sync.WaitGroup) {
	p = &pipeline{o: o, ready: make(chan *store.Job, startAhead), results: make(chan result, finishLater), known: map[string]bool{}}
	all = &sync.WaitGroup{}
	all.Go(p.start)
	all.Go(p.finish)
	return p, all
}

// start looks for jobs, notes that they are on their way, and hands them over.
func (p *pipeline) start() {
	for {
		jobs, err := p.fresh()
		if err != nil {
			p.o.fault(err)
			return
		}
		for _, j := range jobs {
			if !p.startOne(j) {
				return
			}
		}
		if len(jobs) == 0 && !p.sleep() {
			return
		}
	}
}

// sleep waits until there may be new jobs. false means that it is over.
func (p *pipeline) sleep() bool {
	select {
	case <-p.o.s.wake:
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
	case err != nil:
		p.o.fault(err)
	case !over(now.State):
		return false
	default:
		p.o.s.m.waiting.done(now)
	}
	return true
}

// release gives back the claims of jobs that were not sent.
func (p *pipeline) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, open := range p.known {
		if open {
			p.o.s.m.claims.drop(id)
		}
	}
	clear(p.known)
}

// next waits for a job that is started. false means that the sender has to end.
func (p *pipeline) next() (*store.Job, bool) {
	select {
	case <-p.o.quit:
		return nil, false
	default:
	}
	select {
	case j := <-p.ready:
		return j, true
	case <-p.o.quit:
	case <-p.o.ctx.Done():
	}
	return nil, false
}

// finish saves the outcomes, in order, and tells those who wait for them. They
// are saved also when the run just ended: the messages are out.
func (p *pipeline) finish() {
	for r := range p.results {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(p.o.run.ctx), storeTime)
		err := p.o.s.m.db.FinishJob(ctx, r.job, r.entry)
		cancel()
		if err != nil {
			p.o.fault(err)
		} else {
			p.o.s.m.waiting.done(r.job)
		}
		p.o.s.sent.end(r.job.MessageID)
		p.mu.Lock()
		p.known[r.job.ID] = false
		p.mu.Unlock()
		p.o.s.m.claims.drop(r.job.ID)
	}
}
