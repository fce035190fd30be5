package convert

import (
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// call is a step in the life of a call. The same step, told again by another
// stanza, is the same event.
func (s source) call(kind string, b types.BasicCallMeta, data meta) []store.Entry {
	data["id"] = clean(b.CallID)
	data["from"] = who("", b.From, b.CallCreatorAlt)
	if !b.CallCreator.IsEmpty() {
		data["from"] = who("", b.CallCreator, b.CallCreatorAlt)
	}
	if !b.GroupJID.IsEmpty() {
		data["group"] = who("", b.GroupJID, types.JID{})
	}
	return s.fact(kind, b.Timestamp, data, bare(b.From), b.CallID)
}

func hasVideo(n *waBinary.Node) bool {
	if n == nil {
		return false
	}
	_, ok := n.GetOptionalChildByTag("video")
	return ok
}
