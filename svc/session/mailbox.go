package session

import "sync"

// mailbox is an unbounded queue to one reader. Posting never blocks, so that
// an event handler cannot hang on an owner that is just waiting for it.
type mailbox struct {
	mu   sync.Mutex
	mail []any
	bell chan struct{}
}

func newMailbox() *mailbox {
	return &mailbox{bell: make(chan struct{}, 1)}
}

// post puts m at the end of the queue.
func (b *mailbox) post(m any) {
	b.mu.Lock()
	b.mail = append(b.mail, m)
	b.mu.Unlock()
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

// take waits for mail and returns all of it, in order.
func (b *mailbox) take() []any {
	for {
		b.mu.Lock()
		mail := b.mail
		b.mail = nil
		b.mu.Unlock()
		if len(mail) > 0 {
			return mail
		}
		<-b.bell
	}
}
