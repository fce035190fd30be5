//go:build !race

package svc_test

// raced tells that the race detector watches, which makes everything slow.
const raced = false
