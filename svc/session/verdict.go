package session

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.mau.fi/whatsmeow"
	"go.mau.fi/whatsmeow/types"

	"wamux/store"
)

// verdict is what an error of a send means for its job.
type verdict struct {
	code, sentence string
	final          bool          // trying again is of no use
	attempts       int           // how many there may be, when it is not final
	first          time.Duration // the wait before the second attempt; it grows
}

const (
	fewAttempts  = 5       // for errors that may be ours
	manyAttempts = 1 << 30 // for errors of the line: until the deadline
)

func (v verdict) wait(attempt int) time.Duration {
	return grow(v.first, attempt, time.Minute)
}

func final(code, format string, a ...any) verdict {
	return verdict{code: code, sentence: fmt.Sprintf(format, a...), final: true}
}

func tooLate() verdict {
	return final("deadline", "The message could not be sent before its deadline.")
}

// uploadError is for a file that WhatsApp's media servers did not take.
type uploadError struct{ err error }

func (e *uploadError) Error() string { return "upload: " + e.err.Error() }
func (e *uploadError) Unwrap() error { return e.err }

// judge tells what an error of a send means.
func (o *sender) judge(p *parcel, err error) verdict {
	o.s.log.Warn("message not sent", "job", p.job.ID, "error", redact(err))
	if v, ok := verdictOf(err); ok {
		return v.toGroup(p.to)
	}
	if !o.run.up() || o.run.ctx.Err() != nil {
		return noAnswer() // whatever it says: a write to a line that breaks has no error of its own
	}
	if saysUnknown(err) && o.unknownNumber(p.to) {
		return final("not_on_whatsapp", "The number is not on WhatsApp.")
	}
	return verdict{code: "send_failed", sentence: "The message could not be sent.", attempts: fewAttempts, first: time.Second}
}

// saysUnknown tells whether WhatsApp was asked for the hidden identity of a number
// and named none. The library says so only in the text; where it could not ask,
// nothing is known of the number.
func saysUnknown(err error) bool { return strings.HasPrefix(err.Error(), "no LID found for ") }

// unknownNumber tells whether WhatsApp knows no hidden identity of a phone
// number, which is how it says that there is no account.
func (o *sender) unknownNumber(to types.JID) bool {
	if to.Server != types.DefaultUserServer {
		return false
	}
	lid, err := o.run.device.LIDs.GetLIDForPN(o.run.ctx, to)
	return err == nil && lid.IsEmpty()
}

// verdictOf knows the errors by themselves. It is pure.
func verdictOf(err error) (verdict, bool) {
	if v, ok := lineVerdict(err); ok {
		return v, true
	}
	if errors.Is(err, whatsmeow.ErrServerReturnedError) {
		return refusal(refusalCode(err)), true
	}
	if e := (*store.Error)(nil); errors.As(err, &e) {
		return storeVerdict(e), true
	}
	if e := (*uploadError)(nil); errors.As(err, &e) {
		return verdict{code: "media_upload_failed", sentence: "WhatsApp's media servers did not take the file.", attempts: fewAttempts, first: time.Second}, true
	}
	switch {
	case errors.Is(err, whatsmeow.ErrUnknownServer), errors.Is(err, whatsmeow.ErrRecipientADJID), errors.Is(err, whatsmeow.ErrBroadcastListUnsupported):
		return final("invalid_recipient", "Nothing can be sent to this kind of address."), true
	case errors.Is(err, whatsmeow.ErrNotInGroup), errors.Is(err, whatsmeow.ErrGroupNotFound):
		return notInGroup(), true
	}
	return queryVerdict(err)
}

// lineVerdict is for a connection that broke or was silent: the message may
// have arrived, so it is sent again under the same id until it is confirmed.
func lineVerdict(err error) (verdict, bool) {
	disconnected := (*whatsmeow.DisconnectedError)(nil)
	switch {
	case errors.Is(err, whatsmeow.ErrMessageTimedOut), errors.Is(err, whatsmeow.ErrIQTimedOut),
		errors.Is(err, whatsmeow.ErrNotConnected), errors.Is(err, whatsmeow.ErrNotLoggedIn),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.As(err, &disconnected):
		return noAnswer(), true
	}
	return verdict{}, false
}

// mayHaveLeft tells whether an error came after the message was written to the line.
func mayHaveLeft(err error) bool {
	disconnected := (*whatsmeow.DisconnectedError)(nil)
	return errors.Is(err, whatsmeow.ErrMessageTimedOut) || errors.As(err, &disconnected)
}

func noAnswer() verdict {
	return verdict{code: "no_answer", sentence: "WhatsApp did not answer.", attempts: manyAttempts, first: 500 * time.Millisecond}
}

// refusalCode reads the number that the library puts only into the text.
func refusalCode(err error) int {
	_, digits, _ := strings.Cut(err.Error(), whatsmeow.ErrServerReturnedError.Error()+" ")
	code, _ := strconv.Atoi(strings.TrimSpace(digits))
	return code
}

// refusal is for a message that WhatsApp took and gave back. It is never sent
// again by itself: that would make things worse.
func refusal(code int) verdict {
	switch code {
	case 463:
		return final("reachout_timelock", "WhatsApp does not let this account write to this person now: it may only answer people who wrote first, for some time.")
	case 479:
		return final("invalid_message", "WhatsApp refused the form of this message (479).")
	case 420, 429:
		return final("rate_limited", "WhatsApp refused the message because too many were sent (%d).", code)
	}
	return final("refused_"+strconv.Itoa(code), "WhatsApp refused the message with code %d.", code)
}

// toGroup names what the refusal of a message means when it was to a group.
func (v verdict) toGroup(to types.JID) verdict {
	if to.Server != types.GroupServer {
		return v
	}
	switch v.code {
	case "refused_403", "refused_404":
		return notInGroup()
	case "rate_limited":
		v.sentence = "WhatsApp refused the message: too many were sent, or only admins may write to this group."
	}
	return v
}

func notInGroup() verdict {
	return final("not_in_group", "This account is not in that group.")
}

func storeVerdict(e *store.Error) verdict {
	switch e.Code {
	case store.CodeInvalid, store.CodeUnprocessable, store.CodeNotFound:
		return final(e.Name, "%s.", strings.TrimSuffix(e.Message, "."))
	}
	return verdict{code: "storage", sentence: "The message could not be sent because something could not be saved.", attempts: manyAttempts, first: time.Second}
}

// queryVerdict is for a question to WhatsApp that a send depends on.
func queryVerdict(err error) (verdict, bool) {
	e := (*whatsmeow.IQError)(nil)
	if !errors.As(err, &e) {
		return verdict{}, false
	}
	switch {
	case e.Code == 429 || e.Code >= 500:
		return verdict{code: "busy", sentence: "WhatsApp is too busy to take the message.", attempts: fewAttempts, first: 5 * time.Second}, true
	case e.Code == 403 || e.Code == 404:
		return notInGroup(), true
	}
	return final("refused_"+strconv.Itoa(e.Code), "WhatsApp refused with code %d.", e.Code), true
}
