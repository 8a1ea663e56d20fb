// Package arch_test keeps the import rules and a few rules of style that a
// machine can check. The tables are policy, not a description: a line changes
// only in a commit of its own that says why.
package arch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/sallyport/sallyport"
	root   = "../.."
)

// layers lists packages from the ground up. A package may import what stands
// in an earlier line, and nothing beside it unless beside says so.
const layers = `
source
internal/lib/*
fault taxon
contract event
risk message
internal/front/* internal/schema internal/policy
risks/*
risks
internal/plan
internal/gateway/*
internal/gateway internal/identity internal/ledger internal/scan internal/design internal/deploy internal/egress internal/inventory internal/meter internal/detect
internal/metrics internal/certs internal/report
internal/store internal/store/*
internal/api internal/console internal/portal
internal/help demo
internal/app internal/risktest internal/risktest/*
.
cmd/* tool/* e2e e2e/*
internal/arch
`

// beside lists imports within a line, or upwards, with the reason.
var beside = map[string]string{
	"internal/gateway > internal/gateway/upstream":      "a part of the gateway",
	"internal/lib/netx > internal/lib/secret":           "lib has no order",
	"internal/lib/intake > risk":                        "it is a part of probes, and attacks a Target",
	"internal/lib/intake > contract":                    "it reads what an API declares",
	"internal/store/sqlite > internal/store":            "the interface of the stores",
	"internal/store/storetest > internal/store":         "the interface of the stores",
	"internal/identity > internal/lib/secret":           "keys are secrets",
	"internal/gateway/upstream > internal/gateway/wire": "one strict HTTP/1.1 grammar for both directions",
}

// third lists who may import which module from outside, with the reason.
// The pattern of the importer is a path.Match pattern.
var third = []struct{ who, module, why string }{
	{"internal/front/openapi", "go.yaml.in/yaml/v3", "documents in YAML, with positions"},
	{"internal/front/openapi", "github.com/goccy/go-yaml", "documents in YAML, with positions"},
	{"internal/policy", "github.com/goccy/go-yaml", "the policy file, with positions"},
	{"internal/policy", "go.yaml.in/yaml/v3", "the policy file, with positions"},
	{"internal/schema", "golang.org/x/net", "the tables of IDNA, for the formats of host names"},
	{"internal/gateway", "github.com/andybalholm/brotli", "replies in the coding br have to be read"},
	{"internal/gateway/wire", "golang.org/x/net", "the Huffman code of HPACK; in tests, a client of HTTP/2 frame by frame"},
	{"internal/gateway/wire", "golang.org/x/sys", "whether a client is still there"},
	{"internal/metrics", "github.com/prometheus/client_golang", "the text format of Prometheus"},
	{"internal/certs", "github.com/caddyserver/certmagic", "ACME"},
	{"internal/certs", "github.com/fsnotify/fsnotify", "certificates that change"},
	{"internal/certs", "github.com/mholt/acmez/v3", "ACME"},
	{"internal/certs", "go.uber.org/zap", "certmagic logs with it"},
	{"internal/app", "github.com/fsnotify/fsnotify", "files that change"},
	{"internal/store/sqlite", "modernc.org/sqlite", "the embedded store"},
	{"internal/ledger", "golang.org/x/sys", "locks and memory maps"},
	{"demo", "modernc.org/sqlite", "the demo's data"},
	{"cmd/sallyport", "github.com/alecthomas/kong", "the command line"},
	{"cmd/sallyport", "golang.org/x/term", "whether output is a terminal"},
	{"internal/app", "golang.org/x/sys", "locks"},
	{"internal/identity", "golang.org/x/sync", "groups of goroutines"},
	{"internal/store/storetest", "github.com/google/go-cmp", "a suite for tests, with their tool"},
	{"internal/app", "golang.org/x/sync", "groups of goroutines"},
}

// apart lists packages that import nothing of ours, with the reason.
var apart = map[string]string{
	"demo": "an API of somebody else's making, as far as the gateway knows",
}

// words are no names for packages.
var words = []string{"util", "utils", "common", "base", "helper", "helpers", "manager", "model", "models", "types", "core"}

// maxLines is the longest file; maxFace the longest in a risk.
const (
	maxLines = 700
	maxFace  = 250
)

type file struct {
	path, pkg string // relative to the root
	test      bool
	generated bool
	lines     int
	tree      *ast.File
}

func files(t *testing.T) []file {
	t.Helper()
	var out []file
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata" || name == "bin" || name == "dist") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), p, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		out = append(out, file{
			path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), tree: tree,
			lines: strings.Count(string(text), "\n"), generated: ast.IsGenerated(tree),
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) < 50 {
		t.Fatalf("only %d files found", len(out))
	}
	return out
}

// layer is the line of pkg in layers; the longest pattern wins.
func layer(pkg string) int {
	best, length := -1, -1
	for i, line := range strings.Split(strings.TrimSpace(layers), "\n") {
		for pat := range strings.FieldsSeq(line) {
			if ok, _ := path.Match(pat, pkg); ok && len(pat) > length {
				best, length = i, len(pat)
			}
		}
	}
	return best
}

func imports(f file) []string {
	var out []string
	for _, i := range f.tree.Imports {
		s, _ := strconv.Unquote(i.Path.Value)
		out = append(out, s)
	}
	return out
}

func TestImportsPointDownwards(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.test {
			continue
		}
		from := layer(f.pkg)
		if from < 0 {
			t.Errorf("%s: package %s is in no layer", f.path, f.pkg)
			continue
		}
		for _, imp := range imports(f) {
			to, ours := strings.CutPrefix(imp, module+"/")
			if imp == module {
				to, ours = ".", true
			}
			switch {
			case !ours:
				checkThird(t, f, imp)
			case apart[f.pkg] != "":
				t.Errorf("%s imports %s, but %s is %s", f.path, to, f.pkg, apart[f.pkg])
			case strings.HasPrefix(f.pkg, "internal/lib/") && strings.HasPrefix(to, "internal/lib/"):
			case layer(to) >= from && beside[f.pkg+" > "+to] == "":
				t.Errorf("%s: %s must not import %s", f.path, f.pkg, to)
			}
		}
	}
}

func checkThird(t *testing.T, f file, imp string) {
	t.Helper()
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		if imp == "net/http" && (strings.HasPrefix(f.pkg, "risks/") || f.pkg == "risk") {
			t.Errorf("%s: guards see our own Exchange, never net/http", f.path)
		}
		return
	}
	for _, a := range third {
		ok, _ := path.Match(a.who, f.pkg)
		if ok && (imp == a.module || strings.HasPrefix(imp, a.module+"/")) {
			return
		}
	}
	if strings.HasPrefix(f.pkg, "e2e") || strings.HasPrefix(f.pkg, "tool/") {
		return // tools and end-to-end tests are not in the binary
	}
	t.Errorf("%s: %s may not import %s: no line with a reason", f.path, f.pkg, imp)
}

func TestARiskImportsNoOtherRisk(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.test || !strings.HasPrefix(f.pkg, "risks/") {
			continue
		}
		for _, imp := range imports(f) {
			to, ours := strings.CutPrefix(imp, module+"/")
			allowed := []string{"risk", "contract", "event", "source", "fault", "taxon"}
			if ours && !slices.Contains(allowed, to) && !strings.HasPrefix(to, "internal/lib/") {
				t.Errorf("%s: a risk may not import %s", f.path, to)
			}
		}
	}
}

func TestFilesStayShort(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.generated {
			continue
		}
		if f.lines > maxLines {
			t.Errorf("%s has %d lines: split it by idea", f.path, f.lines)
		}
		if strings.HasPrefix(f.pkg, "risks/") && !f.test && f.lines > maxFace {
			t.Errorf("%s has %d lines: a lib is missing", f.path, f.lines)
		}
	}
}

func TestPackagesHaveGoodNamesAndAComment(t *testing.T) {
	t.Parallel()
	documented, seen := map[string]bool{}, map[string]bool{}
	for _, f := range files(t) {
		if f.test {
			continue
		}
		name := f.tree.Name.Name
		seen[f.pkg] = true
		documented[f.pkg] = documented[f.pkg] || f.tree.Doc != nil
		if slices.Contains(words, name) || name != strings.ToLower(name) || strings.Contains(name, "_") {
			t.Errorf("%s: %q is no name for a package", f.path, name)
		}
	}
	for pkg := range seen {
		if !documented[pkg] {
			t.Errorf("package %s has no comment", pkg)
		}
	}
}

func TestEveryExportedNameHasAComment(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		if f.test || f.tree.Name.Name == "main" || f.generated {
			continue
		}
		for _, d := range f.tree.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no comment", f.path, d.Name.Name)
				}
			case *ast.GenDecl:
				checkDecl(t, f, d)
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	x := d.Recv.List[0].Type
	if s, ok := x.(*ast.StarExpr); ok {
		x = s.X
	}
	if g, ok := x.(*ast.IndexExpr); ok {
		x = g.X
	}
	id, ok := x.(*ast.Ident)
	return ok && id.IsExported()
}

func checkDecl(t *testing.T, f file, d *ast.GenDecl) {
	t.Helper()
	for _, s := range d.Specs {
		switch s := s.(type) {
		case *ast.TypeSpec:
			if s.Name.IsExported() && d.Doc == nil && s.Doc == nil {
				t.Errorf("%s: type %s has no comment", f.path, s.Name.Name)
			}
		case *ast.ValueSpec:
			for _, n := range s.Names {
				if n.IsExported() && d.Doc == nil && s.Doc == nil && s.Comment == nil {
					t.Errorf("%s: %s has no comment", f.path, n.Name)
				}
			}
		}
	}
}

func TestNoInitAndNoSleep(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		ast.Inspect(f.tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Name.Name == "init" && n.Recv == nil {
					t.Errorf("%s: no init", f.path)
				}
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok && id.Name == "time" && n.Sel.Name == "Sleep" && f.test && !usesSynctest(f) {
					t.Errorf("%s: tests wait with synctest or channels, never Sleep", f.path)
				}
			}
			return true
		})
	}
}

func usesSynctest(f file) bool {
	return slices.Contains(imports(f), "testing/synctest")
}
