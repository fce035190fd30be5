//go:build !unix

package svc_test

import (
	"errors"
	"time"
)

// holdUp does nothing: a process cannot be stopped for a while here.
func holdUp(int) (goOn func()) { return func() {} }

// moveClock cannot be done here.
func moveClock(time.Duration) error { return errors.New("the clock is not moved on this system") }
