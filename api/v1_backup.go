package api

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"time"

	"wamux/store"
)

// stalled is how long a client may take nothing of a backup before it counts as gone.
const stalled = 5 * time.Minute

// v1Backup answers GET /v1/backup: the whole database as one file, encrypted to every ?encrypt=age1…. Making it takes as long as
// it takes, so no deadline is in force, and it ends when the client goes away. One that breaks off is cut, so that nobody takes
// a part for the whole.
func (a *api) v1Backup(w http.ResponseWriter, r *request) error {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{})
	s, err := a.DB.Snapshot(r.Context(), store.BackupOptions{Version: a.Version, Recipients: r.URL.Query()["encrypt"]})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // it has no name any more
	describeBackup(w.Header(), s, a.DB.Path())
	w.WriteHeader(http.StatusOK)
	err = s.Send(r.Context(), patient{w, rc})
	if err == nil || errors.Is(err, http.ErrBodyNotAllowed) { // who asks with HEAD gets no more
		return nil
	}
	a.Log.Warn("a backup was not taken to its end", "err", err)
	panic(http.ErrAbortHandler)
}

func describeBackup(h http.Header, s *store.Snapshot, path string) {
	h.Set("Content-Type", "application/vnd.sqlite3")
	if s.Encrypted() {
		h.Set("Content-Type", "application/octet-stream")
	} else {
		h.Set("Content-Length", strconv.FormatInt(s.Size, 10))
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": store.BackupName(path, s.CreatedAt, s.Encrypted())}))
}

// patient gives each write a deadline of its own.
type patient struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	_ = p.rc.SetWriteDeadline(time.Now().Add(stalled))
	return p.w.Write(b)
}
