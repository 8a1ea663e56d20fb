package parser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatRefusalsSay(t *testing.T) {
	t.Parallel()
	g := guards(t, operation(""))[1].Guard.(*body)
	want := []*risk.Denial{
		{Code: CodeDuplicate, Status: 400, Title: "a parameter may come only once", Reason: "a parameter that has one value came more than once", Show: risk.ShowHead},
		{Code: CodeCharset, Status: 400, Title: "the body must be UTF-8", Reason: "the body is in another character encoding, or says so", Show: risk.ShowBody},
		{Code: CodeNumber, Status: 400, Title: "a number is larger or finer than the contract allows for", Reason: "a number is not the same to parsers that use doubles"},
	}
	if diff := cmp.Diff(want, []*risk.Denial{g.duplicate, g.charset, g.number}); diff != "" {
		t.Error(diff)
	}
}

func TestWhichNumbersAreHeld(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct{ narrow, wide bool }{
		"": {true, true}, "-": {true, true}, "0": {true, true}, "-0": {true, true}, "00009007199254740992": {true, true}, "00009007199254740993": {false, true},
		"999999999999999": {true, true}, "9007199254740991": {true, true}, "9007199254740992": {true, true}, "9007199254740993": {false, true},
		"10000000000000000": {false, true}, "99999999999999999999": {false, true}, "100000000000000000000": {false, false}, "9007199254740992.5": {true, true},
		"9007199254740993x": {true, true}, "x9007199254740993": {true, true}, "--9007199254740993": {true, true}, "1e": {true, true}, "1e5x": {true, true}, "1-2e3": {true, true},
		"-1e5": {true, true}, "-1E5": {true, true}, "-0.5e1": {true, true}, "0.5e1": {true, true}, "1.25e+2": {true, true}, "5.0e-1": {true, true}, "0e400": {true, true}, "-0.0e-400": {true, true},
		"123456789012345678e0": {false, false}, "-12345678901234567.8e0": {false, false}, "1e-400": {false, false}, "1e308": {true, true}, "1e309": {false, false}, "-1e309": {false, false},
	} {
		if narrow, wide := held(text, false), held([]byte(text), true); narrow != want.narrow || wide != want.wide {
			t.Errorf("%q: narrow %v, wide %v", text, narrow, wide)
		}
	}
}

func TestNumbersAreFoundInAText(t *testing.T) {
	t.Parallel()
	const big = "9007199254740993"
	for text, want := range map[string]bool{
		"": true, big: false, "[1," + big + "]": false, `{"a":-` + big + `}`: false, `"` + big + `"`: true, `"a",` + big: false, `"\"",` + big: false, `"\\",` + big: false, `"\"` + big + `"`: true,
		"[6e+23,6e-7,6E23,0.5]": true, "[1e+400]": false, "[1e-400]": false, "[1E400]": false,
		// What was never parsed does no harm.
		`"`: true, `"a`: true, `"a\`: true, `"a\"`: true, `"` + big: true, "1": true, "-": true,
	} {
		if got := numbersHeld([]byte(text), false); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestWhichSchemasAreNarrowAndWide(t *testing.T) {
	t.Parallel()
	const number, integer = contract.NumericType, contract.IntegerType
	for name, c := range map[string]struct {
		p    contract.Parameter
		want bool
	}{
		"an integer in the path":   {contract.Parameter{In: contract.InPath, Schema: schema(integer, "")}, true},
		"a number in the query":    {contract.Parameter{In: contract.InQuery, Schema: schema(number, "")}, true},
		"one that may be null":     {contract.Parameter{In: contract.InQuery, Schema: schema(integer|contract.NullType, "")}, true},
		"null alone":               {contract.Parameter{In: contract.InQuery, Schema: schema(contract.NullType, "")}, true},
		"one in a header":          {contract.Parameter{In: contract.InHeader, Schema: schema(integer, "")}, false},
		"one in a cookie":          {contract.Parameter{In: contract.InCookie, Schema: schema(integer, "")}, false},
		"one or a text":            {contract.Parameter{In: contract.InQuery, Schema: schema(integer|contract.StringType, "")}, false},
		"any type":                 {contract.Parameter{In: contract.InQuery, Schema: schema(0, "")}, false},
		"no schema":                {contract.Parameter{In: contract.InQuery}, false},
		"none in a header":         {contract.Parameter{In: contract.InHeader}, false},
		"one of 64 bits":           {contract.Parameter{In: contract.InQuery, Schema: schema(integer, "int64")}, false},
		"one of an unknown format": {contract.Parameter{In: contract.InQuery, Schema: schema(integer, "int53")}, true},
	} {
		if got := narrow(&c.p); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	for _, f := range []string{"int64", "uint64", "int128", "uint128", "bigint", "decimal", "decimal128", "big-decimal", "long"} {
		if !wide(schema(integer, f)) {
			t.Errorf("%s is not wide", f)
		}
	}
	if wide(nil) || wide(schema(number, "double")) {
		t.Error("silence is wide")
	}
	for value, want := range map[contract.Number]bool{"": false, "9007199254740992": false, "9007199254740993": true, "-9007199254740993": true} {
		for i := range 4 {
			s := schema(integer, "")
			*[...]*contract.Number{&s.Minimum, &s.Maximum, &s.ExclusiveMinimum, &s.ExclusiveMaximum}[i] = value
			if got := wide(s); got != want {
				t.Errorf("bound %d, %s: %v", i, value, got)
			}
		}
	}
}

func TestTheWiderLimitCountsForAllMediaOfABody(t *testing.T) {
	t.Parallel()
	for name, formats := range map[string][2]string{"the first": {"int64", ""}, "the last": {"", "int64"}} {
		op := operation("")
		op.Body.Media = []*contract.Media{{Type: "application/json", Schema: order(formats[0])}, {Type: "application/merge-patch+json", Schema: order(formats[1])}, {Type: "text/plain"}}
		for media, want := range map[string]bool{"application/json": false, "application/merge-patch+json": false, "text/plain": false} {
			for number, more := range map[string]bool{"9007199254740993": false, "100000000000000000000": media != "text/plain"} {
				got := judge(guards(t, op), &risk.Facts{Request: risk.Request{Media: media}, Body: []byte(number)})
				if (got == CodeNumber) != (want || more) {
					t.Errorf("%s is wide: %s as %s: %q", name, number, media, got)
				}
			}
		}
	}
}

func TestOnlyTheDeclaredPlaceOfAParameterCounts(t *testing.T) {
	t.Parallel()
	const big = "9007199254740993"
	for name, r := range map[string]risk.Request{
		"another parameter of the path":           {Params: []risk.PathParam{{Name: "id", Text: "1"}, {Name: "name", Text: big}}},
		"a pair with the name of one of the path": {Params: []risk.PathParam{{Name: "id", Text: "1"}}, Pairs: []canon.Pair{{Name: "id", Value: big}}},
		"one of the path with that of a pair":     {Params: []risk.PathParam{{Name: "page", Text: big}}},
	} {
		if got := judge(guards(t, operation("")), &risk.Facts{Request: r}); got != "" {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestTheLintSpeaksOnceForEachPlace(t *testing.T) {
	t.Parallel()
	at := func(line int) source.Span { return source.Span{File: "a", Line: line} }
	bound := func(line int, format string) *contract.Schema {
		s := schema(contract.NumericType, format)
		s.At, s.Maximum = at(line), "9007199254740993"
		return s
	}
	body := func(line int) *contract.Operation {
		s := order("")
		return &contract.Operation{Method: "POST", Path: "/a", Body: &contract.Body{At: at(line), Media: []*contract.Media{{Type: "application/json", Schema: s}, {Type: "text/xml", Schema: s}}}}
	}
	var got []string
	lint(&contract.Contract{
		Operations: []*contract.Operation{body(1), body(1), body(2)},
		Schemas:    []*contract.Schema{bound(3, ""), bound(3, ""), bound(4, "int32"), bound(5, "double"), bound(6, "float"), bound(7, "decimal"), schema(contract.IntegerType, "")},
	}, func(d source.Diagnostic) {
		got = append(got, fmt.Sprintf("%d %s %s: %s", d.At.Line, d.Severity, d.Code, d.Text))
	})
	const two = " warning parser/formats: POST /a takes the same body as application/json and as text/xml: two parsers read it, and what one of them lets pass the other one may not mean"
	const wide = " warning parser/wide-number: a bound of this number is above 2^53, which many JSON parsers round"
	if diff := cmp.Diff([]string{"1" + two, "2" + two, "3" + wide, "4" + wide}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhichMediaArePartedByTheirParsers(t *testing.T) {
	t.Parallel()
	for media, want := range map[string]string{
		"application/json": "json", "application/a+json": "json", "text/xml": "xml", "application/xml": "xml", "application/soap+xml": "xml", "application/x-www-form-urlencoded": "form",
		"application/yaml": "yaml", "text/vnd.yaml": "yaml", "text/plain": "", "multipart/form-data": "", "text/xmlish": "", "": "",
	} {
		if got := kind(media); got != want {
			t.Errorf("%s: %q", media, got)
		}
	}
	shared, other := order(""), order("")
	media := func(types string, schemas ...*contract.Schema) *contract.Body {
		b := &contract.Body{}
		for i, m := range strings.Fields(types) {
			b.Media = append(b.Media, &contract.Media{Type: m, Schema: schemas[i]})
		}
		return b
	}
	for name, c := range map[string]struct {
		b    *contract.Body
		want string
	}{
		"two parsers":                    {media("application/json text/xml", shared, shared), "application/json text/xml"},
		"two parsers, one unknown first": {media("image/png application/json text/xml", shared, shared, shared), "application/json text/xml"},
		"no schemas":                     {media("application/json text/xml", nil, nil), " "},
		"two schemas":                    {media("application/json text/xml", shared, other), " "},
		"a schema for one":               {media("application/json text/xml", shared, nil), " "},
		"one parser":                     {media("application/json a/b+json", shared, shared), " "},
		"an unknown one last":            {media("application/json image/png", shared, shared), " "},
		"an unknown one first":           {media("image/png application/json", shared, shared), " "},
	} {
		if a, b := formats(c.b); a+" "+b != c.want {
			t.Errorf("%s: %s %s", name, a, b)
		}
	}
}
