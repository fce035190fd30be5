//go:build !race

package svc_test

// slowness is how many times longer things may take.
const slowness = 1
