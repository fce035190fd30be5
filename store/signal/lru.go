package signal

import (
	"container/list"
	"sync"
)

// lru is a bounded cache that forgets what was used longest ago. Its values
// are never changed in place. A zero size of a value still counts as one.
//
// Writers put after their commit. Readers fill what they missed with the epoch
// they saw before they read, so that a reader that was overtaken by a commit
// cannot bring the old value back.
type lru[K comparable, V any] struct {
	mu    sync.Mutex
	max   int // of the sum of sizes
	size  func(K, V) int
	sum   int
	epoch uint64 // counts puts
	order list.List
	items map[K]*list.Element
}

type lruItem[K comparable, V any] struct {
	key   K
	value V
	size  int
}

func newLRU[K comparable, V any](most int, size func(K, V) int) *lru[K, V] {
	return &lru[K, V]{max: most, size: size, items: make(map[K]*list.Element)}
}

// get returns the value and whether it is there, and otherwise the epoch that
// fill wants after the read.
func (c *lru[K, V]) get(key K) (value V, ok bool, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, hit := c.items[key]; hit {
		c.order.MoveToFront(e)
		return e.Value.(*lruItem[K, V]).value, true, c.epoch
	}
	return value, false, c.epoch
}

// now returns the epoch for fills of what is read from here on.
func (c *lru[K, V]) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// put remembers what a commit wrote.
func (c *lru[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.set(key, value)
}

// fill remembers what was read, unless something was put meanwhile.
func (c *lru[K, V]) fill(key K, value V, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == epoch {
		c.set(key, value)
	}
}

// forget drops keys; the next reader asks the database.
func (c *lru[K, V]) forget(keys ...K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for _, key := range keys {
		if e, ok := c.items[key]; ok {
			c.drop(e)
		}
	}
}

// clear drops everything.
func (c *lru[K, V]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	c.sum = 0
	c.order.Init()
	clear(c.items)
}

func (c *lru[K, V]) set(key K, value V) {
	if e, ok := c.items[key]; ok {
		c.drop(e)
	}
	item := &lruItem[K, V]{key, value, max(1, c.size(key, value))}
	c.items[key] = c.order.PushFront(item)
	c.sum += item.size
	for c.sum > c.max && c.order.Len() > 1 {
		c.drop(c.order.Back())
	}
}

func (c *lru[K, V]) drop(e *list.Element) {
	item := c.order.Remove(e).(*lruItem[K, V])
	c.sum -= item.size
	delete(c.items, item.key)
}
