package policy

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sallyport/sallyport/source"
)

// shapeCodes are the codes of errors that the JSON Schema must see as well.
func shapeCodes() []source.Code {
	return []source.Code{CodeUnknownKey, CodeNotYet, CodeWrongLevel, CodeMissingKey, CodeWrongType, CodeBadValue, CodeUnit, CodeFloor}
}

// meaningCodes are the codes of errors that no schema can see.
func meaningCodes() []source.Code {
	return []source.Code{CodeOutOfRange, CodeBecause}
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema(fakes())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("policy.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// accepts asks the schema about text; ok is false where text is no strict YAML.
func accepts(t testing.TB, s *jsonschema.Schema, raw []byte) (valid, ok bool) {
	t.Helper()
	txt, l := newText("sallyport.yaml", raw)
	if len(l) > 0 {
		return false, false
	}
	v, l := tree(txt, raw)
	if len(l) > 0 {
		return false, false
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSON(v)))
	if err != nil {
		t.Fatalf("JSON wrote what is no JSON: %v", err)
	}
	return s.Validate(value) == nil, true
}

func TestTheSchemaAgreesWithTheParser(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	judged := 0
	check := func(name string, raw []byte) {
		valid, ok := accepts(t, s, raw)
		if !ok {
			return
		}
		judged++
		_, l := Parse(Input{Name: "sallyport.yaml", Risks: fakes()}, raw)
		if l.Err() == nil && !valid {
			t.Errorf("%s: the parser takes what the schema refuses", name)
		}
		only := true // errors that no schema can see
		for _, d := range l {
			if d.Severity == source.Error && slices.Contains(shapeCodes(), d.Code) && valid {
				t.Errorf("%s: the schema takes what the parser refuses with %s", name, d.Code)
			}
			only = only && slices.Contains(meaningCodes(), d.Code)
		}
		if only && !valid {
			t.Errorf("%s: the schema refuses the shape of what the parser refuses for its meaning", name)
		}
	}
	for _, name := range goodFiles(t) {
		check(name, mustRead(t, name))
	}
	for _, file := range badFiles(t) {
		for _, c := range archived(t, file).Files {
			if strings.HasSuffix(c.Name, ".yaml") {
				check(c.Name, c.Data)
			}
		}
	}
	if judged < 180 {
		t.Errorf("only %d policies were judged", judged)
	}
}

func TestTheSchemaIsStableAndDescribesEachKey(t *testing.T) {
	t.Parallel()
	one, two := Schema(fakes()), Schema(fakes())
	if !bytes.Equal(one, two) {
		t.Error("two calls differ")
	}
	for _, want := range []string{`"$schema": "http://json-schema.org/draft-07/schema#"`, `"Origins that may read replies."`, `"Where the API runs: a URL such as`, `"additionalProperties": false`} {
		if !bytes.Contains(one, []byte(want)) {
			t.Errorf("the schema lacks %s", want)
		}
	}
	for _, m := range grammar(fakes()).members {
		if m.doc == "" {
			t.Errorf("the key %s has no description", m.name)
		}
	}
}

func TestASettingOfATypeThatNoPolicyHoldsStopsTheProgram(t *testing.T) {
	t.Parallel()
	for name, params := range map[string]any{
		"a float": struct {
			A float64 `policy:"a"`
		}{},
		"two of one name": struct {
			A, B string `policy:"a"`
		}{},
		"the name mode": struct {
			A string `policy:"mode"`
		}{},
		"a bad bound": struct {
			A int `policy:"a" min:"x"`
		}{},
		"a size as an int": struct {
			A int `policy:"a,size"`
		}{},
		"a hidden field": struct {
			a string `policy:"a"`
		}{},
		"an unknown option": struct {
			A string `policy:"a,secret"`
		}{},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is taken", name)
				}
			}()
			risks := fakes()
			risks[0].Params = params
			Schema(risks)
		}()
	}
}
