package api_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"wamux/api"
	"wamux/store"
	"wamux/store/seal"
)

// TestV1Backup takes backups in clear and encrypted, and restores them.
func TestV1Backup(t *testing.T) {
	w := newWorld(t, nil)
	line, err := seal.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := seal.Parse([]byte(line), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ query, kind, file string }{
		"InClear":   {"", "application/vnd.sqlite3", "wamux-20260102T030406Z.db"},
		"Encrypted": {"?encrypt=" + keys.Recipients()[0], "application/octet-stream", "wamux-20260102T030406Z.db.age"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := w.backup(c.query)
			h := rec.Header()
			if rec.Code != 200 || h.Get("Content-Type") != c.kind || h.Get("Content-Disposition") != "attachment; filename="+c.file {
				t.Fatalf("got %d %v %.300s", rec.Code, h, rec.Body)
			}
			if length := h.Get("Content-Length"); length != "" && length != strconv.Itoa(rec.Body.Len()) {
				t.Errorf("got length %s for %d bytes", length, rec.Body.Len())
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "backup"), rec.Body.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			done, err := store.Restore(t.Context(), store.RestoreOptions{Path: filepath.Join(dir, "wamux.db"), From: filepath.Join(dir, "backup"), Keys: keys})
			if err != nil || done.Sessions != 3 || done.Version != "v0.0.0-test" || done.Encrypted != (c.query != "") {
				t.Errorf("got %+v, %v", done, err)
			}
		})
	}
	for _, query := range []string{"?encrypt=", "?encrypt=me", "?encrypt=" + keys.Recipients()[0] + "&encrypt=x"} {
		if rec := w.backup(query); rec.Code != 400 || !strings.Contains(rec.Body.String(), "recipient_invalid") {
			t.Errorf("%s: got %d %.300s, want 400", query, rec.Code, rec.Body)
		}
	}
	w.noPartials(t)
}

func (w *world) backup(query string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", "http://localhost/v1/backup"+query, nil)
	req.Header.Set("x-api-key", adminKey)
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, req)
	return rec
}

// noPartials fails when something unfinished lies beside the database.
func (w *world) noPartials(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(w.db.Path()))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".partial") {
			t.Errorf("%s was left", e.Name())
		}
	}
}

// ballast makes a backup larger than what the buffers of a connection take.
const ballast = 16 << 20

// served is a world behind a real server, with short deadlines for everything else.
func served(t *testing.T) (w *world, s *httptest.Server, logged func() string) {
	t.Helper()
	log := &locked{b: &bytes.Buffer{}}
	w = newWorld(t, func(o *api.Options) { o.Log = slog.New(slog.NewTextHandler(log, nil)) })
	if err := w.db.SetMeta(t.Context(), "ballast", strings.Repeat("ballast ", ballast/8)); err != nil {
		t.Fatal(err)
	}
	s = httptest.NewUnstartedServer(w.handler)
	s.Config.ReadTimeout, s.Config.WriteTimeout = shortly, shortly
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	s.Start()
	t.Cleanup(s.Close)
	return w, s, func() string {
		log.mu.Lock()
		defer log.mu.Unlock()
		return log.b.String()
	}
}

const shortly = 300 * time.Millisecond

func askBackup(t *testing.T, s *httptest.Server) *http.Response {
	t.Helper()
	at, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost:"+at.Port()+"/v1/backup", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("x-api-key", adminKey)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// TestV1BackupSlowly takes longer than the server's deadlines, and gets all of it.
func TestV1BackupSlowly(t *testing.T) {
	w, s, _ := served(t)
	resp := askBackup(t, s)
	<-time.After(2 * shortly) // the deadlines have to pass; there is nothing else to wait for
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || n != resp.ContentLength || n < ballast {
		t.Errorf("got %d of %d bytes, %v", n, resp.ContentLength, err)
	}
	w.noPartials(t)
}

// TestV1BackupGone leaves in the middle: the work ends and leaves nothing.
func TestV1BackupGone(t *testing.T) {
	w, s, logged := served(t)
	resp := askBackup(t, s)
	if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	end := time.Now().Add(20 * time.Second)
	for !strings.Contains(logged(), "a backup was not taken to its end") {
		if time.Now().After(end) {
			t.Fatalf("the work went on: %s", logged())
		}
		<-time.After(10 * time.Millisecond)
	}
	w.noPartials(t)
}

// TestV1BackupDeadlines looks at the deadlines themselves: none while the backup is
// made, and one for each write.
func TestV1BackupDeadlines(t *testing.T) {
	w := newWorld(t, nil)
	req := httptest.NewRequest("GET", "http://localhost/v1/backup", nil)
	req.Header.Set("x-api-key", adminKey)
	rec := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	w.handler.ServeHTTP(rec, req)
	if rec.Code != 200 || rec.writes < 2 || rec.late != 0 || !rec.first.IsZero() {
		t.Errorf("got %d, %d writes, %d of them without a deadline of their own, and %v while it is made", rec.Code, rec.writes, rec.late, rec.first)
	}
}

// deadlines is a response that notes the deadlines that it is given.
type deadlines struct {
	*httptest.ResponseRecorder
	write, first time.Time // now, and when the answer began
	writes, late int
}

func (d *deadlines) SetWriteDeadline(t time.Time) error { d.write = t; return nil }

func (d *deadlines) WriteHeader(status int) {
	d.first = d.write
	d.ResponseRecorder.WriteHeader(status)
}

func (d *deadlines) Write(b []byte) (int, error) {
	d.writes++
	if left := time.Until(d.write); left < 4*time.Minute {
		d.late++
	}
	d.write = time.Time{}
	return d.ResponseRecorder.Write(b)
}
