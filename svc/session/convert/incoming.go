package convert

import "wamux/store"

// Incoming tells what an event of whatsmeow leaves behind: rows and events, in
// the order in which they are to be written, all of them in one transaction.
// It is empty for events that belong to the connection, which the session
// itself turns into states. An event of a type that is not known here becomes
// an event "unknown" with its content.
func Incoming(session string, own Own, evt any) []store.Entry { return nil }
