package session

import "sync"

// gate counts who is inside, and can be shut for good.
type gate struct {
	mu    sync.Mutex
	count int
	shut  bool
	empty chan struct{} // closed when shut and nobody is inside
}

func newGate() *gate {
	return &gate{empty: make(chan struct{})}
}

// enter tells whether the gate was open; then leave must be called.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.count++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	g.check()
}

// close lets nobody in any more. Everybody is out when empty is closed.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.shut {
		g.shut = true
		g.check()
	}
}

func (g *gate) check() {
	if g.shut && g.count == 0 {
		close(g.empty)
	}
}
