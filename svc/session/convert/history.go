package convert

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"go.mau.fi/whatsmeow/proto/waCommon"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waHistorySync"
	"go.mau.fi/whatsmeow/proto/waWeb"
	"go.mau.fi/whatsmeow/types"
	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// History tells what a part of the history leaves behind: the messages, oldest
// first, with the reactions to them and the votes in them; the conversations; and
// what people are called. None of it is news, so no message has an event; the
// part as a whole has one, which [Incoming] makes. What is in it twice, or comes
// again, changes nothing. What cannot be read is left out.
func History(session string, own Own, sync *waHistorySync.HistorySync) []store.Entry {
	h := history{source: source{session: session, own: own}, kind: sync.GetSyncType(), alts: pairs(sync)}
	for _, c := range sync.GetConversations() {
		h.conversation(c)
	}
	for _, n := range sync.GetPushnames() {
		h.pushName(n)
	}
	return h.out
}

// history is a part of the history on its way into rows.
type history struct {
	source
	kind waHistorySync.HistorySync_HistorySyncType
	alts map[types.JID]types.JID
	out  []store.Entry
}

// pairs are the identities that the part itself tells to be one person.
func pairs(sync *waHistorySync.HistorySync) map[types.JID]types.JID {
	alts := map[types.JID]types.JID{}
	add := func(x, y string) {
		a, _ := types.ParseJID(x)
		b, _ := types.ParseJID(y)
		if a, b = a.ToNonAD(), b.ToNonAD(); !a.IsEmpty() && !b.IsEmpty() && a != b {
			alts[a], alts[b] = b, a
		}
	}
	for _, m := range sync.GetPhoneNumberToLidMappings() {
		add(m.GetPnJID(), m.GetLidJID())
	}
	for _, c := range sync.GetConversations() {
		add(c.GetPnJID(), c.GetLidJID())
		add(c.GetID(), c.GetPnJID())
		add(c.GetID(), c.GetLidJID())
	}
	return alts
}

func (h *history) alt(jid types.JID) types.JID {
	if h.own.Is(jid) {
		return h.own.other(jid)
	}
	return h.alts[jid.ToNonAD()]
}

// conversation keeps a chat. Its unread messages count only in the first part,
// which tells how things are; later ones tell how they were.
func (h *history) conversation(c *waHistorySync.Conversation) {
	chat, err := types.ParseJID(c.GetID())
	if err != nil || chat.User == "" {
		return
	}
	chat = chat.ToNonAD()
	for _, m := range slices.Backward(c.GetMessages()) {
		h.message(chat, m.GetMessage())
	}
	change := &store.ChatChange{ID: bare(chat), Phone: chatPhone(h.own, h.place(chat, false))}
	if isPlace(chat) {
		change.Name = clean(c.GetName())
	} else {
		h.contact(chat, store.Contact{Name: clean(c.GetName())})
	}
	if h.kind == waHistorySync.HistorySync_INITIAL_BOOTSTRAP && c.GetConversationTimestamp() > 0 {
		change.Count, change.CountAt = int(c.GetUnreadCount()), when(c.GetConversationTimestamp())
	}
	h.out = append(h.out, store.Entry{Chat: change})
}

// place is where a message in a chat stands.
func (h *history) place(chat types.JID, fromMe bool) types.MessageSource {
	src := types.MessageSource{Chat: chat, IsFromMe: fromMe, IsGroup: chat.Server == types.GroupServer}
	if alt := h.alt(chat); fromMe {
		src.RecipientAlt = alt
	} else {
		src.SenderAlt = alt
	}
	return src
}

// contact keeps what is known of somebody, if that is anything.
func (h *history) contact(jid types.JID, known store.Contact) {
	if known.Name == "" && known.PushName == "" || h.own.Is(jid) || isPlace(jid) {
		return
	}
	c := contactOf(h.session, jid, h.alt(jid))
	c.Name, c.PushName = known.Name, known.PushName
	h.out = append(h.out, store.Entry{Contact: c})
}

func (h *history) pushName(n *waHistorySync.Pushname) {
	jid, err := types.ParseJID(n.GetID())
	if err == nil && n.GetPushname() != "-" { // a dash stands for none
		h.contact(jid.ToNonAD(), store.Contact{PushName: clean(n.GetPushname())})
	}
}

// message keeps one message. What has no content, and what changes an earlier
// one, is none: the phone has put that into the earlier one.
func (h *history) message(chat types.JID, web *waWeb.WebMessageInfo) {
	info, ok := h.info(chat, web.GetKey(), web.GetParticipant(), when(web.GetMessageTimestamp()))
	if !ok || web.GetMessage() == nil {
		return
	}
	if !info.IsFromMe {
		info.PushName = web.GetPushName()
	}
	h.keep(newLetter(h.session, h.own, &events.Message{Info: info, RawMessage: web.GetMessage()}), statuses[web.GetStatus()])
	for _, r := range web.GetReactions() {
		h.reaction(chat, info, r)
	}
	for _, v := range web.GetPollUpdates() {
		h.vote(chat, info, web.GetMessage(), v)
	}
}

// statuses are how far our own messages had come.
var statuses = map[waWeb.WebMessageInfo_Status]string{
	waWeb.WebMessageInfo_PENDING: store.StatusPending, waWeb.WebMessageInfo_SERVER_ACK: store.StatusServer,
	waWeb.WebMessageInfo_DELIVERY_ACK: store.StatusDelivered, waWeb.WebMessageInfo_READ: store.StatusRead, waWeb.WebMessageInfo_PLAYED: store.StatusPlayed,
}

// info says who sent a message where and when; false when that is not told.
func (h *history) info(chat types.JID, key *waCommon.MessageKey, participant string, at time.Time) (types.MessageInfo, bool) {
	info := types.MessageInfo{MessageSource: h.place(chat, key.GetFromMe()), ID: key.GetID(), Timestamp: at}
	author, _ := types.ParseJID(firstOf(participant, key.GetParticipant()))
	switch {
	case info.IsFromMe && chat.Server == types.HiddenUserServer && !h.own.LID.IsEmpty():
		info.Sender = h.own.LID
	case info.IsFromMe && (!isPlace(chat) || author.IsEmpty()):
		info.Sender = h.own.JID
	case isPlace(chat):
		info.Sender = author.ToNonAD()
	default:
		info.Sender = chat
	}
	if isPlace(chat) {
		info.SenderAlt = h.alt(info.Sender)
	}
	return info, info.ID != "" && !info.Sender.IsEmpty() && at.Unix() > 0
}

// keep makes the row of a letter.
func (h *history) keep(l letter, status string) {
	if l.status = status; status == "" {
		l.status = store.StatusServer
	}
	c := l.describe()
	if c.Type == "" || c.Type == "protocol" {
		return
	}
	row := l.row(c)
	h.out = append(h.out, store.Entry{Message: row, Past: true, Contact: l.contact()})
}

// reaction keeps a reaction as the message that it was. Live ones come with whole
// seconds, too.
func (h *history) reaction(chat types.JID, to types.MessageInfo, r *waWeb.Reaction) {
	info, ok := h.info(chat, r.GetKey(), "", when(uint64(max(r.GetSenderTimestampMS(), 0)/1000)))
	if !ok || r.GetText() == "" {
		return
	}
	msg := &waE2E.Message{ReactionMessage: &waE2E.ReactionMessage{Key: seenBy(info, to), Text: r.Text, SenderTimestampMS: r.SenderTimestampMS}}
	h.keep(newLetter(h.session, h.own, &events.Message{Info: info, RawMessage: msg}), "")
}

// vote keeps a vote in a poll as the message that it was. The phone has opened it.
func (h *history) vote(chat types.JID, to types.MessageInfo, poll *waE2E.Message, v *waWeb.PollUpdate) {
	info, ok := h.info(chat, v.GetPollUpdateMessageKey(), "", when(uint64(max(v.GetSenderTimestampMS(), 0)/1000)))
	if !ok || v.GetVote() == nil {
		return
	}
	msg := &waE2E.Message{PollUpdateMessage: &waE2E.PollUpdateMessage{PollCreationMessageKey: seenBy(info, to), SenderTimestampMS: v.SenderTimestampMS}}
	l := newLetter(h.session, h.own, &events.Message{Info: info, RawMessage: msg})
	l.opened = &Decrypted{Message: &events.Message{Info: info, RawMessage: msg}, Vote: v.GetVote(), Options: Chosen(raw(poll), v.GetVote())}
	h.keep(l, "")
}

// seenBy names a message the way that who speaks of it does.
func seenBy(by, to types.MessageInfo) *waCommon.MessageKey {
	key := &waCommon.MessageKey{RemoteJID: proto.String(to.Chat.String()), ID: proto.String(to.ID), FromMe: proto.Bool(same(by.Sender, to.Sender))}
	if isPlace(to.Chat) {
		key.Participant = proto.String(to.Sender.String())
	}
	return key
}

// when reads unix seconds; what is out of reason is no time.
func when(seconds uint64) time.Time {
	if seconds == 0 || seconds > 1<<33 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// historySync tells that a part of the history is there.
func (s source) historySync(e *events.HistorySync) []store.Entry {
	data := meta{"kind": strings.ToLower(e.Data.GetSyncType().String()), "chunk": e.Data.GetChunkOrder(), "progress": e.Data.GetProgress()}
	messages := 0
	for _, c := range e.Data.GetConversations() {
		messages += len(c.GetMessages())
	}
	data["chats"], data["messages"] = len(e.Data.GetConversations()), messages
	name := firstOf(string(e.Notification.GetFileEncSHA256()), string(e.Notification.GetInitialHistBootstrapInlinePayload()))
	return s.fact("history.synced", time.Time{}, data, name, string(data.json()))
}
