package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"wamux/store"
)

// content is every row of every table, by table, as text: hostile requests must not change it. When a key was used last, and
// how often was written, may differ.
func (w *world) content() map[string]string {
	w.t.Helper()
	found := map[string]string{}
	err := w.db.View(context.Background(), func(tx *store.Tx) error {
		var tables string
		if err := tx.QueryRow("SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table' AND name <> 'epoch' AND name NOT LIKE 'sqlite%'").Scan(&tables); err != nil {
			return err
		}
		for _, table := range strings.Split(tables, ",") {
			var err error
			if found[table], err = rowsOf(tx, table); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(found) < 10 {
		w.t.Fatalf("%d tables, %v", len(found), err)
	}
	return found
}

func rowsOf(tx *store.Tx, table string) (string, error) {
	rows, err := tx.Query("SELECT * FROM " + table)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return "", err
	}
	text, values := &strings.Builder{}, make([]any, len(names))
	for rows.Next() {
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return "", err
		}
		for i, name := range names {
			if name != "lastUsed" {
				fmt.Fprintf(text, "%s=%v ", name, *values[i].(*any))
			}
		}
		text.WriteByte('\n')
	}
	return text.String(), rows.Err()
}

func (w *world) unchanged(t *testing.T, before map[string]string) {
	t.Helper()
	for table, after := range w.content() {
		if after != before[table] {
			t.Errorf("rows of %s: got\n%s\nwant as before\n%s", table, after, before[table])
		}
	}
}

// TestContent changes a value and no number of rows, which unchanged must see.
func TestContent(t *testing.T) {
	w := newWorld(t, nil)
	before := w.content()
	w.unchanged(t, before)
	if err := w.sessions.change(t.Context(), "shop", store.StateOffline); err != nil {
		t.Fatal(err)
	}
	if after := w.content(); after["whatsapp_sessions"] == before["whatsapp_sessions"] {
		t.Error("a session changed its state, and the content is the same")
	}
}
