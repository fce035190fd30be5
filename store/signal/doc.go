// Package signal speaks whatsmeow's store interfaces over the database: who a
// session is, its keys and ratchets, and what else the protocol remembers.
//
// The secrets of a session are rows of table auth_data, JSON by name: creds,
// pre-key-<id>, session-<address>, identity-key-<address>,
// sender-key-<group>--<address>, app-state-sync-key-<id in base64>,
// app-state-sync-version-<name>, tctoken-<jid>, nct-salt. What is bulky has
// tables of its own; see migration 0002.
//
// # Durability
//
// A write is on disk when its method returns, with five exceptions, each safe
// because nobody outside has been told of it until then:
//
//   - What a send, or the handling of a message, commits is handed to the disk and
//     not waited for ([underway]). All readers of the session see it, writes reach
//     the disk in order, and none after one that failed. The way out to WhatsApp
//     keeps every byte back until all that was handed in before it is on disk
//     ([Device.Mark], [Device.Wait]): so neither an ack nor a message leaves early,
//     and while one commit is made the next messages are decrypted and share another.
//   - Within DoDecryptionTxn all writes are staged. At its end they, and the
//     plaintext, join what is late: they commit together with the next write of the
//     session, whatever that is. The message is acked after it was handled, and
//     what handling leaves behind is such a write ([Device.Handled], which also
//     notes that the message was handled, so that its plaintext is hardly ever
//     written). A ratchet that a send moves on is committed with all that it
//     stands on. A crash before that is as if the message had not come yet.
//   - Within a send ([Device.SendContext]) identities, the copy for retry receipts
//     and the message secret are staged; they are handed in with the ratchets, which
//     is before the message is made.
//   - While a decrypted message is handled, its message secret and the sender key
//     it carried are late, too.
//   - PutAppStateVersion and DeleteAppStateMutationMACs are staged until
//     PutAppStateMutationMACs; a crash loses the patch, which is fetched again.
//
// So a received text costs one commit, with its row in the history, and a sent
// one costs one; messages of a session that are sent at once share it, since the
// next is made while the commit of the one before is under way ([Device.Moved]).
// Caches change after the commit, never before.
//
// # The end of a run
//
// whatsmeow answers a store's error while decrypting with an ack, and swallows a
// panic there with one. WhatsApp then forgets the message. Therefore every method
// recovers, and the first fault (anything but an answer such as "not found", and
// but the end of the caller's own context) is told to the listener of
// [Device.OnFault] before the method returns; the listener cancels the context
// under which whatsmeow would ack. From then on all methods of that Device fail.
//
// # The ratchet lock
//
// whatsmeow serialises sends, and decrypts in one goroutine, but the two overlap:
// each reads the record of a Signal session, moves it and writes it back, and
// one of the moves is lost. The peer then sees a counter twice and drops a
// message in silence. Here one lock per account makes read and write one step:
//
//   - DoDecryptionTxn holds it from before the first read until all see its writes.
//   - A send takes it in GetManySessions (or GetSession, for a peer message) and
//     gives it back after PutManySessions (PutSession), when all see the new ones. whatsmeow
//     does not call PutManySessions when nothing moved; then GetPrivacyToken, the
//     next call in a direct message, gives it back, or the release of
//     SendContext. It is not taken in SendContext already: a send waits for
//     whatsmeow's messageSendLock, whose holder may be a peer message of
//     whatsmeow's own that waits for the ratchet lock; nor is it kept until the
//     server answers, since nothing could be received meanwhile.
//   - Retry receipts (retry.go, encryptMessageForDevice) and whatsmeow's own peer
//     messages come without a context of ours and go around those pairs: they
//     call GetSession and PutSession, with nothing but identity checks between.
//     A GetSession without context therefore takes the lock and lends it to the
//     PutSession for the same address. When whatsmeow gives up in between, the
//     lease ends after [leaseTime].
//
// The lease can't be tied to a goroutine, so it gives speed, not safety: a
// PutSession that lost its lease must not win. Every write by someone who has not
// held the lock since his read is compared with what is there ([follows]): a
// record may only be replaced by one that was made from it. Otherwise the write
// fails before anything was sent, and for retry receipts it looks like a
// cancelled context, so that whatsmeow leaves the receipt unacked.
//
// It cannot deadlock: whoever holds the lock waits for the database, or (a send
// that needs pre-keys) for an answer of the server, which whatsmeow reads in a
// goroutine that never touches the stores. Neither waits for the lock.
//
// What a decryption writes is mended first: libsignal spoils the states of a
// record that it tries in vain; see [mend].
//
// Sender keys need no lock: our own are written under messageSendLock, those of
// others in the goroutine that decrypts. The one exception is a retry receipt
// that finds no key of ours and makes one; see PutSenderKey.
package signal
