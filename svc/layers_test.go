package svc

import (
	"os/exec"
	"strings"
	"testing"
)

// law says which packages of ours may reach an import path (or what lies below it).
type law struct {
	reach  string
	mayUse []string // packages of this module; a trailing / means everything below
	direct bool     // judge direct imports only
	why    string
}

func laws() []law {
	return []law{
		{"go.mau.fi/whatsmeow", []string{"svc/session", "svc/sandbox", "svc", "."}, false,
			"the WhatsApp client stays behind svc/session: store and api must be testable, and readable, without it"},
		{"github.com/julienschmidt/httprouter", []string{"api"}, true, "routes are data of api; nobody else routes"},
		{"github.com/kardianos/service", []string{"svc"}, true, "the OS service is a matter of svc"},
		{"filippo.io/age", []string{"store/seal", "store"}, true, "sealing has one place"},
		{"modernc.org/sqlite", []string{"store", "svc/sandbox"}, true, "SQL stays in store; the sandbox has a file of its own"},
		{"wamux/svc", []string{"."}, true, "nobody reaches up into the wiring"},
		{"wamux/svc/session", []string{"svc"}, true, "the sandbox meets sessions by the wire only, the api by an interface"},
		{"wamux/svc/sandbox", []string{"svc"}, true, "only the wiring knows that a WhatsApp is simulated"},
		{"wamux/svc/guard", []string{"svc"}, true, "the api asks for a Fetcher; the wiring hands it the guard"},
		{"wamux/svc/media", []string{"svc"}, true, "the api asks for a Studio; the wiring hands it this one"},
		{"wamux/api", []string{"svc", "svc/sandbox"}, true, "HTTP is an outer layer; the sandbox speaks its control types"},
	}
}

// TestLayers keeps the picture of README's "How it is built" true.
func TestLayers(t *testing.T) {
	for _, line := range goList(t, "{{.ImportPath}}|{{join .Imports \" \"}}|{{join .Deps \" \"}}", "wamux/...") {
		parts := strings.Split(line, "|")
		for _, l := range laws() {
			imports := parts[2]
			if l.direct {
				imports = parts[1]
			}
			for _, imported := range strings.Fields(imports) {
				if imported == l.reach && !l.allows(parts[0]) {
					t.Errorf("%s imports %s: %s", parts[0], imported, l.why)
				}
			}
		}
	}
}

func (l law) allows(pkg string) bool {
	name := strings.TrimPrefix(strings.TrimPrefix(pkg, "wamux"), "/")
	for _, may := range l.mayUse {
		if name == may || (may == "." && name == "") || strings.HasPrefix(name+"/", may+"/") {
			return true
		}
	}
	return false
}

// TestNames refuses packages that say nothing.
func TestNames(t *testing.T) {
	for _, pkg := range goList(t, "{{.Name}}", "wamux/...") {
		switch pkg {
		case "util", "utils", "common", "helper", "helpers", "model", "models", "misc":
			t.Errorf("package %s: name it after what it is, not after where things ended up", pkg)
		}
	}
}

func goList(t *testing.T, format string, args ...string) []string {
	t.Helper()
	out, err := exec.Command("go", append([]string{"list", "-f", format}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
