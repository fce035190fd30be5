package svc

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// law says who may use a package. Whoever is named nowhere may not.
type law struct {
	what  string   // an import path; with /... also everything below it
	deep  bool     // also through other packages, ours or not
	may   []string // packages of this module, exactly; "." is main
	tests []string // packages whose tests may besides
	why   string
}

func laws() []law {
	return []law{
		{what: "go.mau.fi/whatsmeow", may: []string{"svc/session"}, tests: []string{"svc/sandbox", "svc/sandbox/phone", "svc"},
			why: "the WhatsApp client stays behind svc/session; of tests only those of the sandbox, and the yardstick of the load driver, drive one of their own"},
		{what: "go.mau.fi/whatsmeow", deep: true, may: []string{"svc/session", "svc", "."}, tests: []string{"svc/sandbox", "svc/sandbox/phone"},
			why: "store/signal and convert know the types of WhatsApp, never the client: they must be testable, and readable, without it"},
		{what: "go.mau.fi/...", may: []string{"store/signal", "svc/session", "svc/session/convert", "svc/sandbox", "svc/sandbox/phone"}, tests: []string{"svc"},
			why: "whatever of WhatsApp's protocol is needed elsewhere has a word of our own"},
		{what: "go.mau.fi/...", deep: true, may: []string{"store/signal", "svc/session", "svc/session/convert", "svc/sandbox", "svc/sandbox/phone", "svc/media", "svc", "."},
			why: "store and api know no WhatsApp library, not even through others"},
		{what: "github.com/julienschmidt/httprouter", may: []string{"api"}, why: "routes are data of api; nobody else routes"},
		{what: "github.com/kardianos/service", may: []string{"svc/osservice"}, why: "the OS service has one place"},
		{what: "filippo.io/age/...", may: []string{"store/seal"}, why: "sealing, and what a backup is sealed with, has one place"},
		{what: "modernc.org/...", may: []string{"store", "store/broken", "svc/sandbox"}, tests: []string{"svc", "store/salvage"}, why: "SQL stays in store; the sandbox has a file of its own"},
		{what: "database/sql", may: []string{"store", "store/signal", "svc/sandbox"}, tests: []string{"svc", "store/salvage"}, why: "SQL stays in store; the sandbox has a file of its own"},
		{what: "wamux/svc/...", deep: true, may: []string{"svc", "svc/session", "svc/sandbox", "svc/media", "."}, tests: []string{"svc/sandbox", "svc/sandbox/phone", "svc/session/convert"},
			why: "api and store name what they need in small interfaces; they know nothing that is above them"},
		{what: "wamux/svc", may: []string{"."}, why: "nobody reaches up into the wiring"},
		{what: "wamux/svc/session", deep: true, may: []string{"svc", "."}, why: "the sandbox meets sessions by the wire only, webhooks meet them in the database"},
		{what: "wamux/svc/session/convert", may: []string{"svc/session", "svc/media"}, why: "only sessions turn WhatsApp's messages into ours; media makes the pictures that go into them"},
		{what: "wamux/svc/webhook", may: []string{"svc"}, why: "webhooks and sessions meet in the database"},
		{what: "wamux/svc/sandbox", may: []string{"svc"}, tests: []string{"svc/session"}, why: "only the wiring knows that a WhatsApp is simulated"},
		{what: "wamux/svc/sandbox/phone", may: []string{"svc/sandbox"}, why: "phones belong to the simulated WhatsApp"},
		{what: "wamux/svc/guard", may: []string{"svc"}, why: "the api asks for a Fetcher; the wiring hands it the guard"},
		{what: "wamux/svc/osservice", may: []string{"svc"}, why: "only the wiring knows that somebody runs it as a service"},
		{what: "wamux/svc/media", may: []string{"svc"}, why: "the api asks for a Studio; the wiring hands it this one"},
		{what: "wamux/api", may: []string{"svc", "svc/sandbox"}, tests: []string{"svc/session"}, why: "HTTP is an outer layer; the sandbox speaks its control types"},
		{what: "wamux/assets", may: []string{"api"}, tests: []string{"svc", "svc/sandbox"}, why: "the bytes of the pages are served by api"},
		{what: "wamux/store", may: []string{"api", "store/signal", "svc", "svc/guard", "svc/media", "svc/sandbox", "svc/session", "svc/session/convert", "svc/webhook"},
			why: "svc/osservice, and what is below store, knows nothing of what the program does"},
		{what: "wamux/store/signal", may: []string{"svc", "svc/session"}, why: "WhatsApp's secrets are read and written by sessions only"},
		{what: "wamux/store/seal", may: []string{"store", "svc"}, tests: []string{"api"}, why: "values are sealed and opened in store; the wiring brings the keys"},
		{what: "wamux/store/broken", tests: []string{"store", "store/signal", "svc/session", "svc"}, why: "a disk that breaks when it is told to is for tests"},
		{what: "wamux/store/salvage", may: []string{"store"}, why: "a damaged file is read in store"},
	}
}

// TestLayers keeps the picture of README's "How it is built" true, on each system.
func TestLayers(t *testing.T) {
	for _, system := range []string{"linux", "windows", "darwin"} {
		t.Run(system, func(t *testing.T) {
			t.Parallel()
			g := imports(t, system)
			for _, pkg := range []string{"wamux", "wamux/svc", "wamux/store/signal", "go.mau.fi/whatsmeow/types"} {
				if len(g.code[pkg]) == 0 {
					t.Fatalf("the graph has no imports of %s", pkg)
				}
			}
			for _, breach := range g.breaches(laws()) {
				t.Error(breach)
			}
		})
	}
}

// graph is who imports what, by import path.
type graph struct {
	code  map[string][]string // of this module and of all it is made of
	tests map[string][]string // of this module only
}

func imports(t *testing.T, system string) graph {
	t.Helper()
	g := graph{map[string][]string{}, map[string][]string{}}
	format := `{{.ImportPath}}|{{join .Imports " "}}|{{join .TestImports " "}} {{join .XTestImports " "}}`
	for _, line := range goList(t, system, "-deps", "-f", format, "wamux/...") {
		parts := strings.Split(line, "|")
		g.code[parts[0]] = strings.Fields(parts[1])
		if ours(parts[0]) {
			g.tests[parts[0]] = strings.Fields(parts[2])
		}
	}
	for _, line := range goList(t, system, "-deps", "-test", "-f", `{{.ImportPath}}|{{join .Imports " "}}`, "wamux/...") {
		if path, imported, _ := strings.Cut(line, "|"); !ours(path) { // what only tests use
			g.code[path] = strings.Fields(imported)
		}
	}
	return g
}

func ours(pkg string) bool { return pkg == "wamux" || strings.HasPrefix(pkg, "wamux/") }

// breaches are the sentences that are due, in the order of the laws.
func (g graph) breaches(laws []law) (all []string) {
	for _, l := range laws {
		for pkg := range g.code {
			if !ours(pkg) || l.covers(pkg) || slices.Contains(l.may, short(pkg)) {
				continue
			}
			if via, found := g.use(l, g.code[pkg]); found {
				all = append(all, short(pkg)+" uses "+via+": "+l.why)
			} else if via, found := g.use(l, g.tests[pkg]); found && !slices.Contains(l.tests, short(pkg)) {
				all = append(all, "a test of "+short(pkg)+" uses "+via+": "+l.why)
			}
		}
	}
	return all
}

// use finds an import that the law is about, and through whom it came.
func (g graph) use(l law, imported []string) (via string, found bool) {
	seen := map[string]bool{}
	var walk func(path string, pkg string) bool
	walk = func(path, pkg string) bool {
		if l.covers(pkg) {
			via = path + pkg
			return true
		}
		if !l.deep || seen[pkg] {
			return false
		}
		seen[pkg] = true
		return slices.ContainsFunc(g.code[pkg], func(next string) bool { return walk(path+pkg+" > ", next) })
	}
	found = slices.ContainsFunc(imported, func(pkg string) bool { return walk("", pkg) })
	return via, found
}

// covers tells whether the law is about a package.
func (l law) covers(pkg string) bool {
	tree, isTree := strings.CutSuffix(l.what, "/...")
	return pkg == tree || isTree && strings.HasPrefix(pkg, tree+"/")
}

func short(pkg string) string {
	if pkg == "wamux" {
		return "."
	}
	return strings.TrimPrefix(pkg, "wamux/")
}

// TestLaws puts one wrong import at a time into a small graph that is right: each must be told.
func TestLaws(t *testing.T) {
	for _, c := range []struct {
		from, to string
		test     bool
		want     string // part of the sentence; "" when it is allowed
	}{
		{"wamux/svc/sandbox", "wamux/svc/session", false, "svc/sandbox uses wamux/svc/session: the sandbox meets sessions by the wire"},
		{"wamux/svc/sandbox", "wamux/svc/session", true, "a test of svc/sandbox uses wamux/svc/session: the sandbox"},
		{"wamux/svc/sandbox/phone", "wamux/svc/session", false, "svc/sandbox uses wamux/svc/sandbox/phone > wamux/svc/session: "},
		{"wamux/svc/webhook", "wamux/svc/session", false, "meet them in the database"},
		{"wamux/svc/session", "wamux/svc/webhook", false, "webhooks and sessions meet in the database"},
		{"wamux/svc/session", "wamux/svc/webhook", true, "a test of svc/session uses wamux/svc/webhook"},
		{"wamux/svc/session", "wamux/svc/sandbox", false, "only the wiring knows"},
		{"wamux/svc/session", "wamux/svc/sandbox", true, ""},
		{"wamux/svc/guard", "wamux/svc/media", false, "the wiring hands it this one"},
		{"wamux/api", "wamux/svc/session/convert", false, "api uses wamux/svc/session/convert: api and store name what they need"},
		{"wamux/api", "wamux/svc/guard", true, "a test of api uses wamux/svc/guard"},
		{"wamux/api", "wamux/svc", false, "nobody reaches up"},
		{"wamux/api", "wamux/store/signal", false, "read and written by sessions only"},
		{"wamux/api", "go.mau.fi/whatsmeow/types", true, "a test of api uses go.mau.fi/whatsmeow/types"},
		{"wamux/api", "github.com/other/lib", false, "api uses github.com/other/lib > go.mau.fi/whatsmeow/types: store and api know no WhatsApp"},
		{"wamux/store", "go.mau.fi/whatsmeow/types", false, "store uses go.mau.fi/whatsmeow/types"},
		{"wamux/store", "go.mau.fi/whatsmeow", true, "a test of store uses go.mau.fi/whatsmeow"},
		{"wamux/store", "wamux/api", false, "HTTP is an outer layer"},
		{"wamux/store/seal", "go.mau.fi/util/random", false, "store/seal uses go.mau.fi/util/random"},
		{"wamux/store/signal", "go.mau.fi/whatsmeow", false, "never the client"},
		{"wamux/store/signal", "go.mau.fi/whatsmeow", true, "a test of store/signal uses go.mau.fi/whatsmeow"},
		{"wamux/store/signal", "go.mau.fi/whatsmeow/types", false, ""},
		{"wamux/svc/session/convert", "go.mau.fi/whatsmeow", false, "never the client"},
		{"wamux/svc/session/convert", "wamux/svc/session", false, "svc/session/convert uses wamux/svc/session"},
		{"wamux/svc/sandbox", "go.mau.fi/whatsmeow", false, "svc/sandbox uses go.mau.fi/whatsmeow: the WhatsApp client"},
		{"wamux/svc/sandbox", "go.mau.fi/whatsmeow", true, ""},
		{"wamux/svc/media", "go.mau.fi/whatsmeow/types", false, "a word of our own"},
		{"wamux/svc", "go.mau.fi/whatsmeow", false, "stays behind svc/session"},
		{"wamux/svc/sandbox", "github.com/julienschmidt/httprouter", false, "nobody else routes"},
		{"wamux/store", "github.com/kardianos/service", false, "the OS service"},
		{"wamux/svc", "github.com/kardianos/service", false, "the OS service has one place"},
		{"wamux/svc/osservice", "github.com/kardianos/service", false, ""},
		{"wamux/svc/osservice", "wamux/store", false, "knows nothing of what the program does"},
		{"wamux/svc/session", "wamux/svc/osservice", false, "only the wiring knows that somebody runs"},
		{"wamux/store", "filippo.io/age", false, "sealing, and what"},
		{"wamux/svc", "filippo.io/age/armor", true, "a test of svc uses filippo.io/age/armor"},
		{"wamux/api", "database/sql", false, "SQL stays in store"},
		{"wamux/api", "modernc.org/sqlite/lib", false, "SQL stays in store"},
		{"wamux/svc/session", "wamux/assets", true, "served by api"},
		{"wamux/store", "wamux/store/broken", false, "store uses wamux/store/broken: a disk that breaks"},
		{"wamux/store", "wamux/store/broken", true, ""},
		{"wamux/svc/new", "wamux/svc/sandbox", false, "svc/new uses wamux/svc/sandbox"},
	} {
		g := rightGraph()
		if into := g.code; c.test {
			g.tests[c.from] = append(slices.Clone(g.tests[c.from]), c.to)
		} else {
			into[c.from] = append(slices.Clone(into[c.from]), c.to)
		}
		got := strings.Join(g.breaches(laws()), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s (test %v) with %s: got %q, want %q", c.from, c.test, c.to, got, c.want)
		}
	}
	if got := rightGraph().breaches(laws()); len(got) > 0 {
		t.Errorf("the graph that is right: got %q", got)
	}
}

// rightGraph has one of each package, and imports as they should be.
func rightGraph() graph {
	return graph{tests: map[string][]string{}, code: map[string][]string{
		"wamux":                     {"wamux/svc"},
		"wamux/svc":                 {"wamux/api", "wamux/store", "wamux/svc/session", "wamux/svc/sandbox", "wamux/svc/webhook", "wamux/svc/guard", "wamux/svc/media"},
		"wamux/svc/session":         {"wamux/store", "wamux/store/signal", "wamux/svc/session/convert", "go.mau.fi/whatsmeow"},
		"wamux/svc/session/convert": {"wamux/store", "go.mau.fi/whatsmeow/types"},
		"wamux/svc/sandbox":         {"wamux/api", "wamux/store", "wamux/svc/sandbox/phone", "go.mau.fi/whatsmeow/types"},
		"wamux/svc/sandbox/phone":   {"go.mau.fi/whatsmeow/types"},
		"wamux/svc/media":           {"wamux/svc/session/convert"},
		"wamux/svc/webhook":         {"wamux/store"},
		"wamux/svc/guard":           {"wamux/store"},
		"wamux/api":                 {"wamux/store", "wamux/assets", "github.com/julienschmidt/httprouter"},
		"wamux/store":               {"wamux/store/seal", "database/sql", "modernc.org/sqlite"},
		"wamux/store/signal":        {"wamux/store", "go.mau.fi/whatsmeow/store"},
		"wamux/store/seal":          {"filippo.io/age"},
		"go.mau.fi/whatsmeow":       {"go.mau.fi/whatsmeow/types", "go.mau.fi/whatsmeow/store"},
		"github.com/other/lib":      {"go.mau.fi/whatsmeow/types"},
	}}
}

// TestNames refuses packages that say nothing.
func TestNames(t *testing.T) {
	for _, path := range goList(t, "", "-f", "{{.ImportPath}}/{{.Name}}", "wamux/...") {
		if word := vague(path); word != "" {
			t.Errorf("package %s: %q says nothing; name it after what it is, not after where things ended up", path, word)
		}
	}
	for path, want := range map[string]string{"wamux/store/store": "", "wamux/svc/utils/strings": "utils", "wamux/store/x/common": "common", "wamux/model/model": "model"} {
		if got := vague(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}

// vague is the first element of a path that is no name.
func vague(path string) string {
	for _, word := range strings.Split(path, "/") {
		switch word {
		case "util", "utils", "common", "helper", "helpers", "model", "models", "misc", "shared", "base":
			return word
		}
	}
	return ""
}

// goList asks about packages as they are on a system; "" is this one.
func goList(t *testing.T, system string, args ...string) []string {
	t.Helper()
	list := exec.Command("go", append([]string{"list"}, args...)...)
	if system != "" {
		list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
	}
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}
