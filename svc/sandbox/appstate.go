package sandbox

import (
	"time"

	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"

	"wamux/svc/sandbox/phone"
)

// greet welcomes a device that has just been linked: the phone gives it the app-state key, and the collections it will ask
// for then have something in them. Called when the device has uploaded its keys.
func (s *Server) greet(d *device) {
	if d.Shared {
		return
	}
	d.Shared = true
	s.saveDevice(d)
	if err := s.fillCollections(d.account); err != nil {
		s.log.Error("sandbox: the app state cannot be filled", "phone", d.account.number, "error", err)
	}
	s.shareKeys(d)
}

// fillCollections gives every collection its first patch: a client that finds one empty raises no events for it, ever.
func (s *Server) fillCollections(a *account) error {
	ph, err := s.phoneOf(a)
	if err != nil {
		return err
	}
	patches, err := ph.FirstPatches(a.name, s.contactsOf(a), time.Now())
	s.savePhone(a)
	for _, patch := range patches {
		s.savePatch(a, patch)
	}
	return err
}

func (s *Server) savePatch(a *account, p phone.Patch) {
	s.put(`INSERT INTO patches(number,collection,version,data) VALUES(?,?,?,?)`, a.number, p.Collection, int64(p.Version), p.Data)
}

// shareKeys sends the app-state key to a device.
func (s *Server) shareKeys(d *device) { s.sharePeer(d, randomID(10), nil, 0) }

func (s *Server) sharePeer(d *device, id string, bundle *phone.Bundle, count int) {
	ph, err := s.phoneOf(d.account)
	if err == nil {
		err = s.peerMessage(d, id, ph.ShareKeys(time.Now()), bundle, count)
	}
	if err != nil {
		s.log.Error("sandbox: a phone cannot share its app-state key", "phone", d.account.number, "error", err)
	}
}

// iqAppState serves the patches of collections and takes new ones.
func (s *Server) iqAppState(c *conn, n *waBinary.Node) answer {
	sync := n.GetChildByTag("sync")
	var collections []waBinary.Node
	for _, collection := range sync.GetChildrenByTag("collection") {
		if patch, ok := patchIn(&collection); ok {
			collections = append(collections, s.takePatch(c.device, &collection, patch))
		} else {
			collections = append(collections, s.serveCollection(c.device.account, &collection))
		}
	}
	return result(el("sync", nil, collections...))
}

func patchIn(collection *waBinary.Node) ([]byte, bool) {
	patch, ok := collection.GetOptionalChildByTag("patch")
	return content(patch), ok
}

// serveCollection answers with the patches above the client's version. There are no snapshots: few patches come together here.
func (s *Server) serveCollection(a *account, collection *waBinary.Node) waBinary.Node {
	name := str(collection, "name")
	ph, err := s.phoneOf(a)
	if err != nil {
		return collectionError(name, 500)
	}
	patches, err := s.patchesAfter(a, name, int64(parseDecimal(str(collection, "version"))))
	if err != nil {
		s.log.Error("sandbox: patches cannot be read", "error", err)
		return collectionError(name, 500)
	}
	return el("collection", attrs{"name": name, "version": ph.Version(name), "has_more_patches": false}, patches)
}

func collectionError(name string, code int) waBinary.Node {
	return el("collection", attrs{"name": name, "type": "error"}, el("error", attrs{"code": code}))
}

func (s *Server) patchesAfter(a *account, name string, version int64) (waBinary.Node, error) {
	list := waBinary.Node{Tag: "patches"}
	var patches []waBinary.Node
	err := each(s.db.read, `SELECT data FROM patches WHERE number=? AND collection=? AND version>? ORDER BY version`,
		[]any{a.number, name, version}, func(scan func(...any) error) error {
			var data []byte
			if err := scan(&data); err != nil {
				return err
			}
			patches = append(patches, body("patch", nil, data))
			return nil
		})
	if len(patches) > 0 {
		list.Content = patches
	}
	return list, err
}

// takePatch takes a client's patch when it is made for the current version; otherwise the client hears what it missed.
func (s *Server) takePatch(d *device, collection *waBinary.Node, data []byte) waBinary.Node {
	a, name := d.account, str(collection, "name")
	ph, err := s.phoneOf(a)
	if err != nil {
		return collectionError(name, 500)
	}
	if version := parseDecimal(str(collection, "version")); version != ph.Version(name) {
		conflict := collectionError(name, 409)
		if patches, err := s.patchesAfter(a, name, int64(version)); err == nil {
			conflict.Content = append(conflict.GetChildren(), patches)
		}
		return conflict
	}
	patch, mutations, err := ph.ApplyPatch(name, data)
	if err != nil {
		s.log.Warn("sandbox: a client's app-state patch does not verify", "phone", a.number, "collection", name, "error", err)
		return collectionError(name, 400)
	}
	s.savePhone(a)
	s.savePatch(a, patch)
	for _, m := range mutations {
		if push := m.Value.GetPushNameSetting(); push != nil && !m.Removed && push.GetName() != "" {
			a.name = push.GetName()
			s.saveAccount(a)
		}
	}
	s.collectionChanged(a, name, patch.Version, d)
	return el("collection", attrs{"name": name, "version": patch.Version})
}

// collectionChanged tells an account's devices, except the one that did it, that a collection has a new version.
func (s *Server) collectionChanged(a *account, name string, version uint64, by *device) {
	for _, id := range deviceIDs(a)[1:] {
		if d := a.devices[id]; d != by && d.Shared {
			s.enqueue(d, el("notification", attrs{"from": server(), "type": "server_sync", "id": randomID(8), "t": unix(time.Now())},
				el("collection", attrs{"name": name, "version": version})))
		}
	}
}

// phoneFinds answers a request of an own device for data that only the phone has.
func (s *Server) phoneFinds(p *parcel, d *device, req *waE2E.PeerDataOperationRequestMessage) {
	reply, err := s.found(p, d, req)
	if err != nil {
		s.log.Warn("sandbox: a phone cannot find what its device asks for", "type", req.GetPeerDataOperationRequestType().String(), "error", err)
		return
	}
	if err := s.peerMessage(d, randomID(10), reply, nil, 0); err != nil {
		s.log.Error("sandbox: a phone cannot answer its device", "phone", d.account.number, "error", err)
	}
}
