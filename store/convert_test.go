package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"wamux/store/seal"
)

// What the second process needs beside its mode to seal.
const (
	childIdentity = "WAMUX_STORE_TEST_IDENTITY" // lines of AGE-SECRET-KEY-…
	childTurn     = "WAMUX_STORE_TEST_TURN"     // "unseal", or nothing
	childCommits  = "WAMUX_STORE_TEST_COMMITS"  // after how many commits to die
)

func childKeys() *seal.Keys {
	k, _ := seal.Parse([]byte(os.Getenv(childIdentity)), nil)
	return k
}

// convertAndDie changes the form of the values and is killed on the way, unless it
// is done before.
func convertAndDie(ctx context.Context, db *DB) int {
	n, _ := strconv.Atoi(os.Getenv(childCommits))
	wrote := db.Wrote()
	go func() {
		for range n {
			<-wrote
			wrote = db.Wrote()
		}
		kill()
	}()
	if state, _, _ := db.SealState(); os.Getenv(childTurn) == "unseal" && state == SealOn && db.BeginUnseal(ctx) != nil {
		return 1
	}
	if db.Convert(ctx) != nil || db.Close() != nil {
		return 1
	}
	return 0
}

// vaultTest is a database with secrets in every secret column.
type vaultTest struct {
	*testing.T
	path    string
	secrets map[string]string // by class and key, what was planted
}

const manySecrets = convertRows + 5

func newVaultTest(t *testing.T) *vaultTest {
	t.Helper()
	v := &vaultTest{T: t, path: filepath.Join(t.TempDir(), "wamux.db"), secrets: map[string]string{}}
	db := open(t, v.path)
	addTestSession(t, db, "shop")
	err := db.Update(t.Context(), func(tx *Tx) error {
		for i := range manySecrets {
			if err := v.plant(tx, i); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt) VALUES ('shop', 'app-state-sync-version-regular', '{"no":"secret"}', '', '')`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	v.shut(db)
	return v
}

// secret makes a text that nothing else in the file contains, and remembers it.
func (v *vaultTest) secret(class, key string) string {
	text := fmt.Sprintf("planted-%s-%s", class, key)
	v.secrets[class+" "+key] = text
	return text
}

// plant writes one row into every secret column, in clear.
func (v *vaultTest) plant(tx *Tx, i int) error {
	job, hash := fmt.Sprint("job_", i), []byte{byte(i), 7}
	auth, _ := json.Marshal(v.secret(ClassAuth, fmt.Sprint("pre-key-", i)))
	gone, _ := json.Marshal(v.secret(ClassAuth, fmt.Sprint("gone-", i)))
	for _, q := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO auth_data (sessionId, key, value, createdAt, updatedAt) VALUES ('shop', ?, ?, '', '')`, []any{fmt.Sprint("pre-key-", i), string(auth)}},
		{`INSERT INTO deleted_auth (sessionId, key, value, deletedAt) VALUES ('shop', ?, ?, 0)`, []any{fmt.Sprint("gone-", i), string(gone)}},
		{`INSERT INTO message_secrets (sessionId, messageId, chat, sender, secret, createdAt) VALUES ('shop', ?, 'chat', 'sender', ?, 0)`,
			[]any{fmt.Sprint("M", i), []byte(v.secret(ClassSecret, fmt.Sprintf("M%d|chat|sender", i)))}},
		{`INSERT INTO event_buffer (sessionId, hash, plaintext, serverTime, insertedAt) VALUES ('shop', ?, ?, 0, 0)`,
			[]any{hash, []byte(v.secret(ClassIncoming, fmt.Sprintf("%x", hash)))}},
		{`INSERT INTO outgoing_events (sessionId, chat, messageId, format, plaintext, createdAt) VALUES ('shop', 'chat', ?, '', ?, 0)`,
			[]any{fmt.Sprint("M", i), []byte(v.secret(ClassOutgoing, fmt.Sprintf("M%d|chat", i)))}},
		{`INSERT INTO jobs (id, sessionId, messageId, recipient, content, sent, state, createdAt, updatedAt) VALUES (?, 'shop', '', '', ?, ?, 'queued', 0, 0)`,
			[]any{job, fmt.Sprintf(`{"Text":%q}`, v.secret(classContent, job)), fmt.Sprintf(`{"conversation":%q}`, v.secret(classSent, job))}},
		{`INSERT INTO job_media (jobId, data) VALUES (?, ?)`, []any{job, []byte(v.secret(classMedia, job))}},
		{`INSERT INTO batches (id, sessionId, state, createdAt, updatedAt) VALUES (?, 'shop', 'running', 0, 0)`, []any{fmt.Sprint("batch_", i)}},
		{`INSERT INTO batch_items (batchId, idx, messageId, body, state) VALUES (?, 0, '', ?, 'open')`,
			[]any{fmt.Sprint("batch_", i), []byte(v.secret(classItem, fmt.Sprintf("batch_%d|0", i)))}},
	} {
		if _, err := tx.Exec(q.text, q.args...); err != nil {
			return err
		}
	}
	return nil
}

func (v *vaultTest) shut(db *DB) {
	v.Helper()
	if err := db.Close(); err != nil {
		v.Fatal(err)
	}
}

// keysOf parses identities, of which the first seals.
func keysOf(t testing.TB, lines ...string) *seal.Keys {
	t.Helper()
	k, err := seal.Parse([]byte(strings.Join(lines, "\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newIdentity(t testing.TB) string {
	t.Helper()
	line, err := seal.Generate(false)
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// open opens the database with these identities, or none.
func (v *vaultTest) open(lines ...string) (*DB, error) {
	o := Options{Path: v.path, Log: slog.New(slog.DiscardHandler)}
	if len(lines) > 0 {
		o.Keys = keysOf(v, lines...)
	}
	return Open(context.Background(), o)
}

// converted opens the database and lets the work on the values come to its end.
func (v *vaultTest) converted(want SealState, lines ...string) {
	v.Helper()
	db, err := v.open(lines...)
	if err == nil {
		err = db.Convert(v.Context())
	}
	if err != nil {
		v.Fatal(err)
	}
	if state, _, pending := db.SealState(); state != want || pending {
		v.Errorf("the state is %q, pending %v, want %q", state, pending, want)
	}
	v.readsAll(db)
	v.shut(db)
}

// readsAll reads every secret the way the program does.
func (v *vaultTest) readsAll(db *DB) {
	v.Helper()
	found := map[string]string{}
	err := db.View(v.Context(), func(tx *Tx) error {
		for _, c := range secretColumns() {
			for after := int64(0); ; {
				rows, err := c.read(tx, after)
				if err != nil || len(rows) == 0 {
					if err != nil {
						return err
					}
					break
				}
				after = rows[len(rows)-1].id
				for _, r := range rows {
					plain, err := tx.Unseal(r.place.Session, r.place.Class, r.place.Key, r.value)
					if err != nil {
						return err
					}
					found[r.place.Class+" "+r.place.Key] = string(plain)
				}
			}
		}
		return nil
	})
	if err != nil {
		v.Fatal(err)
	}
	if len(found) != len(v.secrets) {
		v.Errorf("%d secrets are there, %d were planted", len(found), len(v.secrets))
	}
	for key, want := range v.secrets {
		if !strings.Contains(found[key], want) {
			v.Errorf("%s is %q, want %q", key, found[key], want)
		}
	}
}

// scan returns the planted secrets that can be read in the database's files.
func (v *vaultTest) scan() (seen []string) {
	v.Helper()
	for _, end := range []string{"", "-wal", "-shm", "-journal", ".epoch", "-wal.stale"} {
		data, err := os.ReadFile(v.path + end)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			v.Fatal(err)
		}
		for _, secret := range v.secrets {
			if bytes.Contains(data, []byte(secret)) {
				seen = append(seen, secret)
			}
		}
	}
	return seen
}

func TestSealAndUnseal(t *testing.T) {
	v, first, second := newVaultTest(t), newIdentity(t), newIdentity(t)
	if len(v.scan()) != len(v.secrets) {
		t.Fatal("the scan does not see what lies there in clear")
	}
	v.converted(SealOn, first)
	if seen := v.scan(); len(seen) > 0 {
		t.Fatalf("%d secrets lie in clear, such as %s", len(seen), seen[0])
	}
	v.refused("key_missing")
	v.refused("key_wrong", second)
	v.converted(SealOn, second, first) // another key in front: it is rotated
	v.refused("key_wrong", first)
	v.converted(SealOn, second)
	db, err := v.open(second)
	if err == nil {
		err = db.BeginUnseal(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	v.shut(db)
	v.converted(SealOff, second)
	v.converted(SealOff) // no key is needed any more
	if len(v.scan()) != len(v.secrets) {
		t.Error("not everything is in clear again")
	}
}

// refused opens the database, which must fail by this name and change no byte.
func (v *vaultTest) refused(name string, lines ...string) {
	v.Helper()
	before := v.files()
	db, err := v.open(lines...)
	if known := (*Error)(nil); !errors.As(err, &known) || known.Name != name || known.Hint == "" {
		v.Errorf("got %v, want %s", err, name)
	}
	if err == nil {
		v.shut(db)
	}
	if !maps.Equal(before, v.files()) {
		v.Error("a refused opening wrote to the database")
	}
}

// files returns the content of everything beside the database but its lock.
func (v *vaultTest) files() map[string]string {
	v.Helper()
	all := map[string]string{}
	names, err := filepath.Glob(v.path + "*")
	if err != nil {
		v.Fatal(err)
	}
	for _, name := range names {
		if data, err := os.ReadFile(name); err == nil && !strings.HasSuffix(name, ".lock") {
			all[name] = string(data)
		}
	}
	return all
}

// TestConvertKill kills the process in the middle of sealing, rotating and
// unsealing, over and over: every value opens, and the work comes to its end.
func TestConvertKill(t *testing.T) {
	v, first, second := newVaultTest(t), newIdentity(t), newIdentity(t)
	for _, step := range []struct {
		lines []string
		turn  string
		want  SealState
	}{{[]string{first}, "", SealOn}, {[]string{second, first}, "", SealOn}, {[]string{second}, "unseal", SealOff}} {
		killed := 0
		for commits := 1; ; commits += 1 + commits/2 {
			cmd := childCommand(t, "convert", v.path)
			cmd.Env = append(cmd.Env, childIdentity+"="+strings.Join(step.lines, "\n"), childTurn+"="+step.turn, childCommits+"="+strconv.Itoa(commits))
			out, err := cmd.CombinedOutput()
			if len(out) > 0 {
				t.Fatalf("the second process said %s", out)
			}
			if err == nil {
				break
			}
			killed++
			db, err := v.open(step.lines...)
			if err != nil {
				t.Fatal(err)
			}
			v.readsAll(db)
			v.shut(db)
		}
		if killed < 3 {
			t.Errorf("only %d kills struck", killed)
		}
		v.converted(step.want, step.lines...)
		if seen := len(v.scan()); (seen == 0) != (step.want == SealOn) {
			t.Errorf("%d secrets lie in clear", seen)
		}
	}
}

// TestForgedRows moves, cuts and replaces sealed values behind the program's back:
// none is taken.
func TestForgedRows(t *testing.T) {
	v, line := newVaultTest(t), newIdentity(t)
	v.converted(SealOn, line)
	stranger, _, err := seal.NewBinding(keysOf(t, line)) // knows the recipient
	if err != nil {
		t.Fatal(err)
	}
	forged, err := stranger.Close(seal.Place{Session: "shop", Class: ClassAuth, Key: "pre-key-1"}, []byte(`"forged"`))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Tx) error{
		"another row's": func(tx *Tx) error {
			_, err := tx.Exec(`UPDATE auth_data SET value = (SELECT value FROM auth_data WHERE key = 'pre-key-2') WHERE key = 'pre-key-1'`)
			return err
		},
		"cut": func(tx *Tx) error {
			_, err := tx.Exec(`UPDATE auth_data SET value = substr(value, 1, length(value) - 1) WHERE key = 'pre-key-1'`)
			return err
		},
		"in clear": func(tx *Tx) error {
			_, err := tx.Exec(`UPDATE auth_data SET value = '"forged"' WHERE key = 'pre-key-1'`)
			return err
		},
		"sealed by somebody else": func(tx *Tx) error {
			_, err := tx.Exec(`UPDATE auth_data SET value = ? WHERE key = 'pre-key-1'`, forged)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := v.open(line)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			if err := db.Update(t.Context(), change); err != nil {
				t.Fatal(err)
			}
			err = db.View(t.Context(), func(tx *Tx) error {
				var value []byte
				if err := tx.QueryRow(`SELECT value FROM auth_data WHERE key = 'pre-key-1'`).Scan(&value); err != nil {
					return err
				}
				_, err := tx.Unseal("shop", ClassAuth, "pre-key-1", value)
				return err
			})
			if known := (*Error)(nil); !errors.As(err, &known) || known.Name != "value_refused" {
				t.Errorf("got %v, want value_refused", err)
			}
		})
	}
}

// TestSealedWhileWriting seals while others write, and what they wrote is sealed.
func TestSealedWhileWriting(t *testing.T) {
	v, line := newVaultTest(t), newIdentity(t)
	db, err := v.open(line)
	if err != nil {
		t.Fatal(err)
	}
	done, ids := make(chan error, 1), []string{}
	go func() { done <- db.Convert(t.Context()) }()
	for working := true; working; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			working = false
		default:
		}
		j := mustAddJob(t, db, &Job{Session: "shop", MessageID: fmt.Sprint("N", len(ids)), To: "x", Content: Content{Type: "text", Text: v.secret(classContent, "new")}}, []byte("planted-media"))
		ids = append(ids, j.ID)
	}
	for _, id := range ids {
		j, err := db.Job(t.Context(), "shop", id)
		media, merr := db.JobMedia(t.Context(), id)
		if err != nil || merr != nil || j.Content.Text != "planted-job-new" || string(media) != "planted-media" {
			t.Fatalf("got %v, %q, %v, %v", j, media, err, merr)
		}
	}
	v.shut(db)
	if seen := v.scan(); len(seen) > 0 {
		t.Errorf("%d secrets lie in clear, such as %s", len(seen), slices.Min(seen))
	}
}
