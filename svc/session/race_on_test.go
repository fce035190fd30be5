//go:build race

package session_test

// raced tells that the race detector watches, which makes everything slow.
const raced = true
