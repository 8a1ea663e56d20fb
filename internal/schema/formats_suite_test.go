package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// formatGaps are the cases of the optional format suites on which we answer
// otherwise than the suite asks, with the reason. It is empty: a case that
// cannot be passed is written here, "draft2020-12/uri.json: the case": "why".
var formatGaps = map[string]string{}

// formatDrafts are the drafts that documents are written in, with the name
// that the oracle has for them.
var formatDrafts = map[string]*jsonschema.Draft{
	"draft4": jsonschema.Draft4, "draft6": jsonschema.Draft6, "draft7": jsonschema.Draft7,
	"draft2019-09": jsonschema.Draft2019, "draft2020-12": jsonschema.Draft2020,
}

func TestTheOptionalFormatsPassAndMoreOfThemThanByTheOracle(t *testing.T) {
	t.Parallel()
	root := filepath.Join(vectors(t, "json-schema"), "tests")
	for name, draft := range formatDrafts {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join(root, name, "optional", "format", "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no files: %v", err)
			}
			ours, theirs, total := 0, 0, 0
			for _, f := range files {
				n := formatFile(t, f, name, draft)
				if n.ours < n.theirs {
					t.Errorf("%s: we pass %d, the oracle %d", filepath.Base(f), n.ours, n.theirs)
				}
				ours, theirs, total = ours+n.ours, theirs+n.theirs, total+n.total
			}
			t.Logf("%d cases: we pass %d, the oracle %d", total, ours, theirs)
		})
	}
}

type formatScore struct{ ours, theirs, total int }

// formatFile runs one file on both.
func formatFile(t *testing.T, file, draft string, drafted *jsonschema.Draft) (n formatScore) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range parseValue(t, string(text)).Items {
		schema := string(emitValue(nil, group.Get("schema")))
		p := newPairing(t, schema, nil)
		other := oracleOf(t, schema, drafted)
		for _, c := range group.Get("tests").Items {
			n.total++
			data, want := emitValue(nil, c.Get("data")), c.Get("valid").True()
			if other != nil && oracleAccepts(t, other, data) == want {
				n.theirs++
			}
			gap := formatGaps[draft+"/"+filepath.Base(file)+": "+c.Get("description").Text]
			switch got := len(p.read(t, data).Violations) == 0; {
			case got == want && gap != "":
				t.Errorf("%s: %s passes, though it is listed: %s", filepath.Base(file), c.Get("description").Text, gap)
			case got == want:
				n.ours++
			case gap == "":
				t.Errorf("%s: %s: %s: got %v", filepath.Base(file), c.Get("description").Text, data, got)
			}
		}
	}
	return n
}

// oracleOf compiles a schema of a draft with formats asserted; nil where the
// oracle refuses it.
func oracleOf(t *testing.T, schema string, draft *jsonschema.Draft) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(draft)
	c.AssertFormat()
	if err := c.AddResource(testURI, doc); err != nil {
		return nil
	}
	s, err := c.Compile(testURI)
	if err != nil {
		return nil
	}
	return s
}

func TestATextIsAStringWhereItIsNoInteger(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"7": "7", "1.0": "1.0", "1e3": "1e3", "0.5": `"0.5"`, "1e-1": `"1e-1"`, "x": `"x"`} {
		if got := string(appendScalar(nil, text, wants(mustSchema(t, `{"oneOf":[{"type":"integer"},{"type":"string"}]}`)))); got != want {
			t.Errorf("%s is read as %s, want %s", text, got, want)
		}
		if got := string(appendScalar(nil, text, wants(mustSchema(t, `{"type":["number","string"]}`)))); text != "x" && got != text {
			t.Errorf("%s is read as %s where numbers are lawful", text, got)
		}
	}
}
