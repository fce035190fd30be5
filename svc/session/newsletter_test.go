package session_test

import (
	"testing"

	"wamux/api"
)

// TestNewsletterPosts: what comes in clear is kept like what was decrypted, also across a kill of the connection.
func TestNewsletterPosts(t *testing.T) {
	w := newWorld(t)
	w.pair("shop", alice)
	made, err := w.server.AddNewsletter(t.Context(), api.SandboxNewNewsletter{Owner: alice, Name: "News"})
	w.must(err)
	for _, text := range []string{"one", "two"} {
		_, err := w.server.Post(t.Context(), made.JID, api.SandboxNewPost{Type: "text", Text: text})
		w.must(err)
		w.until(text, func() bool { h := w.history("shop"); return len(h) > 0 && h[len(h)-1] == text })
		w.fault("drop", alice)
	}
	w.received("shop", "one", "two")
	w.once()
}
