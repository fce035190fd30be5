package svc_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"wamux/store/seal"
)

// said is what a command that has ended has said.
type said struct {
	code     int
	out, err string
}

// wamux runs a command of the program to its end.
func wamux(t testing.TB, dir string, env []string, args ...string) said {
	t.Helper()
	cmd := command(t, dir, env, args...)
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	if err := cmd.Run(); err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return said{cmd.ProcessState.ExitCode(), out.String(), log.String()}
}

// command is wamux that is not started yet.
func command(t testing.TB, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "WAMUX_TEST_MAIN=1", "GORACE=halt_on_error=1 "+os.Getenv("GORACE")), env...)
	return cmd
}

// ok is wamux for a command that must end well; it returns what it said.
func ok(t testing.TB, dir string, env []string, args ...string) string {
	t.Helper()
	s := wamux(t, dir, env, args...)
	if s.code != 0 {
		t.Fatalf("wamux %v ended with %d: %s%s", args, s.code, s.out, s.err)
	}
	return s.out
}

// refuses is wamux for a command that must end with code, an error and a hint.
func refuses(t testing.TB, code int, part, dir string, env []string, args ...string) {
	t.Helper()
	s := wamux(t, dir, env, args...)
	if s.code != code || !strings.Contains(s.err, "error: ") || !strings.Contains(s.err, "hint: ") || !strings.Contains(s.err, part) {
		t.Errorf("wamux %v: got %d %s, want %d, a hint and %q", args, s.code, s.err, code, part)
	}
	for _, leak := range []string{"AGE-SECRET-KEY-1", "goroutine", ".go:", "canary"} {
		if strings.Contains(s.err+s.out, leak) {
			t.Errorf("wamux %v shows %q: %s", args, leak, s.err)
		}
	}
}

// age runs Debian's age, which .ci/run installs.
func age(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.Command("age", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("age %v: %v: %s (it must be installed: apt-get install age)", args, err, out)
	}
	return string(out)
}

// newKey makes an identity file and returns the environment that names it.
func newKey(t testing.TB) (file string, env []string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "age.key")
	ok(t, filepath.Dir(file), nil, "key", "new", "-o", file)
	return file, []string{"AGE_IDENTITY_FILE=" + file}
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeFile(t testing.TB, name, text string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.WriteFile(name, []byte(text), mode), os.Chmod(name, mode)); err != nil {
		t.Fatal(err)
	}
}

// TestKeyFiles makes identities, which the stock tools take, and refuses those
// that should not be used.
func TestKeyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, env := newKey(t)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
	before := readFile(t, file)
	refuses(t, 1, "is there already", dir, nil, "key", "new", "-o", file)
	if readFile(t, file) != before {
		t.Error("the key was overwritten")
	}
	own := strings.TrimSpace(ok(t, dir, env, "key", "recipient"))
	if stock, err := exec.Command("age-keygen", "-y", file).Output(); err != nil || strings.TrimSpace(string(stock)) != own {
		t.Errorf("age-keygen says %s %v, wamux %s", stock, err, own)
	}
	secret := filepath.Join(dir, "secret.age")
	cmd := exec.Command("age", "-r", own, "-o", secret)
	cmd.Stdin = strings.NewReader("hello")
	if out, err := cmd.CombinedOutput(); err != nil || age(t, "-d", "-i", file, secret) != "hello" {
		t.Errorf("the stock tool cannot use the key: %s %v", out, err)
	}
	recovery := wamux(t, dir, nil, "key", "new")
	if !strings.Contains(recovery.out, "\nAGE-SECRET-KEY-1") || strings.Contains(recovery.err, "AGE-SECRET-KEY-") {
		t.Errorf("got %q %q, want the identity on standard output alone", recovery.out, recovery.err)
	}
	_, public, _ := strings.Cut(recovery.err, "Public key: ")
	public, _, _ = strings.Cut(public, "\n")
	both := ok(t, dir, append(env, "AGE_RECIPIENTS="+public), "key", "recipient")
	if both != own+"\n"+public+"\n" {
		t.Errorf("got recipients %q, want %s and %s", both, own, public)
	}
	if pq := wamux(t, dir, nil, "key", "new", "--pq"); !strings.Contains(pq.out, "\nAGE-SECRET-KEY-PQ-1") {
		t.Errorf("got %s, want a post-quantum identity", pq.out)
	}
	writeFile(t, filepath.Join(dir, "none.key"), "canary", 0o600)
	writeFile(t, filepath.Join(dir, "open.key"), before, 0o640)
	for part, in := range map[string][]string{
		"is not there":              {"AGE_IDENTITY_FILE=missing.key"},
		"holds no age identity":     {"AGE_IDENTITY_FILE=none.key"},
		"open to other users":       {"AGE_IDENTITY_FILE=open.key"},
		"No key is configured":      nil,
		"word that begins with age": append(env, "AGE_RECIPIENTS=canary"),
		"only make sense with":      {"AGE_RECIPIENTS=" + own},
		"is no file":                {"AGE_IDENTITY_FILE=."},
	} {
		code := 1
		if strings.Contains(part, "age") && part != "holds no age identity" || strings.Contains(part, "only make") {
			code = 2
		}
		refuses(t, code, part, dir, in, "key", "recipient")
	}
	refuses(t, 2, "there is no command", dir, nil, "key", "fly")
	refuses(t, 2, "there is no flag --keep", dir, nil, "key", "check", "--keep")
	refuses(t, 1, "is not there", dir, env, "key", "check")
}

// TestCredential takes the identity from the service manager, whatever mode it
// gave the file.
func TestCredential(t *testing.T) {
	t.Parallel()
	file, env := newKey(t)
	given := t.TempDir()
	writeFile(t, filepath.Join(given, "age-identity"), readFile(t, file), 0o440)
	service := []string{"CREDENTIALS_DIRECTORY=" + given}
	if a, b := ok(t, given, service, "key", "recipient"), ok(t, given, env, "key", "recipient"); a != b {
		t.Errorf("got %s, want %s", a, b)
	}
	if out := ok(t, given, service, "config"); !strings.Contains(out, "credential") {
		t.Errorf("got %s, want to see where the key comes from", out)
	}
	if other := ok(t, given, append(service, "AGE_IDENTITY_FILE="+file), "config"); !strings.Contains(other, file) {
		t.Errorf("got %s, want the file that was named", other)
	}
	refuses(t, 1, "credential", given, service, "key", "rotate")
}

// TestPassphrase opens a protected identity with a passphrase from a file, and
// refuses to start without.
func TestPassphrase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "pass"), "correct horse\n", 0o600)
	writeFile(t, filepath.Join(dir, "wrong"), "canary\n", 0o600)
	writeFile(t, filepath.Join(dir, "open"), "correct horse\n", 0o644)
	ok(t, dir, []string{"AGE_PASSPHRASE_FILE=pass", "AGE_IDENTITY_FILE=age.key"}, "key", "new", "--passphrase", "-o", "age.key")
	if text := readFile(t, filepath.Join(dir, "age.key")); !strings.HasPrefix(text, "-----BEGIN AGE ENCRYPTED FILE-----") {
		t.Errorf("got %s, want what age -p makes", text)
	}
	quick, err := seal.Protect([]byte(wamux(t, dir, nil, "key", "new").out), "correct horse", 10) // as age -p makes it, but cheaper to check
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "age.key"), string(quick), 0o600)
	env := []string{"AGE_IDENTITY_FILE=age.key"}
	refuses(t, 1, "nobody to ask", dir, append(env, "PORT=0"), "run", "--sandbox")
	refuses(t, 1, "passphrase is wrong", dir, append(env, "AGE_PASSPHRASE_FILE=wrong"), "key", "recipient")
	refuses(t, 1, "open to other users", dir, append(env, "AGE_PASSPHRASE_FILE=open"), "key", "recipient")
	refuses(t, 1, "nobody to ask", dir, nil, "key", "new", "--passphrase")
	if files, _ := filepath.Glob(filepath.Join(dir, "wamux*")); len(files) > 1 {
		t.Errorf("got %v, want no database", files)
	}
	g := start(t, dir, append(env, "AGE_PASSPHRASE_FILE=pass"), "run", "--sandbox")
	g.sealed()
	ok(t, dir, append(env, "AGE_PASSPHRASE_FILE=pass", "DATABASE_URL=file:wamux-sandbox.db"), "key", "rotate", "--pq")
	if text := readFile(t, filepath.Join(dir, "age.key")); !strings.HasPrefix(text, "-----BEGIN AGE ENCRYPTED FILE-----") {
		t.Error("the rotated identity lost its passphrase")
	}
	g.stop()
	g.begin()
	g.sealed()
	if v := g.sealView(); !strings.HasPrefix(v.Recipients[0], "age1pq1") {
		t.Errorf("got %v, want a post-quantum key", v.Recipients)
	}
}

// sealView is the answer of GET /v1/seal.
type sealView struct {
	State      string
	Recipients []string
	Pending    bool
	Progress   float64
}

func (g *gateway) sealView() sealView {
	g.t.Helper()
	return must[sealView](g, 200, "GET", "/v1/seal", nil)
}

// sealed waits until every value is sealed and nothing of the old form is left.
func (g *gateway) sealed() {
	g.t.Helper()
	g.becomes("sealed")
}

func (g *gateway) becomes(state string) {
	g.t.Helper()
	eventually(g.t, "every value "+state, func() bool { v := g.sealView(); return v.State == state && !v.Pending })
}

// checked is what `wamux key check` says in the end, with all refused values.
func checked(t testing.TB, dir string, env []string, refused int) string {
	t.Helper()
	s := wamux(t, dir, env, "key", "check")
	if !strings.Contains(s.out, fmt.Sprintf(", %d are refused\n", refused)) || (s.code == 0) != (refused == 0) {
		t.Errorf("key check: got %d %s%s, want %d refused", s.code, s.out, s.err, refused)
	}
	return s.out
}
