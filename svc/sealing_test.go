package svc_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// sqliteWrites runs statements with the sqlite3 shell on a database that nobody
// has open.
func sqliteWrites(t testing.TB, file, statements string) {
	t.Helper()
	out, err := exec.Command("sqlite3", file, statements).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v: %s", err, out)
	}
}

// everyFile is all that lies beside a database of that name.
func everyFile(t testing.TB, file string) map[string]string {
	t.Helper()
	all := map[string]string{}
	names, err := filepath.Glob(file + "*")
	if err != nil || len(names) == 0 {
		t.Fatalf("got %v, %v", names, err)
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".lock") {
			all[name] = readFile(t, name)
		}
	}
	return all
}

// planted are the secrets of a sealed database, as a copy of it says that was put
// in clear, by where they are.
func planted(t testing.TB, file string, env []string) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	for name, text := range everyFile(t, file) {
		writeFile(t, filepath.Join(dir, "copy.db"+strings.TrimPrefix(name, file)), text, 0o600)
	}
	ok(t, dir, append(env, "DATABASE_URL=file:copy.db"), "key", "unseal")
	secrets := map[string][]byte{}
	for _, q := range []string{
		"SELECT sessionId||' '||key, hex(value) FROM auth_data WHERE key NOT LIKE 'app-state-sync-version-%' AND (key NOT LIKE 'pre-key-%' OR id % 20 = 0)",
		"SELECT 'secret '||messageId, hex(secret) FROM message_secrets",
		"SELECT 'incoming '||hex(hash), hex(plaintext) FROM event_buffer WHERE plaintext IS NOT NULL",
		"SELECT 'outgoing '||messageId, hex(plaintext) FROM outgoing_events",
		"SELECT 'qr '||id, hex(data) FROM events WHERE type = 'session.qr'",
		"SELECT 'item '||batchId||idx, hex(body) FROM batch_items WHERE body IS NOT NULL",
		"SELECT 'job '||id, hex(content) FROM jobs WHERE content LIKE '%canary%'",
		"SELECT 'sent '||id, hex(sent) FROM jobs WHERE sent IS NOT NULL",
	} {
		for line := range strings.Lines(sqlite(t, filepath.Join(dir, "copy.db"), q)) {
			where, value, _ := strings.Cut(strings.TrimSpace(line), "|")
			data, err := hex.DecodeString(value)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			addSecrets(secrets, where, data)
		}
	}
	return secrets
}

// addSecrets adds a value, or what is in base64 in it when it is JSON.
func addSecrets(secrets map[string][]byte, where string, data []byte) {
	var v any
	if json.Unmarshal(data, &v) != nil {
		secrets[where] = data
		return
	}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, inner := range v {
				walk(at+"."+name, inner)
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprint(at, ".", i), inner)
			}
		case string:
			if raw, err := base64.StdEncoding.DecodeString(v); err == nil && len(raw) >= 24 {
				secrets[at] = raw
			}
			if strings.Contains(v, "canary") || strings.Contains(v, "wa.me/settings") {
				secrets[at] = []byte(v)
			}
		}
	}
	walk(where, v)
}

// shows returns where a secret can be read in a text: as it is, in base64 or in
// hexadecimal.
func shows(text string, secrets map[string][]byte) (seen []string) {
	for where, secret := range secrets {
		for _, form := range []string{string(secret), base64.StdEncoding.EncodeToString(secret), base64.RawURLEncoding.EncodeToString(secret), hex.EncodeToString(secret)} {
			if strings.Contains(text, form) {
				seen = append(seen, where)
			}
		}
	}
	return seen
}

// hides fails the test when a secret lies in clear in a file beside the database.
func hides(t testing.TB, file string, secrets map[string][]byte) {
	t.Helper()
	if len(secrets) < 50 {
		t.Fatalf("only %d secrets were planted", len(secrets))
	}
	for name, text := range everyFile(t, file) {
		if seen := shows(text, secrets); len(seen) > 0 {
			t.Errorf("%s shows %d secrets, such as %s", filepath.Base(name), len(seen), seen[0])
		}
	}
}

// TestNoSecretLeft: a program that seals writes no secret in clear, wherever it
// keeps it, and with HISTORY=off no text either.
func TestNoSecretLeft(t *testing.T) {
	t.Parallel()
	for _, history := range []string{"full", "off"} {
		t.Run(history, func(t *testing.T) {
			_, env := newKey(t)
			world := start(t, t.TempDir(), nil, "sandbox")
			g := start(t, t.TempDir(), append(append(pointedAt(world), env...), "HISTORY="+history), "run")
			file := filepath.Join(g.dir, "wamux.db")
			g.pairOn(world, "shop", ours)
			world.phone(theirs)
			g.chatter(world, history)
			secrets := planted(t, file, env) // while it runs: also what is on its way
			if history == "full" {
				maps.DeleteFunc(secrets, func(_ string, s []byte) bool { return bytes.Contains(s, []byte("canary")) })
			}
			hides(t, file, secrets)
			if history == "full" {
				return
			}
			sqlite(t, file, "VACUUM INTO '"+filepath.Join(g.dir, "wamux.db-backup")+"'")
			hides(t, file, secrets)
			g.kill()
			hides(t, file, secrets)
			for name, text := range everyFile(t, file) {
				if strings.Contains(text, "canary") {
					t.Errorf("a text is in %s", filepath.Base(name))
				}
			}
			g.begin()
			g.online("shop")
			g.stop()
			checked(t, g.dir, env, 0)
		})
	}
}

// chatter sends and receives every kind of thing that leaves a secret: texts,
// polls, a vote, an edit, what a closed phone has not taken yet, a batch that waits.
func (g *gateway) chatter(world *gateway, history string) {
	g.t.Helper()
	say := func(m object) string {
		m["to"] = ours
		return must[struct{ ID string }](world, 200, "POST", "/v1/sandbox/phones/"+theirs+"/messages", m).ID
	}
	for i := range 3 {
		sent := must[struct{ Data struct{ Key sentKey } }](g, 200, "POST", "/shop/messages/send", text(theirs, fmt.Sprint("canary out ", i))).Data.Key.ID
		say(object{"type": "text", "text": fmt.Sprint("canary in ", i)})
		say(object{"type": "poll", "text": "canary?", "options": []string{"canary a", "canary b"}})
		poll := must[struct{ Data struct{ Key sentKey } }](g, 200, "POST", "/shop/messages/send", object{"jid": theirs, "type": "number",
			"message": object{"poll": object{"name": "canary!", "values": []string{"canary c", "canary d"}}}}).Data.Key.ID
		world.arrived(theirs, poll)
		world.arrived(theirs, sent)
		say(object{"type": "vote", "target": poll, "options": []string{"canary d"}})
		last := say(object{"type": "text", "text": "helo"})
		say(object{"type": "edit", "target": last, "text": "canary edited"})
	}
	batch := g.request("POST", "/shop/messages/send/bulk", []object{text(theirs, "canary batch"), text(theirs, "canary of the batch, which waits")})
	batch.Header.Set("Prefer", "respond-async")
	if a := g.do(batch); a.status != 202 {
		g.t.Fatalf("batch: got %d %s", a.status, a.body)
	}
	kinds := map[string]int{}
	eventually(g.t, "all events", func() bool {
		kinds = g.kinds()
		return kinds["message.edited"] == 3 && kinds["message.pollVote"] == 3 && kinds["message.sent"] == 7
	})
	if kinds["message.received"] != 9 || kinds["message.sent"] != 7 {
		g.t.Errorf("got events %v, want 9 received and 7 sent, once each", kinds)
	}
	if rows := len(g.history("shop")); (rows == 0) != (history == "off") {
		g.t.Errorf("got %d rows of history with HISTORY=%s", rows, history)
	}
}

// kinds counts the events by type.
func (g *gateway) kinds() map[string]int {
	g.t.Helper()
	kinds := map[string]int{}
	for _, e := range must[struct{ Data []struct{ Type string } }](g, 200, "GET", "/v1/events?limit=1000", nil).Data {
		kinds[e.Type]++
	}
	return kinds
}

// TestSealOnOff links an account in clear, and goes on with it sealed, with another
// key, in clear again and sealed again, by commands beside the running gateway and
// on the stopped one; it talks in between.
func TestSealOnOff(t *testing.T) {
	t.Parallel()
	file, env := newKey(t)
	world := start(t, t.TempDir(), nil, "sandbox")
	g := start(t, t.TempDir(), pointedAt(world), "run")
	db := filepath.Join(g.dir, "wamux.db")
	g.pairOn(world, "shop", ours)
	world.phone(theirs)
	g.talk(world, "clear")
	refuses(t, 1, "No key is configured", g.dir, nil, "key", "seal")
	g.stop()
	clear := clearSecrets(t, db)
	if seen := shows(strings.Join(values(everyFile(t, db)), ""), clear); len(seen) < 50 {
		t.Fatalf("only %d of %d secrets are seen in clear", len(seen), len(clear))
	}

	g.env = append(g.env, env...)
	first := readFile(t, file)
	for _, step := range []struct {
		name    string
		running bool
		args    []string // of `wamux key`
		state   string   // afterwards
	}{
		{"start with a key", true, nil, "sealed"},
		{"rotate live", true, []string{"rotate"}, "sealed"},
		{"unseal live", true, []string{"unseal"}, "clear"},
		{"seal live", true, []string{"seal"}, "sealed"},
		{"rotate stopped", false, []string{"rotate"}, "sealed"},
		{"unseal stopped", false, []string{"unseal"}, "clear"},
		{"seal stopped", false, []string{"seal"}, "sealed"},
	} {
		if step.running && !g.running() {
			g.begin()
			g.online("shop")
		} else if !step.running && g.running() {
			g.stop()
		}
		if step.args != nil {
			if got := wamux(t, g.dir, env, append([]string{"key"}, step.args...)...); got.code != 0 {
				t.Fatalf("%s: got %d %s%s", step.name, got.code, got.out, got.err)
			}
		} else {
			g.sealed()
		}
		if !g.running() {
			checked(t, g.dir, env, 0)
			if hidden := len(shows(readFile(t, db), clear)) == 0; hidden != (step.state == "sealed") {
				t.Errorf("%s: the secrets are hidden: %v", step.name, hidden)
			}
			g.begin()
			g.online("shop")
		}
		g.becomes(step.state)
		g.talk(world, step.name)
	}
	g.healthyOn(world)
	if now := readFile(t, file); strings.Contains(now, strings.TrimSpace(first)) || strings.Count(now, "\nAGE-SECRET-KEY-") != 1 {
		t.Error("the identity file does not hold the newest key alone")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the identity file has mode %v, %v", info.Mode(), err)
	}
}

// clearSecrets are the secrets of a database in clear.
func clearSecrets(t testing.TB, file string) map[string][]byte {
	t.Helper()
	secrets := map[string][]byte{}
	for line := range strings.Lines(sqlite(t, file, "SELECT key, hex(value) FROM auth_data WHERE key = 'creds' OR key LIKE 'pre-key-%' AND id % 8 = 0 OR key LIKE 'session-%'")) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "|")
		data, err := hex.DecodeString(value)
		if err != nil {
			t.Fatal(err)
		}
		addSecrets(secrets, key, data)
	}
	return secrets
}

func values(m map[string]string) (all []string) {
	for _, v := range m {
		all = append(all, v)
	}
	return all
}

// healthyOn is healthy for the phones of another process's sandbox.
func (g *gateway) healthyOn(world *gateway) {
	g.t.Helper()
	world.healthy(ours, theirs)
}
