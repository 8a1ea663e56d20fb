package schema

import (
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/source"
)

// vectors finds shared/vectors beside the project, or skips.
func vectors(t testing.TB, folder string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		dir = filepath.Dir(dir)
		found := filepath.Join(dir, "shared", "vectors", folder)
		if _, err := os.Stat(found); err == nil {
			return found
		}
	}
	t.Skipf("needs shared/vectors/%s beside the project", folder)
	return ""
}

// tally counts what became of the cases of a suite.
type tally struct {
	passed, failed int
	skipped        map[string]int
}

func (n *tally) report(t *testing.T) {
	t.Helper()
	total := 0
	var reasons []string
	for reason, count := range n.skipped {
		total += count
		reasons = append(reasons, strconv.Itoa(count)+" "+reason)
	}
	sort.Strings(reasons)
	t.Logf("%d cases: %d passed, %d failed, %d skipped (%s)", n.passed+n.failed+total, n.passed, n.failed, total, strings.Join(reasons, "; "))
	if n.passed == 0 {
		t.Error("nothing was run")
	}
}

// runFile runs one file of the JSON Schema test suite.
func (n *tally) runFile(t *testing.T, file string, strip func(source.Value) source.Value) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range parseValue(t, string(text)).Items {
		schema := group.Get("schema")
		if strip != nil {
			schema = strip(schema)
		}
		r := newReader(schema)
		if strings.Contains(string(text), "localhost:1234") {
			addRemotes(t, r, filepath.Join(filepath.Dir(file), "..", "..", "remotes"))
		}
		if strings.Contains(string(text), "json-schema.org/draft/2020-12/schema\"") {
			addMetaschema(t, r)
		}
		r.obey(schema)
		s := r.root()
		if r.skip != "" {
			n.skipped[r.skip] += len(group.Get("tests").Items)
			continue
		}
		p := NewPrograms().compile(s)
		for _, c := range group.Get("tests").Items {
			run := newRun()
			data := emitValue(nil, c.Get("data"))
			if !run.verdict(t, p, data) {
				n.skipped["text that the reader refuses"]++
				continue
			}
			if got, want := run.machine.ok(), c.Get("valid").True(); got != want {
				n.failed++
				t.Errorf("%s: %s: %s: got %v", filepath.Base(file), group.Get("description").Text, c.Get("description").Text, got)
				continue
			}
			n.passed++
		}
	}
}

// addRemotes enters the documents that the suite expects to be served.
func addRemotes(t *testing.T, r *reader, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "draft2020-12") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		r.add("http://localhost:1234/"+filepath.ToSlash(name), withoutFormats(parseValue(t, string(text))))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// addMetaschema enters the schema of schemas, a copy of that of json-schema.org.
func addMetaschema(t *testing.T, r *reader) {
	t.Helper()
	const dir = "testdata/metaschema"
	for _, name := range []string{"schema", "meta/applicator", "meta/content", "meta/core", "meta/format-annotation", "meta/meta-data",
		"meta/unevaluated", "meta/validation"} {
		text, err := os.ReadFile(filepath.Join(dir, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		r.add("https://json-schema.org/draft/2020-12/"+name, withoutFormats(parseValue(t, string(text))))
	}
}

// obey overlooks the keywords of validation where the $schema of the root has
// a vocabulary without them.
func (r *reader) obey(root source.Value) {
	meta, known := r.places[root.Get("$schema").Str()+"#"]
	if !known {
		return
	}
	words := meta.value.Get("$vocabulary")
	r.bare = words.Kind == source.Object && words.Get("https://json-schema.org/draft/2020-12/vocab/validation").Kind == source.Absent
}

// withoutFormats removes format: the required part of the suite takes it for a
// note.
func withoutFormats(v source.Value) source.Value {
	out := v
	out.Members, out.Items = nil, nil
	for _, m := range v.Members {
		if m.Name == "format" && m.Value.Kind == source.String {
			continue
		}
		m.Value = withoutFormats(m.Value)
		out.Members = append(out.Members, m)
	}
	for _, x := range v.Items {
		out.Items = append(out.Items, withoutFormats(x))
	}
	return out
}

func TestTheRequiredPartOfTheJSONSchemaSuitePasses(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(vectors(t, "json-schema"), "tests", "draft2020-12")
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	n := tally{skipped: map[string]int{}}
	for _, f := range files {
		n.runFile(t, f, withoutFormats)
	}
	n.report(t)
}

func TestTheFormatsOfTheJSONSchemaSuitePass(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(vectors(t, "json-schema"), "tests", "draft2020-12", "optional")
	n := tally{skipped: map[string]int{}}
	for _, name := range []string{
		"format/date-time", "format/date", "format/duration", "format/email", "format/hostname", "format/idn-email", "format/ipv4",
		"format/ipv6", "format/json-pointer", "format/regex", "format/ecmascript-regex", "format/time", "format/uri-reference",
		"format/uri", "format/uuid", "format/unknown", "bignum", "ecmascript-regex", "float-overflow", "non-bmp-regex",
	} {
		n.runFile(t, filepath.Join(dir, name+".json"), nil)
	}
	n.report(t)
}

// emitValue writes a literal as JSON.
func emitValue(dst []byte, v source.Value) []byte { return appendLiteral(dst, &v) }
