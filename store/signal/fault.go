package signal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
)

// refusal is an error that is an answer, not a fault of the storage: wrong
// input, nothing there, a conflict, or what the caller's own function said.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// refuse makes a refusal.
func refuse(format string, a ...any) error { return refusal{fmt.Errorf(format, a...)} }

// errRetired is what the stores of a finished run answer.
var errRetired = errors.New("a newer run of the session has taken over its stores")

// breaker stops a run at its first fault. whatsmeow answers most errors of a
// store with an ack, and WhatsApp then forgets the message; so the listener,
// which cancels the run's context, hears of the fault before whatsmeow does,
// and from then on nothing works.
type breaker struct {
	log    *slog.Logger
	once   sync.Once
	mu     sync.Mutex
	err    error // the first fault
	listen func(error)
}

// broken returns the first fault, or nil.
func (b *breaker) broken() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// onFault sets the listener, and calls it when there was a fault already.
func (b *breaker) onFault(fn func(error)) {
	b.mu.Lock()
	b.listen = fn
	err := b.err
	b.mu.Unlock()
	if err != nil {
		b.tell(err)
	}
}

// trip records a fault and returns when the listener knows.
func (b *breaker) trip(err error) {
	b.mu.Lock()
	if b.err == nil {
		b.err = err
	}
	listening := b.listen != nil
	b.mu.Unlock()
	if listening {
		b.tell(err)
	}
}

// tell calls the listener once; whoever comes second waits until it is done.
func (b *breaker) tell(err error) {
	b.once.Do(func() {
		defer func() {
			if r := recover(); r != nil {
				b.log.Error("the listener for storage faults panicked", "panic", r)
			}
		}()
		level := slog.LevelError
		if errors.Is(err, errRetired) { // something of the run before was still about
			level = slog.LevelDebug
		}
		b.log.Log(context.Background(), level, "storage fault, the session's run ends here", "error", err)
		b.listen(err)
	})
}

// guard is deferred by every method of the stores: it turns a panic into an
// error and tells the breaker of every error that is a fault.
func (b *breaker) guard(ctx context.Context, err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("panic in the session's store: %v", r)
		b.log.Error("panic in the session's store", "panic", r, "stack", string(debug.Stack()))
	}
	if isFault(ctx, *err) {
		b.trip(*err)
	}
}

// isFault tells faults from answers. The end of the caller's own context is no
// fault: nothing was written, and whatsmeow sends nothing under that context.
func isFault(ctx context.Context, err error) bool {
	if err == nil || errors.As(err, new(refusal)) {
		return false
	}
	ended := errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
	return !ended || ctx == nil || ctx.Err() == nil
}
