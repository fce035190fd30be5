package convert

import (
	"encoding/json"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/store"
)

// Outgoing makes the protocol message of a content. up is where its media was
// uploaded to, nil when it has none (see [MediaKind]). Errors are
// [*store.Error] of code invalid, with a sentence for the caller.
func Outgoing(c store.Content, up *Uploaded) (*waE2E.Message, error) { return nil, nil }

// MediaKind tells under which kind the media of a content is uploaded: "image",
// "video", "audio", "document" or "sticker"; false when it has no media.
func MediaKind(c store.Content) (string, bool) { return "", false }

// Sent tells what a message that went out leaves behind: its history row and
// the event message.sent. A reaction, an edit or a revoke changes the row of
// its target and gives its own event instead. j.To is the chat, j.MessageID the
// id, at the time WhatsApp took it.
func Sent(session string, own Own, j *store.Job, msg *waE2E.Message, at time.Time) store.Entry {
	return store.Entry{}
}

// JSON is the protocol message as JSON: names in camelCase, bytes in base64, as
// clients of the old service know it. A nil message gives {}.
func JSON(msg *waE2E.Message) json.RawMessage { return nil }
