package svc

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// exceptions are what libraries keep for the whole process and give no other way to set, with the file that does it.
func exceptions() map[string]string {
	return map[string]string{
		"whatsmeow.WACertPubKey": "svc/session/client.go", // the root key of a simulated WhatsApp
		"wastore.DeviceProps":    "svc/session/client.go", // how the phone lists us
		"silence":                "store/signal/quiet.go", // guards libsignal's one logger, which is set up without a lock
	}
}

// TestGlobals reads every source of the module, for whatever system: no init, and no package variable that is written after
// the start, since such things act from afar and make tests depend on each other.
func TestGlobals(t *testing.T) {
	folders := map[string][]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			folders[filepath.Dir(path)] = append(folders[filepath.Dir(path)], path)
		}
		return nil
	})
	if err != nil || len(folders) < 10 {
		t.Fatalf("got %d folders, %v", len(folders), err)
	}
	used := map[string]bool{}
	for _, files := range folders {
		sources := map[string]any{}
		for _, name := range files {
			sources[name] = nil // from the disk
		}
		for _, found := range globals(t, sources) {
			if used[found.name] = true; exceptions()[found.name] != found.file {
				t.Errorf("%s: %s", found.at, found.what)
			}
		}
	}
	for name, file := range exceptions() {
		if !used[name] {
			t.Errorf("%s is not written in %s any more: take it off the exceptions", name, file)
		}
	}
}

// TestGlobalsAreFound holds the search against sources that break the rule, and one that does not.
func TestGlobalsAreFound(t *testing.T) {
	const head = "package p\nimport (\"sync\"; \"sync/atomic\"; lib \"a.example/lib\")\nvar n int\nvar list []int\nvar table = map[string]int{}\nvar s struct{ f int }\nvar c counter\ntype counter int\nfunc (c *counter) add() {}\nfunc (c counter) get() int { return 0 }\n"
	for source, want := range map[string]string{
		"func init() {}":                                          "init",
		"func f() { n = 1 }":                                      "n",
		"func f() { n++ }":                                        "n",
		"func f() { n += 2 }":                                     "n",
		"func f() { func() { list = nil }() }":                    "list",
		"func f() { list[0] = 1 }":                                "list",
		"func f() { table[\"x\"]++ }":                             "table",
		"func f() { delete(table, \"x\") }":                       "table",
		"func f() { clear(table) }":                               "table",
		"func f() { copy(list, list) }":                           "list",
		"func f() { s.f = 1 }":                                    "s",
		"func f() { (s).f = 1 }":                                  "s",
		"func f() { for n = range 3 { _ = 1 } }":                  "n",
		"func f() { var x int; x, n = 1, 2; _ = x }":              "n",
		"func f() *int { return &n }":                             "n",
		"func f() []int { return list[:] }":                       "",
		"func f() { c.add() }":                                    "c",
		"func f() { g := c.add; g() }":                            "c",
		"func f() { lib.Setting = 1 }":                            "lib.Setting",
		"func f() { lib.Setting.Field = 1 }":                      "lib.Setting",
		"var once sync.Once":                                      "once",
		"var once = sync.OnceValue(f)\nfunc f() int { return n }": "",
		"var hits atomic.Int64":                                   "hits",
		"var mu = &sync.Mutex{}":                                  "mu",
		"func f() { n := 1; n = 2; _ = n }":                       "",
		"func f(list []int) { list[0] = 1; clear(list) }":         "",
		"func f() int { return n + c.get() + table[\"x\"] }":      "",
		"type t struct{ n int }\nfunc (t *t) f() { t.n = 1 }":     "",
		"func (c counter) init() {}":                              "",
	} {
		var names []string
		for _, found := range globals(t, map[string]any{"p.go": head + source, "other.go": "package p\nvar other int\n"}) {
			names = append(names, found.name)
		}
		if got := strings.Join(slices.Compact(names), " "); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
	crossed := map[string]any{"a.go": "package p\nvar a int\n", "b.go": "package p\nfunc f() { a = 1 }\n"}
	if got := globals(t, crossed); len(got) != 1 || got[0].file != "b.go" {
		t.Errorf("a variable of another file: got %v", got)
	}
}

// global is one finding.
type global struct{ name, file, at, what string }

// globals searches the files of one folder; a nil source is read from the disk.
func globals(t *testing.T, sources map[string]any) []global {
	t.Helper()
	s := &search{files: token.NewFileSet(), info: &types.Info{Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{}}}
	var parsed []*ast.File
	for name, source := range sources {
		file, err := parser.ParseFile(s.files, name, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	// Without the libraries there are errors, which don't matter: the names of this package find their owners all the same.
	lenient := types.Config{Importer: noLibraries{}, Error: func(error) {}}
	s.pkg, _ = lenient.Check(parsed[0].Name.Name, s.files, parsed, s.info)
	for _, file := range parsed {
		ast.Inspect(file, s.visit)
	}
	return s.found
}

type noLibraries struct{}

func (noLibraries) Import(string) (*types.Package, error) { return nil, errors.New("not looked at") }

type search struct {
	files *token.FileSet
	info  *types.Info
	pkg   *types.Package
	found []global
}

func (s *search) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Recv == nil && n.Name.Name == "init" {
			s.tell(n, "init", "there is no init here: whoever needs something makes it")
		}
	case *ast.GenDecl:
		s.guarded(n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			s.written(n.Lhs...)
		}
	case *ast.IncDecStmt:
		s.written(n.X)
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			s.written(n.Key, n.Value)
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			s.written(n.X)
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear" || f.Name == "copy") && len(n.Args) > 0 {
			s.written(n.Args[0])
		}
	case *ast.SelectorExpr:
		if s.changes(n) {
			s.written(n.X)
		}
	}
	return true
}

// changes tells whether a method that may change its receiver is taken from a value.
func (s *search) changes(n *ast.SelectorExpr) bool {
	method := s.info.Selections[n]
	if method == nil || method.Kind() != types.MethodVal {
		return false
	}
	_, byPointer := method.Obj().(*types.Func).Signature().Recv().Type().(*types.Pointer)
	_, isPointer := method.Recv().(*types.Pointer)
	return byPointer && !isPointer
}

// guarded finds package variables that are there to be changed: what is made of sync or sync/atomic, except functions that
// compute a constant once.
func (s *search) guarded(n *ast.GenDecl) {
	for _, spec := range n.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || n.Tok != token.VAR || s.pkg.Scope().Lookup(v.Names[0].Name) == nil || s.pkg.Scope().Lookup(v.Names[0].Name).Pos() != v.Names[0].Pos() {
			continue
		}
		ast.Inspect(v, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from, _ := sel.X.(*ast.Ident)
			if from != nil && (from.Name == "sync" || from.Name == "atomic") && !strings.HasPrefix(sel.Sel.Name, "OnceValue") {
				s.tell(v, v.Names[0].Name, v.Names[0].Name+" is a package variable that changes: give it to whoever uses it")
			}
			return true
		})
	}
}

// written tells of what belongs to this package or to a library.
func (s *search) written(targets ...ast.Expr) {
	for _, target := range targets {
		name := s.owner(target)
		if name != "" {
			s.tell(target, name, name+" is a package variable and written here: make it a field, or a constant")
		}
	}
}

// owner is the name of the package variable that an expression is part of, or "".
func (s *search) owner(e ast.Expr) string {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			if v, ok := s.info.Uses[x].(*types.Var); ok && v.Parent() == s.pkg.Scope() {
				return v.Name()
			}
			return ""
		case *ast.SelectorExpr:
			if from, ok := x.X.(*ast.Ident); ok {
				if p, ok := s.info.Uses[from].(*types.PkgName); ok {
					return p.Name() + "." + x.Sel.Name
				}
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return ""
		}
	}
}

func (s *search) tell(n ast.Node, name, what string) {
	at := s.files.Position(n.Pos())
	s.found = append(s.found, global{name, filepath.ToSlash(strings.TrimPrefix(at.Filename, ".."+string(filepath.Separator))), at.String(), what})
}
