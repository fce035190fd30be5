package phone

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.mau.fi/whatsmeow/appstate"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/proto/waServerSync"
	"go.mau.fi/whatsmeow/store"
	"go.mau.fi/whatsmeow/types"
	waLog "go.mau.fi/whatsmeow/util/log"
	"google.golang.org/protobuf/proto"
)

// memory is the store of a linked client, of the simplest kind.
type memory struct {
	keys     map[string]store.AppStateSyncKey
	versions map[string]appstate.HashState
	macs     map[string][]byte
}

func (m *memory) PutAppStateSyncKey(_ context.Context, id []byte, key store.AppStateSyncKey) error {
	m.keys[string(id)] = key
	return nil
}

func (m *memory) GetAppStateSyncKey(_ context.Context, id []byte) (*store.AppStateSyncKey, error) {
	key, ok := m.keys[string(id)]
	if !ok {
		return nil, nil
	}
	return &key, nil
}

func (m *memory) GetLatestAppStateSyncKeyID(context.Context) ([]byte, error) {
	for id := range m.keys {
		return []byte(id), nil
	}
	return nil, nil
}

func (m *memory) GetAllAppStateSyncKeys(context.Context) ([]*store.AppStateSyncKey, error) {
	return nil, nil
}

func (m *memory) PutAppStateVersion(_ context.Context, name string, version uint64, hash [128]byte) error {
	m.versions[name] = appstate.HashState{Version: version, Hash: hash}
	return nil
}

func (m *memory) GetAppStateVersion(_ context.Context, name string) (uint64, [128]byte, error) {
	return m.versions[name].Version, m.versions[name].Hash, nil
}

func (m *memory) DeleteAppStateVersion(_ context.Context, name string) error {
	delete(m.versions, name)
	return nil
}

func (m *memory) PutAppStateMutationMACs(_ context.Context, name string, _ uint64, macs []store.AppStateMutationMAC) error {
	for _, mac := range macs {
		m.macs[name+string(mac.IndexMAC)] = mac.ValueMAC
	}
	return nil
}

func (m *memory) DeleteAppStateMutationMACs(_ context.Context, name string, indexes [][]byte) error {
	for _, index := range indexes {
		delete(m.macs, name+string(index))
	}
	return nil
}

func (m *memory) GetAppStateMutationMAC(_ context.Context, name string, index []byte) ([]byte, error) {
	return m.macs[name+string(index)], nil
}

// client is the app-state side of a linked client: whatsmeow's own decoder.
type client struct {
	t    *testing.T
	mem  *memory
	proc *appstate.Processor
}

func newClient(t *testing.T, share *waE2E.Message) *client {
	t.Helper()
	mem := &memory{map[string]store.AppStateSyncKey{}, map[string]appstate.HashState{}, map[string][]byte{}}
	for _, key := range share.GetProtocolMessage().GetAppStateSyncKeyShare().GetKeys() {
		mem.keys[string(key.GetKeyID().GetKeyID())] = store.AppStateSyncKey{Data: key.GetKeyData().GetKeyData()}
	}
	return &client{t, mem, appstate.NewProcessor(&store.Device{AppState: mem, AppStateKeys: mem}, waLog.Noop)}
}

func (c *client) apply(list *appstate.PatchList) []appstate.Mutation {
	c.t.Helper()
	mutations, _, err := c.proc.DecodePatches(context.Background(), list, c.mem.versions[string(list.Name)], true)
	if err != nil {
		c.t.Fatalf("%s: %v", list.Name, err)
	}
	return mutations
}

func (c *client) patch(p Patch) []appstate.Mutation {
	c.t.Helper()
	var patch waServerSync.SyncdPatch
	if err := proto.Unmarshal(p.Data, &patch); err != nil {
		c.t.Fatal(err)
	}
	if patch.GetVersion().GetVersion() != p.Version {
		c.t.Errorf("%s: version %d in the patch, %d beside it", p.Collection, patch.GetVersion().GetVersion(), p.Version)
	}
	return c.apply(&appstate.PatchList{Name: appstate.WAPatchName(p.Collection), Patches: []*waServerSync.SyncdPatch{&patch}})
}

func TestFirstPatches(t *testing.T) {
	p, saved := newPhone(t, "1", "11"), disk{}
	patches, err := p.FirstPatches("Ada", []Contact{{Number: "777", LID: "7", FullName: "Bob Ross", FirstName: "Bob"}}, noon())
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(t, p.ShareKeys(noon()))
	var names []string
	for _, patch := range patches {
		names = append(names, patch.Collection)
		mutations := c.patch(patch)
		if len(mutations) == 0 {
			t.Errorf("%s says nothing", patch.Collection)
			continue
		}
		value := mutations[0].Action
		switch patch.Collection {
		case "critical_block":
			if value.GetPushNameSetting().GetName() != "Ada" || mutations[0].Index[0] != appstate.IndexSettingPushName {
				t.Errorf("push name: %v", mutations[0])
			}
		case "critical_unblock_low":
			if value.GetContactAction().GetFullName() != "Bob Ross" || value.GetContactAction().GetLidJID() != "7@lid" ||
				!slices.Equal(mutations[0].Index, []string{"contact", "777@s.whatsapp.net"}) {
				t.Errorf("contact: %v", mutations[0])
			}
		}
	}
	if !slices.Equal(names, Collections[:]) {
		t.Errorf("got %v", names)
	}
	saved.save(p)
	p = saved.load(t)
	if again, err := p.FirstPatches("Ada", nil, noon()); len(again) > 0 || err != nil {
		t.Errorf("the second time: %d patches, %v", len(again), err)
	}
	patch, err := p.AddPatch(appstate.BuildSettingPushName("Ada L."), noon())
	if err != nil {
		t.Fatal(err)
	}
	if m := c.patch(patch); patch.Version != 2 || m[0].Action.GetPushNameSetting().GetName() != "Ada L." {
		t.Errorf("version %d, %v", patch.Version, m)
	}
}

// TestSnapshot gives a client that comes later the state in one piece, and goes on from there.
func TestSnapshot(t *testing.T) {
	p := newPhone(t, "1", "11")
	for n := range 20 {
		info := ContactPatch(Contact{Number: string(rune('1' + n%9)), FullName: "Contact"}, Contact{Number: "55", FullName: "Other"})
		if _, err := p.AddPatch(info, noon().Add(time.Duration(n)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := p.Snapshot("critical_unblock_low")
	if err != nil {
		t.Fatal(err)
	}
	m, blob, err := SealMedia(KindAppState, raw, nil)
	if err != nil {
		t.Fatal(err)
	}
	m.DirectPath = "/v/t62?x=1"
	reference, err := BlobReference(m)
	if err != nil {
		t.Fatal(err)
	}
	var where waServerSync.ExternalBlobReference
	if err := proto.Unmarshal(reference, &where); err != nil {
		t.Fatal(err)
	}
	there := Media{Kind: KindAppState, Key: where.MediaKey, SHA256: where.FileSHA256, EncSHA256: where.FileEncSHA256}
	file, err := there.Open(blob)
	if err != nil {
		t.Fatal(err)
	}
	var snapshot waServerSync.SyncdSnapshot
	if err := proto.Unmarshal(file, &snapshot); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, p.ShareKeys(noon()))
	if got := c.apply(&appstate.PatchList{Name: "critical_unblock_low", Snapshot: &snapshot}); len(got) != 10 {
		t.Errorf("the snapshot has %d contacts, want 10", len(got))
	}
	patch, err := p.AddPatch(ContactPatch(Contact{Number: "55", FullName: "Renamed"}), noon())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.patch(patch); got[0].Action.GetContactAction().GetFullName() != "Renamed" || patch.Version != 21 {
		t.Errorf("version %d, %v", patch.Version, got)
	}
	if _, err := p.Snapshot("regular"); !errors.Is(err, ErrMalformed) {
		t.Errorf("a snapshot of nothing: %v", err)
	}
}

// TestApplyPatch takes over what a client says, and tells it to another.
func TestApplyPatch(t *testing.T) {
	p := newPhone(t, "1", "11")
	share := p.ShareKeys(noon())
	one, two := newClient(t, share), newClient(t, share)
	first, err := p.FirstPatches("Ada", nil, noon())
	if err != nil {
		t.Fatal(err)
	}
	for _, patch := range first {
		one.patch(patch)
		two.patch(patch)
	}
	p.Changes()
	mute := appstate.BuildMute(types.NewJID("777", types.DefaultUserServer), true, time.Hour)
	id, _ := one.mem.GetLatestAppStateSyncKeyID(context.Background())
	data, err := one.proc.EncodePatch(context.Background(), id, one.mem.versions["regular_high"], mute)
	if err != nil {
		t.Fatal(err)
	}
	damaged := slices.Clone(data)
	damaged[len(damaged)/2] ^= 1
	if _, _, err := p.ApplyPatch("regular_high", damaged); !errors.Is(err, ErrMalformed) {
		t.Errorf("a damaged patch: %v", err)
	}
	if _, _, err := p.ApplyPatch("regular_low", data); !errors.Is(err, ErrMalformed) {
		t.Errorf("a patch of another collection: %v", err)
	}
	if _, _, err := p.ApplyPatch("none", data); !errors.Is(err, ErrMalformed) {
		t.Errorf("an unknown collection: %v", err)
	}
	if p.Changes() != nil {
		t.Error("what failed left traces")
	}
	patch, said, err := p.ApplyPatch("regular_high", data)
	if err != nil {
		t.Fatal(err)
	}
	if patch.Version != 2 || len(said) != 1 || !said[0].Value.GetMuteAction().GetMuted() || said[0].Index[1] != "777@s.whatsapp.net" {
		t.Errorf("version %d, said %v", patch.Version, said)
	}
	one.patch(patch)
	two.patch(patch)
	if _, _, err := p.ApplyPatch("regular_high", data); !errors.Is(err, ErrMalformed) {
		t.Errorf("a patch against an older version: %v", err)
	}
}

func TestShareKeys(t *testing.T) {
	p := newPhone(t, "1", "11")
	share := p.ShareKeys(noon()).GetProtocolMessage()
	keys := share.GetAppStateSyncKeyShare().GetKeys()
	if share.GetType() != waE2E.ProtocolMessage_APP_STATE_SYNC_KEY_SHARE || len(keys) != 1 {
		t.Fatalf("got %v", share)
	}
	if key := keys[0]; len(key.GetKeyID().GetKeyID()) != 6 || len(key.GetKeyData().GetKeyData()) != 32 {
		t.Errorf("got %v", key)
	}
}

func FuzzApplyPatch(f *testing.F) {
	p, err := New("1", "11", nil)
	if err != nil {
		f.Fatal(err)
	}
	patches, err := p.FirstPatches("Ada", nil, noon())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(patches[0].Data)
	short, _ := proto.Marshal(&waServerSync.SyncdPatch{Mutations: []*waServerSync.SyncdMutation{{
		Operation: waServerSync.SyncdMutation_SET.Enum(), Record: &waServerSync.SyncdRecord{},
	}}})
	f.Add(short)
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _, _ = p.ApplyPatch("critical_block", data)
	})
}
