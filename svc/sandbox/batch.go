package sandbox

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// write is one statement for the state file.
type write struct {
	query string
	args  []any
}

// batch is what the stanzas handled since the last commit changed. Nothing of it leaves the process before it is committed:
// answers wait in after.
type batch struct {
	writes  []write
	records map[recordKey][]byte // of phones; only the last value of each is written
	after   []func()
	done    chan struct{} // closed when it is committed, or never will be
	err     error         // read after done
}

type recordKey struct{ number, key string }

func newBatch() *batch {
	return &batch{records: map[recordKey][]byte{}, done: make(chan struct{})}
}

// put adds a statement to the current batch. Callers hold s.mu, as for the next three.
func (s *Server) put(query string, args ...any) {
	s.batch.writes = append(s.batch.writes, write{query, args})
	s.wake()
}

// after runs fn, in order, once everything put so far is committed.
func (s *Server) after(fn func()) {
	s.batch.after = append(s.batch.after, fn)
	s.wake()
}

// savePhone puts what changed in a phone.
func (s *Server) savePhone(a *account) {
	if a.phone == nil {
		return
	}
	for key, value := range a.phone.Changes() {
		s.batch.records[recordKey{a.number, key}] = value
	}
	s.wake()
}

func (s *Server) wake() {
	select {
	case s.pending <- struct{}{}:
	default:
	}
}

// do runs fn under the lock and waits until what it changed is committed. An error of fn is returned at once; it must
// have changed nothing then.
func (s *Server) do(ctx context.Context, fn func() error) error {
	s.mu.Lock()
	if s.failed != nil {
		defer s.mu.Unlock()
		return s.failed
	}
	err := fn()
	b := s.batch
	s.wake()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// commitLoop commits batches until the server is closed. While one is written the next one fills: that is the group commit.
func (s *Server) commitLoop() {
	defer close(s.committed)
	for {
		select {
		case <-s.pending:
			s.commitBatch()
		case <-s.closing.Done():
			s.serving.Wait()
			s.commitBatch()
			return
		}
	}
}

func (s *Server) commitBatch() {
	s.mu.Lock()
	b := s.batch
	s.batch = newBatch()
	failed := s.failed
	s.mu.Unlock()
	defer close(b.done)
	if b.err = failed; failed != nil {
		return
	}
	if b.err = s.db.commit(b.all()); b.err != nil {
		s.fail(b.err)
		return
	}
	for _, fn := range b.after {
		fn()
	}
}

// all is every statement of the batch, records in a fixed order.
func (b *batch) all() []write {
	writes := b.writes
	keys := slices.SortedFunc(maps.Keys(b.records), func(x, y recordKey) int {
		if x.number != y.number {
			return strings.Compare(x.number, y.number)
		}
		return strings.Compare(x.key, y.key)
	})
	for _, k := range keys {
		if value := b.records[k]; value != nil {
			writes = append(writes, write{`INSERT INTO records(number,key,value) VALUES(?,?,?) ON CONFLICT DO UPDATE SET value=excluded.value`, []any{k.number, k.key, value}})
		} else {
			writes = append(writes, write{`DELETE FROM records WHERE number=? AND key=?`, []any{k.number, k.key}})
		}
	}
	return writes
}

// fail stops the server: what it holds in memory is ahead of its state file and must not be told to anybody.
func (s *Server) fail(err error) {
	s.log.Error("sandbox: the state cannot be saved, all connections are dropped", "error", err)
	s.mu.Lock()
	s.failed = err
	conns := slices.Collect(maps.Keys(s.conns))
	s.mu.Unlock()
	for _, c := range conns {
		c.abort()
	}
}
