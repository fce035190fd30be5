package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"wamux/store"
)

// rowsPage is what the tests read of a page.
type rowsPage struct {
	Data []struct {
		ID        any
		SessionID string
	}
	Cursor     *int64
	Pagination struct{ Page, Limit, Total, TotalPages int }
}

func (w *world) page(path string, status int) (p rowsPage) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, scenario{method: "GET", path: path}.request())
	if rec.Code != status {
		w.t.Fatalf("%s: got %d %s, want %d", path, rec.Code, rec.Body, status)
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil {
		w.t.Fatalf("%s: %v in %s", path, err, rec.Body)
	}
	return p
}

// TestSessionsHistoryPages walks the pages and their bounds. The id is the row's number, which does not change when
// another session goes.
func TestSessionsHistoryPages(t *testing.T) {
	w := newWorld(t, nil)
	for _, c := range []struct {
		query       string
		page, limit int
		sessions    []string
	}{
		{"", 1, 20, []string{"shop", "idle", "off"}},
		{"?page=1&limit=2", 1, 2, []string{"shop", "idle"}},
		{"?page=2&limit=2", 2, 2, []string{"off"}},
		{"?page=3&limit=2", 3, 2, nil},
		{"?page=0&limit=0", 1, 1, []string{"shop"}},
		{"?page=-5&limit=-5", 1, 1, []string{"shop"}},
		{"?page=9223372036854775807&limit=9223372036854775807", 1_000_000, 1000, nil},
		{"?page=&limit=", 1, 20, []string{"shop", "idle", "off"}},
	} {
		p := w.page("/sessions-history"+c.query, 200)
		var found []string
		for _, row := range p.Data {
			found = append(found, row.SessionID)
		}
		if !slices.Equal(found, c.sessions) || p.Pagination.Page != c.page || p.Pagination.Limit != c.limit || p.Pagination.Total != 3 {
			t.Errorf("%q: got %v %+v, want %v on page %d of %d", c.query, found, p.Pagination, c.sessions, c.page, c.limit)
		}
	}
	for _, query := range []string{"page=1.5", "limit=ten", "page=9223372036854775808", "limit=0x10", "page=%00"} {
		w.page("/sessions-history?"+query, 400)
	}
	before := w.page("/sessions-history?page=3&limit=1", 200).Data[0].ID
	w.mustDelete("idle")
	if after := w.page("/sessions-history?page=2&limit=1", 200).Data[0].ID; after != before || before != 3.0 {
		t.Errorf("id of the session off: got %v, want %v as before, the row's number 3", after, before)
	}
}

// TestContactPages walks all contacts by cursor, and looks for some.
func TestContactPages(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 60 {
		c := &store.Contact{Session: "shop", ID: fmt.Sprintf("62820000000%02d@s.whatsapp.net", i), Phone: fmt.Sprintf("62820000000%02d", i), Name: fmt.Sprintf("Budi 100%%_%d", i)}
		if _, err := w.db.Record(context.Background(), "shop", store.Entry{Contact: c}); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int
	seen := map[any]bool{}
	for path := "/shop/contacts"; ; {
		p := w.page(path, 200)
		sizes = append(sizes, len(p.Data))
		for _, row := range p.Data {
			seen[row.ID] = true
		}
		if p.Cursor == nil {
			break
		}
		path = fmt.Sprintf("/shop/contacts?cursor=%d", *p.Cursor)
	}
	if !slices.Equal(sizes, []int{25, 25, 11}) || len(seen) != 61 {
		t.Errorf("pages: got %v with %d different contacts, want 25, 25, 11 with 61", sizes, len(seen))
	}
	for query, want := range map[string]int{
		"limit=0": 1, "limit=-1": 1, "limit=9999999": 61, "cursor=-7&limit=1000": 61, "cursor=99999": 0, "search=sari": 1, "search=SARI": 1, "search=%25_1": 11,
		"search=_&limit=100": 60, "search=6282000000059": 1, "search=nobody": 0, "search=sari&limit=1&cursor=0": 1, "search=" + strings.Repeat("_", 500): 0,
	} {
		if got := len(w.page("/shop/contacts?"+query, 200).Data); got != want {
			t.Errorf("%s: got %d contacts, want %d", query, got, want)
		}
	}
	for _, query := range []string{"limit=x", "cursor=1e3", "cursor=evt_1", "search=" + strings.Repeat("_", 30_000)} {
		w.page("/shop/contacts?"+query, 400)
	}
}
