package convert

import (
	"fmt"

	"go.mau.fi/whatsmeow/types/events"

	"wamux/store"
)

// Incoming tells what an event of whatsmeow leaves behind: rows and events, in
// the order in which they are to be written, all of them in one transaction.
// It is empty for events that belong to the connection, which the session
// itself turns into states, and for what only our own devices tell each other.
// An event of a type that is not known here becomes an event "unknown" with
// its content. It never panics: an event that breaks a converter would be
// offered again for ever.
func Incoming(session string, own Own, evt any) (entries []store.Entry) {
	defer func() {
		if broken := recover(); broken != nil {
			entries = salvage(session, own, evt, broken)
		}
	}()
	return incoming(session, own, evt)
}

// incoming is the table of everything that can happen.
func incoming(session string, own Own, evt any) []store.Entry {
	from := source{session: session, own: own}
	if k, ok := evt.(*Known); ok {
		from.known, evt = *k, k.Event
	}
	switch e := evt.(type) {
	// held: committed before WhatsApp's ack
	case *events.Message:
		return message(session, own, e)
	case *Decrypted:
		return decrypted(session, own, e)
	case *events.Receipt:
		return from.receipt(e)

	// best effort: the client acknowledges these itself
	case *events.UndecryptableMessage:
		return from.undecryptable(e)
	case *events.FBMessage:
		return from.messenger(e)
	case *events.HistorySync:
		return from.historySync(e)

	case *events.Presence:
		return from.presence(e)
	case *events.ChatPresence:
		return from.typing(e)

	case *events.GroupInfo:
		return from.groupInfo(e)
	case *events.JoinedGroup:
		return from.joinedGroup(e)
	case *events.Picture:
		return from.picture(e)
	case *events.UserAbout:
		return from.about(e)
	case *events.IdentityChange:
		return from.identityChange(e)

	case *events.Contact:
		return from.contact(e)
	case *events.PushName:
		return from.pushName(e)
	case *events.BusinessName:
		return from.businessName(e)
	case *events.Blocklist:
		return from.blocklist(e)
	case *events.UserStatusMute:
		return from.statusMute(e)

	case *events.Pin:
		return from.chat(e.JID, e.Timestamp, meta{"change": "pinned", "pinned": e.Action.GetPinned()})
	case *events.Mute:
		return from.mute(e)
	case *events.Archive:
		return from.chat(e.JID, e.Timestamp, meta{"change": "archived", "archived": e.Action.GetArchived()})
	case *events.MarkChatAsRead:
		read := e.Action.GetRead()
		return from.chatRow(e.JID, e.Timestamp, meta{"change": "read", "read": read}, store.ChatChange{Read: read, Unread: !read})
	case *events.ClearChat:
		return from.chatRow(e.JID, e.Timestamp, meta{"change": "cleared", "deleteMedia": e.DeleteMedia}, store.ChatChange{Read: true})
	case *events.DeleteChat:
		return from.chatRow(e.JID, e.Timestamp, meta{"change": "deleted", "deleteMedia": e.DeleteMedia}, store.ChatChange{Gone: true})
	case *events.Star:
		return from.chat(e.ChatJID, e.Timestamp, meta{"change": "starred", "starred": e.Action.GetStarred(), "messageId": clean(e.MessageID), "fromMe": e.IsFromMe})
	case *events.DeleteForMe:
		return from.chat(e.ChatJID, e.Timestamp, meta{"change": "deletedForMe", "messageId": clean(e.MessageID), "fromMe": e.IsFromMe})

	case *events.LabelEdit:
		return from.labelEdit(e)
	case *events.LabelAssociationChat:
		return from.labelChat(e)
	case *events.LabelAssociationMessage:
		return from.labelMessage(e)

	case *events.CallOffer:
		return from.call("call.offered", e.BasicCallMeta, meta{"platform": clean(e.RemotePlatform), "video": hasVideo(e.Data)})
	case *events.CallOfferNotice:
		return from.call("call.offered", e.BasicCallMeta, meta{"media": clean(e.Media), "kind": clean(e.Type), "video": e.Media == "video"})
	case *events.CallAccept:
		return from.call("call.accepted", e.BasicCallMeta, meta{"platform": clean(e.RemotePlatform)})
	case *events.CallReject:
		return from.call("call.ended", e.BasicCallMeta, meta{"reason": "rejected"})
	case *events.CallTerminate:
		return from.call("call.ended", e.BasicCallMeta, meta{"reason": clean(e.Reason)})

	case *events.NewsletterJoin:
		return from.newsletterJoin(e)
	case *events.NewsletterLeave:
		return from.newsletter("newsletter.left", e.ID, e.Mex.Timestamp, meta{"role": clean(string(e.Role))})
	case *events.NewsletterMuteChange:
		return from.newsletter("newsletter.muted", e.ID, e.Mex.Timestamp, meta{"muted": e.Mute == "on"})
	case *events.NewsletterLiveUpdate:
		return from.newsletterUpdate(e)

	case *events.NotifyAccountReachoutTimelock:
		return from.restricted(e)

	// the connection's own: the session makes states of them
	case *events.QR, *events.RotateADVSecret, *events.PairSuccess, *events.PairError, *events.PairPasskeyRequest,
		*events.PairPasskeyError, *events.PairPasskeyConfirmation, *events.QRScannedWithoutMultidevice,
		*events.Connected, *events.Disconnected, *events.KeepAliveTimeout, *events.KeepAliveRestored, *events.LoggedOut,
		*events.StreamReplaced, *events.StreamError, *events.ManualLoginReconnect, *events.TemporaryBan,
		*events.ConnectFailure, *events.ClientOutdated, *events.CATRefreshError,
		*events.OfflineSyncPreview, *events.OfflineSyncCompleted, *events.AppStateSyncComplete, *events.AppStateSyncError:
		return nil
	// told by another event, or meant for the code that asked
	case *events.AppState, *events.MediaRetry, *events.CallPreAccept, *events.CallTransport, *events.CallRelayLatency:
		return nil
	}
	return from.unknown(fmt.Sprintf("%T", evt), evt)
}

// salvage keeps a message whose conversion broke, as unknown but whole.
func salvage(session string, own Own, evt any, broken any) []store.Entry {
	from := source{session: session, own: own}
	if k, ok := evt.(*Known); ok {
		evt = k.Event
	}
	if d, ok := evt.(*Decrypted); ok && d != nil {
		evt = d.Message
	}
	if e, ok := evt.(*events.Message); ok && e != nil {
		l := letter{session: session, own: own, info: e.Info, raw: e.RawMessage, status: store.StatusServer}
		if l.raw == nil {
			l.raw = e.Message
		}
		return l.kept(content{Type: "unknown", Meta: meta{"fault": fmt.Sprint(broken)}})
	}
	return from.unknown(fmt.Sprintf("%T", evt), nil)
}
