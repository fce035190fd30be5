package session

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"sync"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"wamux/store"
	"wamux/svc/session/convert"
)

// ackTime is how long WhatsApp may take to acknowledge a message.
const ackTime = 20 * time.Second

// sender brings a session's jobs to WhatsApp while it is online, first in first
// out. Messages to people do not wait for the acks of those before them; see window.
type sender struct {
	s    *session
	run  *run
	quit chan struct{} // closed: no more jobs
	once sync.Once
	done chan struct{} // closed when the goroutine is gone

	ctx context.Context // for waits and uploads; ends with the connection
	cut context.CancelFunc
}

func (s *session) startSender(r *run) *sender {
	o := &sender{s: s, run: r, quit: make(chan struct{}), done: make(chan struct{})}
	o.ctx, o.cut = context.WithCancel(r.ctx)
	go o.loop()
	return o
}

// stop makes the job that is at work the last one.
func (o *sender) stop() { o.once.Do(func() { close(o.quit) }) }

func (o *sender) loop() {
	defer close(o.done)
	jobs, all := newPipeline(o)
	w := newWindow(o, jobs.finish)
	var todo []*parcel // what is next: what came back, then a new one
	for ok := true; ok; {
		todo, ok = o.step(jobs, w, todo)
	}
	o.stop()
	for _, p := range append(w.close(), todo...) {
		o.s.sent.end(p.job.MessageID)
	}
	all.Wait()
	jobs.release()
	o.cut()
	w.checks.Wait()
}

// step tries the next job once, after what came back, and returns what is to be done
// then. false means that the sender has to end; the jobs then stay as they are, for
// the next one.
func (o *sender) step(jobs *pipeline, w *window, todo []*parcel) ([]*parcel, bool) {
	if back := w.back(); len(back) > 0 {
		todo = append(back, todo...)
		return todo, o.pause(noAnswer().wait(back[0].attempt - 1))
	}
	if len(todo) == 0 {
		job, ok := jobs.next(w.bell)
		if job == nil {
			return nil, ok
		}
		o.s.sent.begin(job.MessageID)
		todo = []*parcel{{job: job, left: job.State == store.JobSending}}
	}
	wait := o.bring(todo[0], w)
	if wait == 0 {
		return todo[1:], true
	}
	return todo, o.pause(wait)
}

// fault ends the run, because the database let us down.
func (o *sender) fault(err error) bool {
	o.s.fail(o.run, storeFault(err), err)
	return false
}

// bring tries a job once. It is done, or on the wire, when that returns 0; otherwise it is
// to be tried again after so long. The deadline is for what has not left: what may have
// arrived goes out again under its id until that is known.
func (o *sender) bring(p *parcel, w *window) time.Duration {
	if !p.left && !p.job.Deadline.IsZero() && time.Now().After(p.job.Deadline) {
		w.done(failed(p.job, tooLate()))
		return 0
	}
	err := o.try(p)
	if p.ack == nil { // of others the window is told
		o.s.m.acks.note(err, false)
	}
	if err != nil {
		why := o.judge(p, err)
		p.attempt++
		p.left = p.left || mayHaveLeft(err)
		if !why.final && p.attempt < why.attempts {
			return why.wait(p.attempt - 1)
		}
		w.done(failed(p.job, why))
		return 0
	}
	if p.ack != nil {
		w.launch(p)
	} else {
		w.done(o.arrived(p))
	}
	return 0
}

// pause waits before the next attempt. false means the sender has to end.
func (o *sender) pause(d time.Duration) bool {
	timer := time.NewTimer(o.s.m.scaled(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return o.run.up()
	case <-o.quit:
	case <-o.ctx.Done():
	}
	return false
}

// try sends the parcel once. The message id is the job's every time, so that a
// repeat of what did arrive is no second message.
func (o *sender) try(p *parcel) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			o.s.log.Error("sending broke", "job", p.job.ID, "panic", redact(broken), "stack", string(debug.Stack()))
			err = errors.New("panic while sending")
		}
	}()
	ctx, release := o.run.device.SendContext(o.run.ctx)
	defer release()
	o.run.device.Stage(ctx, o.note(p.job))
	p.ack = nil
	if p.msg == nil {
		if err := o.pack(p); err != nil {
			return err
		}
	}
	msg := proto.Clone(p.msg).(*waE2E.Message) // the library writes into it
	o.protect(p, msg)
	o.foretell(ctx, p)
	p.sent, err = o.run.client.SendMessage(ctx, p.to, msg, whatsmeow.SendRequestExtra{
		ID: p.job.MessageID, Timeout: o.s.m.scaled(ackTime)})
	return err
}

// note is the write that a job is on its way; one that came the short way is
// accepted with it.
func (o *sender) note(j *store.Job) func(store.Sealer) (func(*store.Tx) error, error) {
	if j.State == "" {
		return j.PlaceJob
	}
	return func(store.Sealer) (func(*store.Tx) error, error) {
		return func(tx *store.Tx) error { return tx.StartJob(j.ID) }, nil
	}
}

// arrived is the outcome that WhatsApp has the message.
func (o *sender) arrived(p *parcel) result {
	j := p.job
	j.State, j.Code, j.Error = store.JobSent, "", ""
	j.Chat, j.SentAt, j.Sent = p.sent.Chat.String(), p.sent.Timestamp.UTC(), convert.JSON(p.msg)
	if p.sent.Timestamp.IsZero() {
		j.SentAt = time.Now().UTC()
	}
	return result{j, convert.Sent(o.s.id, o.run.own(), j, p.msg, j.SentAt)}
}

// failed is the outcome that the job is over without a message.
func failed(j *store.Job, why verdict) result {
	j.State, j.Code, j.Error = store.JobFailed, why.code, why.sentence
	data, _ := json.Marshal(map[string]any{"jobId": j.ID, "messageId": j.MessageID, "to": j.To, "code": j.Code, "message": j.Error})
	return result{j, store.Entry{Events: []store.Event{{ID: store.EventID("message.failed", j.ID), Type: "message.failed", Data: data}}}}
}
