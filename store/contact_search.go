package store

import (
	"database/sql"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A contactSearch finds contacts by a part of a name, phone number or JID. It
// looks at them here and not in SQL, since SQLite knows upper and lower case of
// ASCII only.
type contactSearch struct {
	text   string // folded
	digits string // of what can only be a phone number as people write it; else ""
}

func newContactSearch(search string) contactSearch {
	s := contactSearch{text: folded(search)}
	if strings.Trim(search, "+0123456789 ().-/") == "" {
		s.digits = strings.Map(digitOnly, search)
	}
	return s
}

func digitOnly(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

// folded is a text without the difference between upper and lower case, and
// between one character for an accented letter and two.
func folded(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return norm.NFC.String(strings.ReplaceAll(strings.Map(foldRune, s), "ß", "ss"))
		}
	}
	return strings.ToLower(s)
}

// foldRune takes both ways, since some letters have two small forms, as the Greek sigma.
func foldRune(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

func (s contactSearch) finds(c *Contact) bool {
	for _, text := range [...]string{c.Name, c.PushName, c.BusinessName, c.Phone, c.ID, c.LID} {
		if text != "" && strings.Contains(folded(text), s.text) {
			return true
		}
	}
	return s.digits != "" && (strings.Contains(c.Phone, s.digits) || strings.Contains(c.ID, s.digits))
}

// first returns the first so many contacts of the rows that are found, and
// closes the rows.
func (s contactSearch) first(limit int, rows *sql.Rows, err error) ([]*Contact, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	list := []*Contact{}
	for len(list) < limit && rows.Next() {
		c, err := scanContact(rows)
		if err != nil {
			return nil, err
		}
		if s.finds(c) {
			list = append(list, c)
		}
	}
	return list, rows.Err()
}
