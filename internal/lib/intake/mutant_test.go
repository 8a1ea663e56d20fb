package intake

import (
	"encoding/json"
	"testing"

	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

func parse(t testing.TB, text string) *jsonx.Doc {
	t.Helper()
	doc := jsonx.New(jsonx.Limits{})
	if err := doc.Parse([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestWhereMutantsStand(t *testing.T) {
	t.Parallel()
	for lawful, want := range map[string]string{
		`{}`: `{"b":9}`, ` {"a":1} `: ` {"a":1,"b":9}`, "{\n}": "{\n\"b\":9}", `{"a":{"b":1}}`: `{"a":{"b":1},"b":9}`,
	} {
		m := Mutant{Name: "b", Value: "9"}
		m.Add(parse(t, lawful))
		if got := string(m.With(m.Value)); got != want {
			t.Errorf("%q became %q", lawful, got)
		}
	}
	doc := parse(t, ` {"a":1, "\u0062" : [2] ,"c":3} `)
	m := Mutant{Value: "9"}
	m.Put(doc, doc.Next(doc.First(0)))
	if got := string(m.With("7")); got != ` {"a":1, "\u0062" : 7 ,"c":3} ` || m.Name != "b" {
		t.Errorf("%q of %q", got, m.Name)
	}
}

func TestWhichBodiesHoldTheMember(t *testing.T) {
	t.Parallel()
	m := Mutant{Name: "a", Value: `"x"`}
	for body, want := range map[string]bool{
		`{"a":"x"}`: true, `[{"b":{"a": "x"}}]`: true, `{"\u0061":"x"}`: true, `{"b":"x","a":"x"}`: true,
		`{"a":"xx"}`: false, `{"b":"x"}`: false, `"x"`: false, `["x"]`: false, `{"a":["x"]}`: false, `{"b":"a: \"x\""}`: false, `{"a":"x"`: false, ``: false,
		`{"a":"x","a":"x"}`: false, `{"a":"\u0078"}`: false,
	} {
		if got := m.In([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
	for body, want := range map[string]bool{`["x"]`: false, `"x"`: false, `{"":"x"}`: true} {
		if got := (&Mutant{Value: `"x"`}).In([]byte(body)); got != want {
			t.Errorf("without a name, %s: %v", body, got)
		}
	}
}

func TestMembersAndIDs(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{`{"a":[1, 2]}`: "[1, 2]", `{"b":1,"a":"x"}`: `"x"`, `{"b":{"a":1}}`: "", `[1]`: "", `{"a":1`: "", ``: ""} {
		if got := member([]byte(body), "a"); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
	for body, want := range map[string]string{
		`{"id":7}`: "7", `{"a":1,"id":"\u0078y"}`: "xy", `{"id":null}`: "", `{"id":[7]}`: "", `{"id":{"id":7}}`: "", `{"id":true}`: "", `{"a":1}`: "", `[7]`: "", `7`: "", `{"id":7`: "", ``: "",
	} {
		if got := idOf([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "a", `"`, `\`, "\x00\x1f\n\x10 ~", "\u00e9\u2028", `{"a":"b\n"}`} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var back string
		if err := json.Unmarshal([]byte(Quote(s)), &back); err != nil || back != s {
			t.Errorf("%q became %q: %v", s, Quote(s), err)
		}
		if doc := parse(t, Quote(s)); string(doc.Text(0)) != s {
			t.Errorf("%q became %q", s, Quote(s))
		}
	})
}

func TestQuoteEscapesOnlyWhatItMust(t *testing.T) {
	t.Parallel()
	if got := Quote("a \"\\/\x1f\x09\u00e9\x7f"); got != "\"a \\\"\\\\/\\u001f\\u0009\u00e9\x7f\"" {
		t.Errorf("%s", got)
	}
}

func TestReferencesThatStandAlone(t *testing.T) {
	t.Parallel()
	end := contract.NewSchema()
	end.ReadOnly = true
	chain := func(n int) *contract.Schema {
		s := end
		for range n {
			s = &contract.Schema{Ref: s}
		}
		return s
	}
	typed, listed := chain(1), chain(1)
	typed.Types, listed.Properties = contract.StringType, []contract.Property{{Name: "a", Schema: end}}
	loop := &contract.Schema{}
	loop.Ref = loop
	own := chain(17)
	own.ReadOnly = true
	for name, c := range map[string]struct {
		s             *contract.Schema
		end, readOnly bool
	}{
		"none": {end, true, true}, "one": {chain(1), true, true}, "sixteen": {chain(16), true, true}, "seventeen": {chain(17), false, false},
		"beside a type": {typed, false, false}, "beside properties": {listed, false, false}, "a circle": {loop, false, false}, "its own word": {own, false, true},
	} {
		if got := Resolve(c.s) == end; got != c.end {
			t.Errorf("%s: resolved %v", name, got)
		}
		if got := ReadOnly(c.s); got != c.readOnly {
			t.Errorf("%s: readOnly %v", name, got)
		}
	}
}
