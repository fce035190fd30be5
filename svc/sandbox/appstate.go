package sandbox

import (
	"go.mau.fi/whatsmeow/appstate"
	waBinary "go.mau.fi/whatsmeow/binary"
	"go.mau.fi/whatsmeow/proto/waE2E"
	"go.mau.fi/whatsmeow/types"

	"wamux/svc/sandbox/phone"
)

// greet welcomes a device that has just been linked: the phone gives it the app-state key and its history, and the collections it
// will ask for then have something in them. Called when the device has uploaded its keys.
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
	if err := s.tellHistory(d); err != nil {
		s.log.Error("sandbox: a phone cannot share its history", "phone", d.account.number, "error", err)
	}
}

// fillCollections gives every collection its first patch: a client that finds one empty raises no events for it, ever.
func (s *Server) fillCollections(a *account) error {
	ph, err := s.phoneOf(a)
	if err != nil {
		return err
	}
	patches, err := ph.FirstPatches(a.name, s.contactsOf(a), s.now())
	s.savePhone(a)
	for _, patch := range patches {
		s.savePatch(a, patch)
	}
	return err
}

// shareKeys sends the app-state key to a device.
func (s *Server) shareKeys(d *device) { s.sharePeer(d, randomID(10), nil, 0) }

func (s *Server) sharePeer(d *device, id string, bundle *phone.Bundle, count int) {
	ph, err := s.phoneOf(d.account)
	if err == nil {
		err = s.peerMessage(d, id, ph.ShareKeys(s.now()), bundle, count)
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

func collectionError(name string, code int) waBinary.Node {
	return el("collection", attrs{"name": name, "type": "error"}, el("error", attrs{"code": code}))
}

// takePatch takes a client's patch when it is made for the current version; otherwise the client hears what it missed.
func (s *Server) takePatch(d *device, collection *waBinary.Node, data []byte) waBinary.Node {
	a, name := d.account, str(collection, "name")
	ph, err := s.phoneOf(a)
	if err != nil {
		return collectionError(name, 500)
	}
	if version := parseDecimal(str(collection, "version")); version != ph.Version(name) {
		return s.conflict(a, name, int64(version))
	}
	patch, mutations, err := ph.ApplyPatch(name, data)
	if err != nil {
		s.log.Warn("sandbox: a client's app-state patch does not verify", "phone", a.number, "collection", name, "error", err)
		return collectionError(name, 400)
	}
	s.savePhone(a)
	s.savePatch(a, patch)
	for _, m := range mutations {
		s.deviceChose(a, m)
	}
	s.collectionChanged(a, name, patch.Version, d)
	return el("collection", attrs{"name": name, "version": patch.Version})
}

// conflict says that a patch was made for an older version, and what came since.
func (s *Server) conflict(a *account, name string, version int64) waBinary.Node {
	n := collectionError(name, 409)
	patches, err := s.patchesAfter(a, name, version)
	if err != nil {
		s.log.Error("sandbox: patches cannot be read", "phone", a.number, "error", err)
		return collectionError(name, 500)
	}
	n.Attrs["has_more_patches"] = len(patches) == patchesAtOnce
	n.Content = append(n.GetChildren(), el("patches", nil, patches...))
	return n
}

// deviceChose lets a phone follow what a linked device changed, as far as it keeps that itself.
func (s *Server) deviceChose(a *account, m phone.Mutation) {
	push := m.Value.GetPushNameSetting().GetName()
	switch {
	case push != "" && !m.Removed:
		a.name = push
		s.saveAccount(a)
	case len(m.Index) == 2 && m.Index[0] == appstate.IndexContact:
		if number, err := types.ParseJID(m.Index[1]); err == nil && number.Server == types.DefaultUserServer {
			s.keepContact(a, number.User, !m.Removed)
		}
	}
}

// collectionChanged tells an account's devices, except the one that did it, that a collection has a new version.
func (s *Server) collectionChanged(a *account, name string, version uint64, by *device) {
	for _, id := range deviceIDs(a)[1:] {
		if d := a.devices[id]; d != by && d.Shared {
			s.enqueue(d, el("notification", attrs{"from": server(), "type": "server_sync", "id": randomID(8), "t": unix(s.now())},
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
	if reply == nil {
		return
	}
	if err := s.peerMessage(d, randomID(10), reply, nil, 0); err != nil {
		s.log.Error("sandbox: a phone cannot answer its device", "phone", d.account.number, "error", err)
	}
}
