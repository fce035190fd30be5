package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"wamux/store/seal"
)

// TestBackupSealed backs up a sealed database, also in the middle of its sealing:
// the values in it open with the key and not without it.
func TestBackupSealed(t *testing.T) {
	t.Parallel()
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open(line) // sealing has begun
	if err != nil {
		t.Fatal(err)
	}
	if err := db.convertSome(t.Context(), db.vault.row); err != nil {
		t.Fatal(err)
	}
	half := backupOf(t, db)
	if err := db.Convert(t.Context()); err != nil {
		t.Fatal(err)
	}
	whole := backupOf(t, db)
	v.shut(db)
	if data, err := os.ReadFile(whole); err != nil || bytes.Contains(data, []byte("planted-")) {
		t.Errorf("the backup shows a secret, or %v", err)
	}
	for _, path := range []string{half, whole} {
		info, err := checkBackup(t.Context(), path, "it", false)
		if err != nil || len(info.Sealed) != 1 {
			t.Errorf("got %+v, %v", info, err)
		}
		b := *v
		b.path = path
		_, err = b.open()
		wantError(t, err, CodeConflict, "no key was given")
		_, err = b.open(newIdentity(t))
		wantError(t, err, CodeConflict, "another key")
		b.converted(SealOn, line)
	}
}

// TestBackupBesideSealing lets a backup and what rewrites the file wait for each
// other.
func TestBackupBesideSealing(t *testing.T) {
	t.Parallel()
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open(line)
	if err != nil {
		t.Fatal(err)
	}
	defer v.shut(db)
	release, err := db.copyAlone(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- db.Convert(ctx) }()
	for column := 0; column < len(secretColumns()); { // until only the end is left, which waits
		<-time.After(time.Millisecond)
		db.vault.mu.RLock()
		column = db.vault.row.Column
		db.vault.mu.RUnlock()
	}
	if state, _, _ := db.SealState(); state != SealClosing {
		t.Errorf("the state is %q while a backup is made", state)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	release()
	if err := db.Convert(t.Context()); err != nil {
		t.Fatal(err)
	}
	backupOf(t, db)
}

// TestBackupEncrypted encrypts the whole file, and leaves nothing in clear.
func TestBackupEncrypted(t *testing.T) {
	t.Parallel()
	db, key, spare := withSession(t), newIdentity(t), newIdentity(t)
	to := backupOf(t, db, append(keysOf(t, key).Recipients(), keysOf(t, spare).Recipients()...)...)
	noPartials(t, filepath.Dir(db.Path()))
	data, err := os.ReadFile(to)
	if err != nil || !seal.Sealed(data) || bytes.Contains(data, []byte("SQLite")) {
		t.Fatalf("it is no age file: %.40q, %v", data, err)
	}
	for _, line := range []string{key, spare} {
		plain, err := seal.DecryptFrom(bytes.NewReader(data), keysOf(t, line))
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(plain)
		path := filepath.Join(t.TempDir(), "plain.db")
		if err := errors.Join(err, os.WriteFile(path, all, 0o600)); err != nil {
			t.Fatal(err)
		}
		if _, err := checkBackup(t.Context(), path, "it", false); err != nil {
			t.Error(err)
		}
	}
}
