package sandbox

import (
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"go.mau.fi/whatsmeow/proto/waE2E"
	"google.golang.org/protobuf/proto"

	"wamux/svc/sandbox/phone"
)

// How the history is cut. The real amounts are not known; they also change with what the device says it can take.
const (
	bootstrapMessages = 20                     // the newest of each chat come first
	recentPast        = 90 * 24 * time.Hour    // older ones only when a device wants all
	chunkMessages     = 500                    // in one sync
	inlineBytes       = 16 << 10               // a first sync up to this size comes in the notice itself
	onDemandMost      = 50 * bootstrapMessages // more than that nobody gets at once
)

// tellHistory sends a device that has just been linked the chats so far: the newest messages of each, the names of people, then
// older messages. Where there is nothing, there is only a first, empty sync.
func (s *Server) tellHistory(d *device) error {
	f, err := s.past(d.account)
	if err != nil {
		return err
	}
	first, recent, old := cut(f.chats, s.now().Add(-recentPast))
	people := f.people()
	syncs := []phone.History{{Type: phone.HistoryBootstrap, Chats: f.conversations(d, first), Contacts: people}}
	if len(f.chats) > 0 {
		syncs = append(syncs, phone.History{Type: phone.HistoryPushNames, Contacts: people})
		syncs = append(syncs, f.chunks(d, phone.HistoryRecent, recent)...)
	}
	if d.Full && len(old) > 0 {
		syncs = append(syncs, f.chunks(d, phone.HistoryFull, old)...)
	}
	return s.sendHistory(d, syncs)
}

// sendHistory numbers syncs and sends them.
func (s *Server) sendHistory(d *device, syncs []phone.History) error {
	for i, h := range syncs {
		h.Chunk, h.Progress = uint32(i+1), uint32((i+1)*100/len(syncs))
		if err := s.sendSync(d, h); err != nil {
			return err
		}
	}
	return nil
}

// part is some messages of a chat, the newest first.
type part struct {
	chat     *pastChat
	messages []phone.PastMessage
	more     bool // the phone has older ones
}

// cut divides the chats: the newest messages of each, those since a time, and the rest.
func cut(chats []*pastChat, since time.Time) (first, recent, old []part) {
	for _, c := range chats {
		n := min(bootstrapMessages, len(c.messages))
		r := n + len(c.messages[n:])
		if i := slices.IndexFunc(c.messages[n:], func(m phone.PastMessage) bool { return m.At.Before(since) }); i >= 0 {
			r = n + i
		}
		first = append(first, part{c, c.messages[:n], n < len(c.messages)})
		if n < r {
			recent = append(recent, part{c, c.messages[n:r], r < len(c.messages)})
		}
		if r < len(c.messages) {
			old = append(old, part{c, c.messages[r:], false})
		}
	}
	return first, recent, old
}

// chunks packs parts into syncs of bounded size, at least one.
func (f *archive) chunks(d *device, t phone.HistoryType, parts []part) []phone.History {
	var syncs []phone.History
	var now []part
	room := chunkMessages
	flush := func() {
		syncs = append(syncs, phone.History{Type: t, Chats: f.conversations(d, now)})
		now, room = nil, chunkMessages
	}
	for _, p := range parts {
		for len(p.messages) > room {
			now = append(now, part{p.chat, p.messages[:room], true})
			p.messages = p.messages[room:]
			flush()
		}
		now, room = append(now, p), room-len(p.messages)
	}
	if len(now) > 0 || len(syncs) == 0 {
		flush()
	}
	return syncs
}

// conversations puts parts into the form of a sync. People go by LID for devices that know LIDs.
func (f *archive) conversations(d *device, parts []part) []phone.Chat {
	list := make([]phone.Chat, 0, len(parts))
	for _, p := range parts {
		chat := phone.Chat{JID: p.chat.jid.String(), Unread: p.chat.unread, More: p.more, Messages: p.messages, State: f.states[p.chat.jid]}
		if peer := p.chat.place.peer; peer != nil {
			chat.JID, chat.Number, chat.LID, chat.Name = peer.jid(0, d.LID).String(), peer.pn().String(), peer.lidJID().String(), f.names[peer.number]
		} else {
			chat.Name = p.chat.place.group.Subject
		}
		list = append(list, chat)
	}
	return list
}

// people lists who is in the chats, under the names that they gave themselves.
func (f *archive) people() []phone.Contact {
	seen := map[*account]bool{f.a: true}
	var list []phone.Contact
	for _, c := range f.chats {
		members := []*account{c.place.peer}
		if c.place.group != nil {
			members = f.s.memberAccounts(c.place.group)
		}
		for _, other := range members {
			if other != nil && !seen[other] {
				seen[other] = true
				list = append(list, contactFor(other))
			}
		}
	}
	return list
}

// sendSync packs a sync, puts it on the media server unless it is small, and tells the device where it is.
func (s *Server) sendSync(d *device, h phone.History) error {
	ph, err := s.phoneOf(d.account)
	if err != nil {
		return err
	}
	packed, err := ph.Pack(h)
	if err != nil {
		return err
	}
	if h.Type == phone.HistoryBootstrap && d.Inline && len(packed) <= inlineBytes {
		return s.sendNotice(d, ph.Notice(h, nil, packed))
	}
	media, blob, err := phone.SealMedia(phone.KindHistory, packed, nil)
	if err != nil {
		return err
	}
	media.DirectPath = s.saveMedia(string(media.Kind), blob)
	return s.sendNotice(d, ph.Notice(h, media, packed))
}

// sendNotice sends a notice and keeps it, so that it can be sent again.
func (s *Server) sendNotice(d *device, notice *waE2E.Message) error {
	id := "3A" + randomID(9)
	raw, err := proto.Marshal(notice)
	if err != nil {
		return err
	}
	s.put(`INSERT INTO notices(number,device,id,message) VALUES(?,?,?,?)`, d.account.number, d.id, id, raw)
	return s.peerMessage(d, id, notice, nil, 0)
}

// notice finds a notice that was sent to a device, nil when there was none of this id.
func (s *Server) notice(d *device, id string) (*waE2E.Message, error) {
	var raw []byte
	err := s.db.read.QueryRow(`SELECT message FROM notices WHERE number=? AND device=? AND id=?`, d.account.number, d.id, id).Scan(&raw)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	msg := new(waE2E.Message)
	if err == nil {
		err = proto.Unmarshal(raw, msg)
	}
	return msg, err
}

// uploadAgain answers a device that could not download a sync: the same file at a new place, under a new key. (That phones do so
// is known only from what clients ask for.)
func (s *Server) uploadAgain(d *device, id string) {
	msg, err := s.notice(d, id)
	if err == nil && msg != nil {
		err = s.repeatSync(d, id, msg)
	}
	if err != nil || msg == nil {
		s.log.Warn("sandbox: a phone cannot upload a history sync again", "phone", d.account.number, "id", id, "error", err)
	}
}

func (s *Server) repeatSync(d *device, id string, msg *waE2E.Message) error {
	n := msg.GetProtocolMessage().GetHistorySyncNotification()
	path, _, _ := strings.Cut(n.GetDirectPath(), "?")
	blob, err := s.media(path)
	if err != nil || blob == nil {
		return errors.Join(err, errors.New("the file is gone"))
	}
	old := phone.Media{Kind: phone.KindHistory, Key: n.GetMediaKey(), SHA256: n.GetFileSHA256(), EncSHA256: n.GetFileEncSHA256(), Length: n.GetFileLength()}
	packed, err := old.Open(blob)
	if err != nil {
		return err
	}
	media, blob, err := phone.SealMedia(phone.KindHistory, packed, nil)
	if err != nil {
		return err
	}
	n.MediaKey, n.FileSHA256, n.FileEncSHA256 = media.Key, media.SHA256, media.EncSHA256
	n.DirectPath, n.OriginalMessageID = proto.String(s.saveMedia(string(media.Kind), blob)), proto.String(id)
	return s.sendNotice(d, msg)
}
