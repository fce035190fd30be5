package session

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/types/events"
	"google.golang.org/protobuf/proto"

	"wamux/store"
	"wamux/svc/session/convert"
)

// How the history is taken in. A part is in memory three times while it is
// unpacked, so there is one at a time in the whole process.
const (
	historyBytes    = 64 << 20 // of a part, compressed; larger ones are left out
	historyRows     = 200      // in one commit, so that messages get in between
	historyAttempts = 5
	historyPause    = 2 * time.Second // after an attempt that failed; it grows
	historyTime     = 5 * time.Minute // for one attempt; others wait meanwhile
)

// historian fetches the parts of its account's history that WhatsApp told of, and
// writes them down, while the session is online. What it does not finish is done
// next time. It also sees to app state that did not come whole, see mend.go.
type historian struct {
	s    *session
	run  *run
	ctx  context.Context // ends with the connection
	stop context.CancelFunc
	done chan struct{} // closed when the goroutine is gone
}

func (s *session) startHistorian(r *run) *historian {
	h := &historian{s: s, run: r, done: make(chan struct{})}
	h.ctx, h.stop = context.WithCancel(r.ctx)
	go h.loop()
	return h
}

// joinHistorian ends the historian and waits for it.
func (s *session) joinHistorian() {
	if s.historian != nil {
		s.historian.stop()
		<-s.historian.done
		s.historian = nil
	}
}

// noteHistory keeps the notice of a part, if evt brings one. Only our own phone
// may.
func (s *session) noteHistory(r *run, evt any) error {
	e, ok := evt.(*events.Message)
	if !ok || !e.Info.IsFromMe || e.Info.Sender.Device != 0 {
		return nil
	}
	notice := e.Message.GetProtocolMessage().GetHistorySyncNotification()
	if notice == nil {
		return nil
	}
	data, err := proto.Marshal(notice)
	if err != nil {
		return err
	}
	if err := s.m.db.AddNotice(r.ctx, store.Notice{Session: s.id, MessageID: e.Info.ID, Data: data}); err != nil {
		return err
	}
	select {
	case s.past <- struct{}{}:
	default:
	}
	return nil
}

func (h *historian) loop() {
	defer close(h.done)
	h.safely(h.catchUp)
	for h.ctx.Err() == nil {
		n, err := h.s.m.db.NextNotice(h.ctx, h.s.id)
		switch {
		case err != nil:
			h.fault(err)
			return
		case n == nil:
			h.wait(h.s.past, 0)
		case !h.fetch(n):
			h.wait(nil, h.s.m.scaled(historyPause<<min(n.Attempts, 6)))
		}
	}
}

// wait waits for a bell, or for a time.
func (h *historian) wait(bell <-chan struct{}, d time.Duration) {
	var due <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-bell:
	case name := <-h.s.torn:
		h.safely(func() { h.mend(name) })
	case <-due:
	case <-h.ctx.Done():
	}
}

// fault ends the run when the database let us down, and not because we are to end.
func (h *historian) fault(err error) {
	if h.ctx.Err() == nil {
		h.s.fail(h.run, storeFault(err), err)
	}
}

// fetch takes in one part. false means that it is to be tried again.
func (h *historian) fetch(n *store.Notice) bool {
	select {
	case h.s.m.history <- struct{}{}:
		defer func() { <-h.s.m.history }()
	case <-h.ctx.Done():
		return true
	}
	notice := new(waE2E.HistorySyncNotification)
	err := proto.Unmarshal(n.Data, notice)
	if err == nil {
		err = h.take(n, notice)
	}
	if err == nil || h.ctx.Err() != nil {
		return true
	}
	return h.failed(n, notice, err)
}

// take downloads a part, writes it down and forgets its notice.
func (h *historian) take(n *store.Notice, notice *waE2E.HistorySyncNotification) (err error) {
	defer func() {
		if broken := recover(); broken != nil {
			h.s.log.Error("a part of the history broke", "panic", redact(broken), "stack", string(debug.Stack()))
			err = errUnreadable
		}
	}()
	if notice.GetFileLength() > historyBytes {
		return fmt.Errorf("%w: it has %d bytes", errUnreadable, notice.GetFileLength())
	}
	part, err := h.download(notice)
	if err != nil {
		return err
	}
	if err := h.write(n, notice, part); err != nil {
		h.fault(err)
		return err
	}
	if err := h.run.client.DeleteMedia(h.ctx, whatsmeow.MediaHistory, notice.GetDirectPath(), notice.GetFileEncSHA256(), notice.GetEncHandle()); err != nil {
		h.s.log.Debug("a part of the history is still on WhatsApp's media servers", "error", redact(err))
	}
	return nil
}

func (h *historian) download(notice *waE2E.HistorySyncNotification) (*waHistorySync.HistorySync, error) {
	ctx, cancel := context.WithTimeout(h.ctx, historyTime)
	defer cancel()
	return h.run.client.DownloadHistorySync(ctx, notice, true)
}

// errUnreadable says that trying again does not help.
var errUnreadable = errors.New("this part of the history cannot be read")

// write commits a part, some rows at a time. What a crash cuts off is written
// again, which changes nothing; that the part is there is told with its end.
func (h *historian) write(n *store.Notice, notice *waE2E.HistorySyncNotification, part *waHistorySync.HistorySync) error {
	own := h.run.own()
	for rows := range slices.Chunk(convert.History(h.s.id, own, part), historyRows) {
		if _, err := h.s.m.db.Record(h.ctx, h.s.id, rows...); err != nil {
			return err
		}
	}
	told := h.s.m.convert(h.s.id, own, &events.HistorySync{Data: part, Notification: notice})
	return h.s.m.db.EndNotice(h.ctx, n, told...)
}

// failed decides what becomes of a part after an attempt that failed. Where the
// file is gone or damaged the phone is asked to upload it again, which brings
// another notice.
func (h *historian) failed(n *store.Notice, notice *waE2E.HistorySyncNotification, err error) (over bool) {
	lasting := errors.Is(err, errUnreadable) || gone(err)
	if !lasting && n.Attempts+1 < historyAttempts {
		h.s.log.Info("a part of the history could not be fetched yet", "message", n.MessageID, "error", redact(err))
		if err := h.s.m.db.FailNotice(h.ctx, n.Seq); err != nil {
			h.fault(err)
		}
		return false
	}
	h.s.log.Warn("a part of the history could not be fetched", "message", n.MessageID, "error", redact(err))
	if !errors.Is(err, errUnreadable) && notice.GetOriginalMessageID() == "" {
		if err := h.run.client.SendHistorySyncServerErrorReceipt(h.ctx, n.MessageID, notice.GetMediaKey()); err != nil {
			h.s.log.Info("the phone could not be asked for its history again", "error", redact(err))
			return false
		}
	}
	if err := h.s.m.db.EndNotice(h.ctx, n); err != nil {
		h.fault(err)
	}
	return true
}

// gone tells errors of a download that will not get better.
func gone(err error) bool {
	for _, lasting := range []error{
		whatsmeow.ErrMediaDownloadFailedWith403, whatsmeow.ErrMediaDownloadFailedWith404, whatsmeow.ErrMediaDownloadFailedWith410,
		whatsmeow.ErrInvalidMediaHMAC, whatsmeow.ErrInvalidMediaEncSHA256, whatsmeow.ErrInvalidMediaSHA256,
		whatsmeow.ErrTooShortFile, whatsmeow.ErrNoURLPresent,
	} {
		if errors.Is(err, lasting) {
			return true
		}
	}
	return false
}
