package phone

import (
	"iter"
	"strings"
)

// records is everything a phone must not forget, and which of it the caller has not seen yet.
type records struct {
	all     map[string][]byte
	changed map[string]struct{}
}

func newRecords(all map[string][]byte) *records {
	return &records{all: all, changed: make(map[string]struct{})}
}

func (r *records) get(key string) []byte { return r.all[key] }

func (r *records) put(key string, value []byte) {
	r.all[key] = value
	r.changed[key] = struct{}{}
}

func (r *records) drop(key string) {
	if _, ok := r.all[key]; !ok {
		return
	}
	delete(r.all, key)
	r.changed[key] = struct{}{}
}

// under yields the records whose key begins with prefix, without it, in no order.
func (r *records) under(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for key, value := range r.all {
			if rest, ok := strings.CutPrefix(key, prefix); ok && !yield(rest, value) {
				return
			}
		}
	}
}

func (r *records) take() map[string][]byte {
	if len(r.changed) == 0 {
		return nil
	}
	changes := make(map[string][]byte, len(r.changed))
	for key := range r.changed {
		changes[key] = r.all[key]
	}
	clear(r.changed)
	return changes
}

// stage collects the writes of one operation, so that an operation that fails leaves no trace.
type stage struct {
	*records
	writes map[string][]byte
}

func (r *records) stage() *stage { return &stage{records: r, writes: make(map[string][]byte)} }

func (s *stage) get(key string) []byte {
	if value, ok := s.writes[key]; ok {
		return value
	}
	return s.records.get(key)
}

func (s *stage) put(key string, value []byte) { s.writes[key] = value }

func (s *stage) drop(key string) { s.writes[key] = nil }

func (s *stage) commit() {
	for key, value := range s.writes {
		if value == nil {
			s.records.drop(key)
		} else {
			s.records.put(key, value)
		}
	}
}
