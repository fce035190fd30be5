package svc_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestStockAge writes sealed values out with the sqlite3 shell and opens them with
// Debian's age, as the help says.
func TestStockAge(t *testing.T) {
	t.Parallel()
	file, env := newKey(t)
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	g.pair("shop", ours)
	g.sealed()
	db, dir := filepath.Join(g.dir, "wamux-sandbox.db"), t.TempDir()
	keys := strings.Fields(sqlite(t, db, "SELECT key FROM auth_data WHERE key = 'creds' UNION ALL SELECT key FROM (SELECT key FROM auth_data WHERE key LIKE 'pre-key-%' LIMIT 20)"))
	if len(keys) != 21 {
		t.Fatalf("got %d values to open, want 21", len(keys))
	}
	for _, key := range keys {
		out := filepath.Join(dir, key+".age")
		// the shell cannot write a file in read-only mode when it reads the live one beside us, so this is the plain shell
		sqliteWrites(t, db, fmt.Sprintf("SELECT writefile('%s', value) FROM auth_data WHERE key = '%s'", out, key))
		header, value, _ := strings.Cut(age(t, "-d", "-i", file, out), "\n")
		if !strings.HasPrefix(header, "wamux1 shop auth_data "+key+" mac=") || !json.Valid([]byte(value)) {
			t.Errorf("%s: got %q %.60q, want its place and JSON", key, header, value)
		}
	}
	refused := exec.Command("age", "-d", "-i", otherKey(t), filepath.Join(dir, "creds.age"))
	if out, err := refused.CombinedOutput(); err == nil || !strings.Contains(string(out), "no identity matched") {
		t.Errorf("another key opened a value, or it was not tried: %v %.200q", err, out)
	}
}

func otherKey(t testing.TB) string {
	t.Helper()
	file, _ := newKey(t)
	return file
}

// TestWrongKey: without the key, and with another one, nothing opens the database
// and no byte of it changes.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	_, env := newKey(t)
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "shop"}) // its QR code is a secret
	g.sealed()
	for _, crashed := range []bool{false, true} {
		if crashed {
			g.begin()
			g.sealed()
			g.kill() // its log is beside it now
		} else {
			g.stop()
		}
		db := filepath.Join(g.dir, "wamux-sandbox.db")
		before := everyFile(t, db)
		use := []string{"PORT=0", "DATABASE_URL=file:wamux-sandbox.db"}
		for part, key := range map[string][]string{"no key was given": nil, "another key": {"AGE_IDENTITY_FILE=" + otherKey(t)}} {
			refuses(t, 1, part, g.dir, append(use, key...), "run", "--sandbox")
			refuses(t, 1, part, g.dir, append(use, key...), "key", "check")
			refuses(t, 1, part, g.dir, append(use, key...), "key", "unseal")
		}
		for name, text := range everyFile(t, db) {
			if before[name] != text {
				t.Errorf("a refused start changed %s", name)
			}
		}
	}
	g.begin()
	g.sealed()
}

// TestMeddledRows swaps, forges, cuts and opens sealed rows behind the program's
// back: each is refused, by name, every time, and the session says so.
func TestMeddledRows(t *testing.T) {
	t.Parallel()
	_, env := newKey(t)
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	g.pair("shop", ours)
	must[object](g, 200, "POST", "/sessions/add", object{"sessionId": "desk"})
	g.sealed()
	g.stop()
	db := filepath.Join(g.dir, "wamux-sandbox.db")
	use := append(env, "DATABASE_URL=file:wamux-sandbox.db")
	forged := filepath.Join(t.TempDir(), "forged.age")
	forge := exec.Command("age", "-r", strings.TrimSpace(ok(t, g.dir, use, "key", "recipient")), "-o", forged)
	forge.Stdin = strings.NewReader("wamux1 shop auth_data pre-key-5 mac=00112233445566778899aabbccddeeff\n{}")
	if out, err := forge.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	const bent = "CAST(substr(value, 1, length(value) - 1) AS BLOB) || CASE substr(value, -1) WHEN x'00' THEN x'01' ELSE x'00' END"
	for key, change := range map[string]string{
		"creds":      "value = (SELECT value FROM auth_data WHERE key = 'pre-key-2')",
		"pre-key-3":  "value = (SELECT value FROM auth_data WHERE key = 'pre-key-2')",
		"pre-key-4":  "sessionId = 'desk'",
		"pre-key-5":  "value = readfile('" + forged + "')",
		"pre-key-6":  "value = substr(value, 1, length(value) - 7)",
		"pre-key-7":  "value = substr(value, 1, 40)",
		"pre-key-8":  "value = CAST(" + bent + " AS BLOB)",
		"pre-key-9":  "value = '{}'",
		"pre-key-10": "value = x''",
	} {
		sqliteWrites(t, db, "UPDATE auth_data SET "+change+" WHERE sessionId = 'shop' AND key = '"+key+"'")
	}
	named := func() {
		t.Helper()
		out := checked(t, g.dir, use, 9)
		for key, why := range map[string]string{
			"shop creds": "moved", "shop pre-key-3": "moved", "desk pre-key-4": "moved", "shop pre-key-5": "moved", "shop pre-key-6": "damaged",
			"shop pre-key-7": "damaged", "shop pre-key-8": "damaged", "shop pre-key-9": "in_clear", "shop pre-key-10": "in_clear",
		} {
			session, key, _ := strings.Cut(key, " ")
			if !strings.Contains(out, fmt.Sprintf("refused: session %q, auth_data %q: %s\n", session, key, why)) {
				t.Errorf("%s of %s is not named as %s in %s", key, session, why, out)
			}
		}
	}
	named()
	g.begin()
	eventually(t, "the session says so", func() bool { return strings.Contains(g.told("shop"), "storage_error") })
	named()
}

// told is what /v1 tells of a session.
func (g *gateway) told(session string) string {
	g.t.Helper()
	_, body := g.call("GET", "/v1/sessions/"+session, nil)
	return string(body)
}

// TestSealKill kills the gateway, and the command, in the middle of sealing and of
// rotating, over and over. File and database open together each time, all values
// open in the end, and nothing of the old form is left.
func TestSealKill(t *testing.T) {
	t.Parallel()
	file, env := newKey(t)
	env = append(env, "DATABASE_URL=file:wamux-sandbox.db")
	g := start(t, t.TempDir(), env, "run", "--sandbox")
	g.pair("shop", ours)
	g.sealed()
	db := filepath.Join(g.dir, "wamux-sandbox.db")
	struck := 0
	for round := 0; round < rounds(t, 1) || struck == 0 && round < 5; round++ {
		ok(t, g.dir, env, "key", "unseal")
		g.stop()
		clear := clearSecrets(t, db)
		g.begin()
		must[object](g, 202, "POST", "/v1/seal/seal", nil)
		struck += g.killMidway(round, "")
		g.begin()
		g.sealed()
		g.kill()
		hides(t, db, clear)
		checked(t, g.dir, env, 0)

		g.begin()
		before, recipient := readFile(t, file), g.sealView().Recipients[0]
		rotate := command(t, g.dir, env, "key", "rotate")
		if err := rotate.Start(); err != nil {
			t.Fatal(err)
		}
		struck += g.killMidway(round, recipient)
		_ = rotate.Process.Kill()
		_ = rotate.Wait()
		g.begin()
		ok(t, g.dir, env, "key", "rotate")
		if readFile(t, file) == before || identities(t, file) != 1 {
			t.Errorf("round %d: got %d identities in the file, want a new one alone", round, identities(t, file))
		}
		if v := g.sealView(); v.Pending || v.Recipients[0] != strings.TrimSpace(ok(t, g.dir, env, "key", "recipient")) {
			t.Errorf("round %d: got %+v, want it sealed to the new key", round, v)
		}
		checked(t, g.dir, env, 0)
	}
	if struck == 0 {
		t.Error("no kill struck in the middle")
	}
	g.online("shop")
}

// killMidway kills the gateway while values change their form, which were sealed to
// before, or to nobody: in the first round as soon as some have changed, later at any
// moment. It returns 1 when the change was seen under way.
func (g *gateway) killMidway(round int, before string) (struck int) {
	g.t.Helper()
	defer g.kill()
	if round > 0 {
		<-time.After(time.Duration(rand.IntN(200)) * time.Millisecond)
		return 0
	}
	for end := time.Now().Add(deadline); time.Now().Before(end); {
		v := g.sealView()
		if v.Pending && v.Progress > 0 && v.Progress < 1 {
			return 1
		}
		if !v.Pending && v.State == "sealed" && v.Recipients[0] != before {
			return 0 // it was quicker
		}
	}
	return 0
}
