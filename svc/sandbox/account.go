package sandbox

import (
	"encoding/json"
	"fmt"
	"time"

	"go.mau.fi/whatsmeow/types"

	"wamux/svc/sandbox/phone"
)

// account is one WhatsApp account: a phone and what is linked to it. Guarded by Server.mu, like all it holds.
type account struct {
	number, lid, name string
	phone             *phone.Phone // nil until it is needed: see Server.phoneOf
	devices           map[uint16]*device
	lastDevice        uint16
	undecryptable     int
	reused            int
	contacts          map[string]bool          // numbers in the address book; nil until it is needed: see Server.addressBook
	newest            map[string][]phone.Patch // the last patches of each app-state collection
	online            bool                     // the person looks at the phone
	lastSeen          time.Time
	subscribers       map[*conn]types.JID // who watches this account's presence, and under which name
	profile           profile
}

func (a *account) pn() types.JID     { return types.NewJID(a.number, types.DefaultUserServer) }
func (a *account) lidJID() types.JID { return types.NewJID(a.lid, types.HiddenUserServer) }

// jid names one of the account's devices, by LID or by number.
func (a *account) jid(device uint16, lid bool) types.JID {
	j := a.pn()
	if lid {
		j = a.lidJID()
	}
	j.Device = device
	return j
}

// deviceInfo is what is kept of a linked device.
type deviceInfo struct {
	Noise        []byte
	Identity     []byte
	Registration uint32
	Signed       phone.PreKey
	Proof        []byte // device-identity signed by both sides
	KeyIndex     uint32
	Platform     string
	LID          bool  // the client knows LIDs (lidDbMigrated at its last login)
	Full         bool  // it wants all of the history
	Inline       bool  // it takes a first sync of the history in the notice itself
	Shared       bool  // the phone gave it the app-state key
	Dirty        int64 // unix seconds of a change of the account's settings while it was offline, until it says that it knows; else 0
}

// oneTime is a one-time pre-key a device uploaded.
type oneTime struct {
	id     uint32
	public [32]byte
}

// device is a companion linked to an account.
type device struct {
	deviceInfo
	account *account
	id      uint16
	keys    []oneTime // in the order of upload, those already handed out first
	used    int       // how many were handed out
	queue   []*entry
	sent    int   // how many of the queue, from its head, are under way on conn
	conn    *conn // nil while it is offline
}

func (d *device) lidJID() types.JID { return d.account.jid(d.id, true) }

// key names the device in the state file.
func (d *device) key() string { return fmt.Sprintf("%s:%d", d.account.number, d.id) }

// saveDevice puts a device into the batch.
func (s *Server) saveDevice(d *device) {
	info, err := json.Marshal(d.deviceInfo)
	if err != nil {
		panic(err) // plain data
	}
	s.put(`INSERT INTO devices(number,device,info,used) VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET info=excluded.info, used=excluded.used`,
		d.account.number, d.id, string(info), d.used)
}

// saveAccount puts an account's own row into the batch.
func (s *Server) saveAccount(a *account) {
	s.put(`INSERT INTO accounts(number,lid,name,last_device,undecryptable,reused) VALUES(?,?,?,?,?,?)
		ON CONFLICT DO UPDATE SET name=excluded.name, last_device=excluded.last_device, undecryptable=excluded.undecryptable, reused=excluded.reused`,
		a.number, a.lid, a.name, a.lastDevice, a.undecryptable, a.reused)
}

func (s *Server) addAccount(a *account) {
	a.devices = map[uint16]*device{}
	a.subscribers = map[*conn]types.JID{}
	s.byNumber[a.number] = a
	s.byLID[a.lid] = a
}

// find returns the account that a JID belongs to, or nil.
func (s *Server) find(j types.JID) *account {
	if j.Server == types.HiddenUserServer {
		return s.byLID[j.User]
	}
	if j.Server == types.DefaultUserServer || j.Server == types.LegacyUserServer {
		return s.byNumber[j.User]
	}
	return nil
}

// phoneOf returns the phone of an account, loading it when it was not used since the start.
func (s *Server) phoneOf(a *account) (*phone.Phone, error) {
	if a.phone != nil {
		return a.phone, nil
	}
	records := map[string][]byte{}
	err := each(s.db.read, `SELECT key, value FROM records WHERE number=?`, []any{a.number}, func(scan func(...any) error) error {
		var key string
		var value []byte
		if err := scan(&key, &value); err != nil {
			return err
		}
		records[key] = value
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.phone, err = phone.Load(records, nil)
	return a.phone, err
}

// load fills the server from its state file.
func (s *Server) load() error {
	for _, fn := range []func() error{s.loadAccounts, s.loadDevices, s.loadPreKeys, s.loadQueues, s.loadGroups, s.loadProfiles, s.loadNewsletters, s.loadCalls, s.loadClock} {
		if err := fn(); err != nil {
			return fmt.Errorf("sandbox: the state file cannot be read: %w", err)
		}
	}
	return s.db.read.QueryRow(`SELECT max(ifnull((SELECT max(seq) FROM queue),0), ifnull((SELECT max(seq) FROM inbox),0))`).Scan(&s.seq)
}

func (s *Server) loadAccounts() error {
	return each(s.db.read, `SELECT number,lid,name,last_device,undecryptable,reused FROM accounts`, nil, func(scan func(...any) error) error {
		a := new(account)
		if err := scan(&a.number, &a.lid, &a.name, &a.lastDevice, &a.undecryptable, &a.reused); err != nil {
			return err
		}
		s.addAccount(a)
		return nil
	})
}

func (s *Server) loadDevices() error {
	return each(s.db.read, `SELECT number,device,info,used FROM devices`, nil, func(scan func(...any) error) error {
		var number, info string
		d := new(device)
		if err := scan(&number, &d.id, &info, &d.used); err != nil {
			return err
		}
		if d.account = s.byNumber[number]; d.account == nil {
			return nil
		}
		d.account.devices[d.id] = d
		return json.Unmarshal([]byte(info), &d.deviceInfo)
	})
}

func (s *Server) deviceAt(number string, id uint16) *device {
	if a := s.byNumber[number]; a != nil {
		return a.devices[id]
	}
	return nil
}

func (s *Server) loadPreKeys() error {
	return each(s.db.read, `SELECT number,device,data FROM prekeys ORDER BY id`, nil, func(scan func(...any) error) error {
		var number string
		var id uint16
		var data []byte
		if err := scan(&number, &id, &data); err != nil {
			return err
		}
		if d := s.deviceAt(number, id); d != nil {
			d.keys = append(d.keys, unpackKeys(data)...)
		}
		return nil
	})
}

func (s *Server) loadQueues() error {
	return each(s.db.read, `SELECT seq,number,device,stanza FROM queue ORDER BY seq`, nil, func(scan func(...any) error) error {
		var seq int64
		var number string
		var id uint16
		var data []byte
		if err := scan(&seq, &number, &id, &data); err != nil {
			return err
		}
		if d := s.deviceAt(number, id); d != nil {
			e, err := readEntry(seq, data)
			if err != nil {
				return err
			}
			d.queue = append(d.queue, e)
		}
		return nil
	})
}
