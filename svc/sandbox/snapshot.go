package sandbox

import (
	"database/sql"
	"errors"

	waBinary "go.mau.fi/whatsmeow/binary"

	"wamux/svc/sandbox/phone"
)

// How collections are served. How many patches the real service puts together is not known.
const (
	snapshotAfter = 10  // a client that begins gets a snapshot where more patches than these have come together
	patchesAtOnce = 100 // more come with the next question
)

// serveCollection answers with what a client lacks. One that begins, and asks for it, gets a snapshot and the patches that came
// after; the others get patches only.
func (s *Server) serveCollection(a *account, collection *waBinary.Node) waBinary.Node {
	name := str(collection, "name")
	n, err := s.lacking(a, name, int64(parseDecimal(str(collection, "version"))), str(collection, "return_snapshot") == "true")
	if err != nil {
		s.log.Error("sandbox: a collection cannot be served", "phone", a.number, "collection", name, "error", err)
		return collectionError(name, 500)
	}
	return n
}

func (s *Server) lacking(a *account, name string, version int64, begins bool) (n waBinary.Node, err error) {
	ph, err := s.phoneOf(a)
	if err != nil {
		return n, err
	}
	var children []waBinary.Node
	if begins && version == 0 && ph.Version(name) > snapshotAfter {
		var reference []byte
		if reference, version, err = s.snapshot(a, ph, name); err != nil {
			return n, err
		}
		children = append(children, body("snapshot", nil, reference))
	}
	patches, err := s.patchesAfter(a, name, version)
	if err != nil {
		return n, err
	}
	if len(patches) > 0 {
		children = append(children, el("patches", nil, patches...))
	}
	return el("collection", attrs{"name": name, "version": version + int64(len(patches)), "has_more_patches": len(patches) == patchesAtOnce}, children...), nil
}

// snapshot returns where the snapshot of a collection is, and its version. The last one serves until many patches have come
// after it; then there is a new one.
func (s *Server) snapshot(a *account, ph *phone.Phone, name string) (reference []byte, version int64, err error) {
	current := int64(ph.Version(name))
	err = s.db.read.QueryRow(`SELECT reference,version FROM snapshots WHERE number=? AND collection=?`, a.number, name).Scan(&reference, &version)
	if err == nil && current-version <= snapshotAfter {
		return reference, version, nil
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, 0, err
	}
	raw, err := ph.Snapshot(name)
	if err != nil {
		return nil, 0, err
	}
	media, blob, err := phone.SealMedia(phone.KindAppState, raw, nil)
	if err != nil {
		return nil, 0, err
	}
	media.DirectPath = s.saveMedia(string(media.Kind), blob)
	if reference, err = phone.BlobReference(media); err != nil {
		return nil, 0, err
	}
	s.put(`INSERT INTO snapshots(number,collection,version,reference) VALUES(?,?,?,?)
		ON CONFLICT DO UPDATE SET version=excluded.version, reference=excluded.reference`, a.number, name, current, reference)
	return reference, current, nil
}

// patchesAfter reads the next patches above a version, as many as are served at once. The newest may not be in the state file yet.
func (s *Server) patchesAfter(a *account, name string, version int64) (patches []waBinary.Node, err error) {
	err = each(s.db.read, `SELECT version,data FROM patches WHERE number=? AND collection=? AND version>? ORDER BY version LIMIT ?`,
		[]any{a.number, name, version, patchesAtOnce}, func(scan func(...any) error) error {
			var data []byte
			if err := scan(&version, &data); err != nil {
				return err
			}
			patches = append(patches, body("patch", nil, data))
			return nil
		})
	for _, p := range a.newest[name] {
		if int64(p.Version) == version+1 && len(patches) < patchesAtOnce {
			patches = append(patches, body("patch", nil, p.Data))
			version++
		}
	}
	return patches, err
}

// newestKept is how many patches of a collection are in memory too: more than are ever under way to the state file.
const newestKept = 64

func (s *Server) savePatch(a *account, p phone.Patch) {
	s.put(`INSERT INTO patches(number,collection,version,data) VALUES(?,?,?,?)`, a.number, p.Collection, int64(p.Version), p.Data)
	if a.newest == nil {
		a.newest = map[string][]phone.Patch{}
	}
	list := append(a.newest[p.Collection], p)
	a.newest[p.Collection] = list[max(0, len(list)-newestKept):]
}
