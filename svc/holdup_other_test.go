//go:build !unix

package svc_test

// holdUp does nothing: a process cannot be stopped for a while here.
func holdUp(int) (goOn func()) { return func() {} }
