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
	known map[string]bool // jobs that are somewhere in it
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
	p.mu.Lock()
	limit := startAhead + len(p.known)
	p.mu.Unlock()
	jobs, err := p.o.s.m.db.OpenJobs(p.o.run.ctx, p.o.s.id, limit)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var fresh []*store.Job
	for _, j := range jobs {
		if !p.known[j.ID] {
			fresh = append(fresh, j)
		}
	}
	return fresh, nil
}

// startOne hands over one job. false means that the sender wants no more.
func (p *pipeline) startOne(j *store.Job) bool {
	started, err := p.o.s.m.db.StartJob(p.o.run.ctx, j.ID)
	if err != nil {
		return p.o.fault(err)
	}
	if !started {
		p.withdrawn(j)
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

// withdrawn tells those who wait for a job that was cancelled meanwhile.
func (p *pipeline) withdrawn(j *store.Job) {
	if now, err := p.o.s.m.db.Job(p.o.run.ctx, j.Session, j.ID); err == nil && over(now.State) {
		p.o.s.m.waiting.done(now)
	}
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
		delete(p.known, r.job.ID)
		p.mu.Unlock()
	}
}
