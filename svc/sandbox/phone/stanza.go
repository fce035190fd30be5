package phone

import (
	"go.mau.fi/whatsmeow/proto/waE2E"
)

// Stanza is what the outside of a message says about its inside. Empty strings are left out.
type Stanza struct {
	Type        string // attribute type of message: text, media, reaction or poll
	Edit        string // attribute edit of message: 1 edit, 2 pin, 7 revoke by its sender, 8 by an admin
	MediaType   string // attribute mediatype of enc
	DecryptFail string // attribute decrypt-fail of enc
	PollType    string // attribute polltype of a child meta: creation or vote
}

// StanzaOf tells how a message is addressed to other people's devices.
func StanzaOf(msg *waE2E.Message) Stanza {
	c := Read(msg)
	s := Stanza{Type: "text"}
	switch c.Type {
	case "reaction":
		s.Type, s.DecryptFail = "reaction", "hide"
		if c.Text == "" && c.Inner.GetEncReactionMessage() == nil { // of an encrypted one nobody can tell
			s.Edit = "7"
		}
	case "poll":
		s.Type, s.PollType = "poll", "creation"
	case "vote":
		s.Type, s.PollType, s.DecryptFail = "poll", "vote", "hide"
	case "edit":
		s.Edit, s.DecryptFail = "1", "hide"
	case "pin":
		s.Edit, s.DecryptFail = "2", "hide"
	case "revoke":
		s.Edit, s.DecryptFail = "8", "hide"
		if c.TargetFromMe {
			s.Edit = "7"
		}
	default:
		if s.MediaType = mediaType(c); s.MediaType != "" {
			s.Type = "media"
		}
	}
	return s
}

// mediaType of places is known from memory only: whatsmeow sends them as text.
func mediaType(c Content) string {
	switch c.Type {
	case "image", "audio", "document", "sticker", "list", "list_response", "buttons_response", "order", "product":
		return c.Type
	case "video":
		if c.Inner.GetVideoMessage().GetGifPlayback() {
			return "gif"
		}
		return "video"
	case "voice":
		return "ptt"
	case "contact":
		return "vcard"
	case "contacts":
		return "contact_array"
	case "location":
		return "location"
	case "live_location":
		return "livelocation"
	case "interactive_response":
		return "native_flow_response"
	default:
		return ""
	}
}
