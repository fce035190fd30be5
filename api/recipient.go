package api

import (
	"regexp"
	"strings"

	"wamux/store"
)

// The servers a chat can be at.
const (
	serverPhone      = "s.whatsapp.net"
	serverLegacy     = "c.us" // older libraries write numbers so
	serverLID        = "lid"
	serverGroup      = "g.us"
	serverNewsletter = "newsletter"
	serverBroadcast  = "broadcast"
)

var (
	userDigits  = regexp.MustCompile(`^[0-9]{3,20}$`)
	userGroup   = regexp.MustCompile(`^[0-9]{5,20}(-[0-9]{5,20})?$`)
	userPhone   = regexp.MustCompile(`^[1-9][0-9]{4,14}$`)
	phoneSpaces = regexp.MustCompile(`^\+?[0-9 ().\-]+$`)
)

// digits drops everything else.
func digits(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c
		}
		return -1
	}, s)
}

// phoneJID makes the JID of a written number. The country code takes the place of one leading 0, nothing else is guessed.
func phoneJID(field, number, country string) (string, error) {
	n := digits(number)
	switch {
	case n == "":
		return "", invalid(field, "The phone number has no digits")
	case strings.HasPrefix(n, "00"):
		return "", invalid(field, "Write the phone number with its country code and without leading zeros")
	case strings.HasPrefix(n, "0") && country == "":
		return "", invalid(field, "The phone number begins with 0: write it with its country code, or set DEFAULT_COUNTRY_CODE")
	case strings.HasPrefix(n, "0"):
		n = country + n[1:]
	}
	if !userPhone.MatchString(n) {
		return "", invalid(field, "A phone number has 5 to 15 digits, country code included")
	}
	return n + "@" + serverPhone, nil
}

// parseJID checks a JID and writes it in its plain form, without device.
func parseJID(field, jid string) (string, error) {
	user, server, _ := strings.Cut(strings.TrimSpace(jid), "@")
	ok := false
	switch server {
	case serverPhone, serverLegacy:
		user, server = withoutDevice(user), serverPhone
		ok = userPhone.MatchString(user)
	case serverLID:
		user = withoutDevice(user)
		ok = userDigits.MatchString(user)
	case serverGroup:
		ok = userGroup.MatchString(user)
	case serverNewsletter:
		ok = userDigits.MatchString(user)
	case serverBroadcast:
		ok = user == "status" || userDigits.MatchString(user)
	}
	if !ok {
		return "", invalid(field, field+" is not a WhatsApp JID such as 6281234567890@s.whatsapp.net")
	}
	return user + "@" + server, nil
}

func withoutDevice(user string) string {
	user, _, _ = strings.Cut(user, ":")
	user, _, _ = strings.Cut(user, "_")
	return user
}

// rootRecipient reads jid and type of the root API; without a type an @ decides.
func rootRecipient(jid, kind, country string) (string, error) {
	if kind == "" {
		kind = "number"
		if strings.Contains(jid, "@") {
			kind = "jid"
		}
	}
	switch kind {
	case "number":
		return phoneJID("jid", jid, country)
	case "jid":
		return parseJID("jid", jid)
	}
	return "", invalid("type", `type must be "number" or "jid"`)
}

// recipient reads any way to name a chat: a phone number as people write it, or a JID of any kind.
func recipient(field, to, country string) (string, error) {
	if strings.Contains(to, "@") {
		return parseJID(field, to)
	}
	if !phoneSpaces.MatchString(to) {
		return "", invalid(field, field+" must be a phone number or a JID")
	}
	return phoneJID(field, to, country)
}

// person is a chat or somebody in it, with both identities; null where one is unknown.
type person struct {
	ID    string `json:"id"`
	Phone any    `json:"phone"`
	LID   any    `json:"lid"`
	Name  any    `json:"name"`
}

// personOf makes a person of a JID and what else is known.
func personOf(jid, phone, lid, name string) *person {
	if jid == "" {
		return nil
	}
	user, server, _ := strings.Cut(jid, "@")
	switch server {
	case serverPhone:
		phone = withoutDevice(user)
	case serverLID:
		lid = withoutDevice(user) + "@" + serverLID
	default:
		phone, lid = "", ""
	}
	return &person{ID: jid, Phone: orNull(phone), LID: orNull(lid), Name: orNull(name)}
}

// key is a message key as Baileys writes it.
type key struct {
	RemoteJID   string `json:"remoteJid"`
	FromMe      bool   `json:"fromMe"`
	ID          string `json:"id"`
	Participant string `json:"participant"`
}

// stored checks a key; one without a chat means the chat it is sent to.
func (k *key) stored(field, chat string) (*store.MessageKey, error) {
	if k.ID == "" {
		return nil, invalid(field+".id", field+" must be the key of a message, with its id")
	}
	out := &store.MessageKey{RemoteJID: chat, FromMe: k.FromMe, ID: k.ID}
	var err error
	if k.RemoteJID != "" {
		if out.RemoteJID, err = parseJID(field+".remoteJid", k.RemoteJID); err != nil {
			return nil, err
		}
	}
	if k.Participant != "" {
		out.Participant, err = parseJID(field+".participant", k.Participant)
	}
	return out, err
}
