package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Steps are only ever added.
type migration struct{ name, script string }

// migrations returns all steps in order; the version of a schema is how many of
// them it has seen. The files are named by their number, so their order is the
// order of the folder.
func migrations() []migration {
	entries, err := fs.ReadDir(migrationFiles, "migrations")
	if err != nil {
		panic("store: the migrations are not in the program: " + err.Error())
	}
	list := make([]migration, len(entries))
	for i, e := range entries {
		script, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			panic("store: the migrations are not in the program: " + err.Error())
		}
		list[i] = migration{name: e.Name(), script: string(script)}
	}
	return list
}

// migrate brings the schema up to date, each step in its own transaction. It
// looks again at whose database it is, now with the log.
func migrate(ctx context.Context, c *conn, path string, now time.Time) error {
	f, err := readFacts(ctx, c.sql, path)
	if err != nil {
		return err
	}
	if err := f.refuse(path); err != nil {
		return err
	}
	for i, m := range migrations() {
		if i < f.version {
			continue
		}
		if err := apply(ctx, c, i+1, m, now); err != nil {
			return err
		}
	}
	return nil
}

// apply runs one step and records it, or changes nothing.
func apply(ctx context.Context, c *conn, version int, m migration, now time.Time) error {
	steps := []string{
		"BEGIN IMMEDIATE",
		m.script,
		fmt.Sprintf("PRAGMA application_id = %d", applicationID),
		fmt.Sprintf("PRAGMA user_version = %d", version),
		fmt.Sprintf("INSERT INTO meta (key, value) VALUES ('migration:%s', '%s')", m.name, formatTime(now)),
		"COMMIT",
	}
	for _, q := range steps {
		if _, err := c.sql.ExecContext(ctx, q); err != nil {
			_, undo := c.sql.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			return errors.Join(fmt.Errorf("migration %s: %w", m.name, err), undo)
		}
	}
	return nil
}
