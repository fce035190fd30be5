//go:build race

package svc_test

// slowness is how many times longer things may take: the race detector watches
// every access to memory.
const slowness = 5
