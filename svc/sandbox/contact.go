package sandbox

import (
	"wamux/svc/sandbox/phone"
)

// contactBook is the collection that holds the address book.
const contactBook = "critical_unblock_low"

// addressBook returns the numbers a phone has saved, reading them the first time.
func (s *Server) addressBook(a *account) map[string]bool {
	if a.contacts != nil {
		return a.contacts
	}
	a.contacts = map[string]bool{}
	err := each(s.db.read, `SELECT contact FROM contacts WHERE number=?`, []any{a.number}, func(scan func(...any) error) error {
		var number string
		err := scan(&number)
		a.contacts[number] = true
		return err
	})
	if err != nil {
		s.log.Error("sandbox: contacts cannot be read", "error", err)
	}
	return a.contacts
}

// contactsOf is the address book in full.
func (s *Server) contactsOf(a *account) []phone.Contact {
	var list []phone.Contact
	for number := range s.addressBook(a) {
		if other := s.byNumber[number]; other != nil {
			list = append(list, contactFor(other))
		}
	}
	return list
}

func contactFor(a *account) phone.Contact {
	return phone.Contact{Number: a.number, LID: a.lid, FullName: a.name, FirstName: a.name}
}

// meet saves somebody the person writes to for the first time, and tells the linked devices.
func (s *Server) meet(a *account, ph *phone.Phone, other *account) {
	if a == other || s.addressBook(a)[other.number] {
		return
	}
	a.contacts[other.number] = true
	s.put(`INSERT OR IGNORE INTO contacts(number,contact) VALUES(?,?)`, a.number, other.number)
	if ph.Version(contactBook) == 0 {
		return // the first patch will have it
	}
	patch, err := ph.AddPatch(phone.ContactPatch(contactFor(other)), s.now())
	if err != nil {
		s.log.Error("sandbox: a contact cannot be shared", "phone", a.number, "error", err)
		return
	}
	s.savePatch(a, patch)
	s.collectionChanged(a, contactBook, patch.Version, nil)
}
