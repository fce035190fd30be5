package svc

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"wamux/store"
)

// sealRetry is the pause after a change of the values failed, for a full disk say.
const sealRetry = time.Minute

// sealer gives secret values the form that they should have, in the background,
// and takes the orders of the API for that. Its methods may be called from any
// goroutine. Whoever started it closes it, before the database.
type sealer struct {
	db   *store.DB
	keys *keyring
	log  *slog.Logger
	wake chan struct{}
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	problem error
}

// startSealer goes on with what an earlier run or the opening has begun.
func startSealer(db *store.DB, keys *keyring, log *slog.Logger) *sealer {
	s := &sealer{db: db, keys: keys, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if state, recipients, pending := db.SealState(); state == store.SealOn && !pending {
		log.Info("the secret values are sealed", "recipients", len(recipients))
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.loop(ctx)
	return s
}

func (s *sealer) close() {
	s.stop()
	<-s.done
}

func (s *sealer) loop(ctx context.Context) {
	defer close(s.done)
	for {
		err := s.work(ctx)
		if ctx.Err() != nil {
			return
		}
		s.note(err)
		var again <-chan time.Time
		if err != nil {
			s.log.Error("the form of the secret values could not be changed; it goes on later", "error", err)
			again = time.After(sealRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-again:
		}
	}
}

// work says what is begun and what is done, and nothing when there is nothing to do.
func (s *sealer) work(ctx context.Context) error {
	state, recipients, pending := s.db.SealState()
	if !pending {
		return nil
	}
	s.log.Info("the form of the secret values is being changed in the background", "state", string(state), "recipients", len(recipients))
	if err := s.db.Convert(ctx); err != nil {
		return err
	}
	state, recipients, _ = s.db.SealState()
	s.log.Info("the secret values have their form", "sealed", state == store.SealOn, "recipients", len(recipients))
	return nil
}

func (s *sealer) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.problem = err
}

// Problem returns why the last change did not come to its end, nil when it did.
func (s *sealer) Problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.problem
}

// Seal begins to seal the values to the keys of the configuration.
func (s *sealer) Seal(ctx context.Context) error {
	keys, err := s.keys.read()
	if err == nil && keys == nil {
		err = errNoKey()
	}
	if err == nil {
		err = s.db.BeginSeal(ctx, keys)
	}
	return s.begun(err)
}

// Unseal begins to put the values in clear.
func (s *sealer) Unseal(ctx context.Context) error { return s.begun(s.db.BeginUnseal(ctx)) }

// Rotate reads the identity file again and begins to seal the values to what it
// says now.
func (s *sealer) Rotate(ctx context.Context) error {
	keys, err := s.keys.read()
	if err == nil && keys == nil {
		err = errNoKey()
	}
	if err == nil {
		err = s.db.BeginRotate(ctx, keys)
	}
	return s.begun(err)
}

func (s *sealer) begun(err error) error {
	if err != nil {
		return err
	}
	s.note(nil)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

func errNoKey() error {
	return &store.Error{Code: store.CodeConflict, Name: "identity_missing", Message: "No key is configured",
		Hint: "Make one with `wamux key new -o FILE`, name it with AGE_IDENTITY_FILE, and start wamux again.", Err: errors.New("AGE_IDENTITY_FILE is not set")}
}
