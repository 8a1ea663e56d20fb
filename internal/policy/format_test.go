package policy

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sallyport/sallyport/source"
)

// places leaves out where things stand.
func places() cmp.Options {
	return cmp.Options{
		cmpopts.IgnoreUnexported(Policy{}), cmpopts.EquateEmpty(),
		cmp.Transformer("somewhere", func(s source.Span) bool { return s.IsZero() }),
	}
}

func TestWhatIsWrittenReadsAsTheSame(t *testing.T) {
	t.Parallel()
	for _, name := range goodFiles(t) {
		in := Input{Name: name, Risks: fakes()}
		p, l := Load(in)
		if l.Err() != nil {
			t.Fatal(l)
		}
		text, err := Format(p, fakes())
		if err != nil {
			t.Fatal(err)
		}
		again, l := Parse(in, text)
		if l.Err() != nil {
			t.Fatalf("%s: written as\n%s\nwhich is refused: %v", name, text, l)
		}
		if d := cmp.Diff(p, again, places()); d != "" {
			t.Errorf("%s: (-before +after)\n%s\nwritten as\n%s", name, d, text)
		}
	}
}

func TestJSONIsReadBackByTheStandardLibrary(t *testing.T) {
	t.Parallel()
	v := source.Value{Kind: source.Object, Members: []source.Member{
		{Name: "a\"\\\n\x01é", Value: source.Value{Kind: source.Array, Items: []source.Value{
			{Kind: source.Null}, {Kind: source.Bool, Text: "true"}, {Kind: source.Number, Text: "1.5"}, {Kind: source.String, Text: "x\ty"}}}}}}
	var got map[string]any
	if err := json.Unmarshal(JSON(v), &got); err != nil {
		t.Fatalf("%s: %v", JSON(v), err)
	}
	want := map[string]any{"a\"\\\n\x01é": []any{nil, true, 1.5, "x\ty"}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
