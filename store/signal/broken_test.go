package signal

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	wastore "go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"

	"wamux/store/broken"
)

// TestEveryMethodOnABrokenDisk calls all methods of all interfaces while one
// statement after the other fails, in every way. Each time the listener hears of
// it before whatsmeow does, nothing works any more, and the next run goes on as
// if nothing had been.
func TestEveryMethodOnABrokenDisk(t *testing.T) {
	t.Parallel()
	var disk broken.Disk
	p := &place{t: t, path: t.TempDir() + "/wamux.db", fault: disk.Fault}
	p.open()
	defer p.close()
	total := 0
	for _, iface := range whatsmeows() {
		for i := range iface.NumMethod() {
			name := iface.Method(i).Name
			session := fmt.Sprint("session", total)
			total++
			p.paired(session, fmt.Sprint(4915100+total), fmt.Sprint(1001000+total))
			for _, kind := range broken.Kinds() {
				struck := 0
				for p.callBroken(&disk, session, iface, name, struck+1, kind) {
					struck++
				}
				if struck == 0 && !stages(name) {
					t.Errorf("%s: no statement of it failed (%s)", name, kind.Name)
				}
			}
		}
	}
	if total != 65 {
		t.Errorf("whatsmeow's stores have %d methods, we know 65", total)
	}
}

// stages tells of methods that write nothing by themselves.
func stages(method string) bool {
	switch method {
	case "PutAppStateVersion", "DeleteAppStateMutationMACs":
		return true
	}
	return false
}

// callBroken calls a method while its n-th statement fails, and checks what comes
// of it. It returns false when the method makes fewer statements.
func (p *place) callBroken(disk *broken.Disk, session string, iface reflect.Type, name string, n int, kind broken.Kind) bool {
	p.t.Helper()
	d := p.device(session)
	if name == "PutDevice" || name == "DeleteDevice" {
		defer p.relink(session)
	}
	faults := countFaults(d)
	disk.Break(n, kind, false)
	err := callWith(p.t, d, iface, name, telling)
	told := faults()
	if disk.Heal() == 0 {
		return false
	}
	later := d.Sessions.PutSession(p.t.Context(), "5_1:0", []byte("y"))
	switch {
	case err == nil:
		p.t.Errorf("%s, %s at statement %d: no error", name, kind.Name, n)
	case told != 1:
		p.t.Errorf("%s, %s at statement %d: told %d times of %v", name, kind.Name, n, told, err)
	case later == nil:
		p.t.Errorf("%s, %s at statement %d: the run goes on", name, kind.Name, n)
	}
	if _, err := p.device(session).Sessions.HasSession(p.t.Context(), "5_1:0"); err != nil {
		p.t.Errorf("%s, %s at statement %d: the next run: %v", name, kind.Name, n, err)
	}
	return true
}

// relink links a session whose device a method took away.
func (p *place) relink(session string) {
	p.t.Helper()
	if d := p.device(session); !d.Paired() {
		link(p.t, d, "49151", "1001")
	}
}

// telling makes arguments that give every method something to do.
func telling(t *testing.T, d *Device, method string, n int, typ reflect.Type) reflect.Value {
	fresh := fmt.Sprint(time.Now().UnixNano()) // since all runs share the map of LIDs, and what it knows
	lid, pn := types.JID{User: "77" + fresh, Server: types.HiddenUserServer}, types.JID{User: "7" + fresh, Server: types.DefaultUserServer}
	var v any
	switch typ {
	case reflect.TypeFor[types.JID]():
		v = pn
		if n == 1 && (method == "PutLIDMapping" || method == "GetPNForLID") || n == 2 && method == "MigratePNToLID" {
			v = lid
		}
	case reflect.TypeFor[func(context.Context) error]():
		v = func(ctx context.Context) error { return d.Sessions.PutSession(ctx, "5_1:0", []byte("x")) }
	case reflect.TypeFor[map[string][]byte]():
		v = map[string][]byte{"5_1:0": []byte("x")}
	case reflect.TypeFor[[]string]():
		v = []string{"5_1:0"}
	case reflect.TypeFor[[][]byte]():
		v = [][]byte{[]byte("mac")}
	case reflect.TypeFor[[]types.JID]():
		v = []types.JID{pn}
	case reflect.TypeFor[uint32]():
		v = uint32(3)
	case reflect.TypeFor[uint64]():
		v = uint64(1)
	case reflect.TypeFor[[]wastore.LIDMapping]():
		v = []wastore.LIDMapping{{LID: lid, PN: pn}}
	case reflect.TypeFor[[]wastore.ContactEntry]():
		v = []wastore.ContactEntry{{JID: pn, FirstName: "Ada", FullName: "Ada " + fresh}}
	case reflect.TypeFor[[]wastore.RedactedPhoneEntry]():
		v = []wastore.RedactedPhoneEntry{{JID: lid, RedactedPhone: "+49 " + fresh}}
	case reflect.TypeFor[[]wastore.MessageSecretInsert]():
		v = []wastore.MessageSecretInsert{{Chat: pn, Sender: pn, ID: "id", Secret: []byte("x")}}
	case reflect.TypeFor[[]wastore.PrivacyToken]():
		v = []wastore.PrivacyToken{{User: pn, Token: []byte("x"), Timestamp: time.Now()}}
	case reflect.TypeFor[[]wastore.AppStateMutationMAC]():
		v = []wastore.AppStateMutationMAC{{IndexMAC: []byte("mac"), ValueMAC: []byte("value")}}
	case reflect.TypeFor[wastore.AppStateSyncKey]():
		v = wastore.AppStateSyncKey{Data: []byte("x"), Fingerprint: []byte("y"), Timestamp: time.Now().UnixNano()}
	case reflect.TypeFor[time.Time]():
		v = time.Now()
	case reflect.TypeFor[string]():
		if method == "PutPushName" || method == "PutBusinessName" || method == "PutContactName" {
			v = "Ada " + fresh
			break
		}
		return argument(t, d, typ)
	default:
		return argument(t, d, typ)
	}
	return reflect.ValueOf(v)
}
