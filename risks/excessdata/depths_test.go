package excessdata

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// seen is a reply in a media type.
func seen(status int, media, body string) *risk.Seen {
	return &risk.Seen{Status: status, Body: []byte(body), Fields: risk.Fields{{Name: "Content-Type", Value: media}}}
}

// compared lists what compare finds in a JSON reply of schema s.
func compared(s *contract.Schema, body string) []string {
	var out []string
	compare(&risk.Target{Report: func(f risk.Finding) { out = append(out, f.Code+" "+f.Proof) }}, replies(s), seen(200, json, body))
	return out
}

func TestWhatIsCompared(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Key: "GET /a", Replies: []*contract.Reply{
		{Code: 2, Range: true, Media: []*contract.Media{
			{Type: "text/plain", Schema: object("!pin")}, {Type: json, Schema: object("!pin")}, {Type: "application/hal+json", Schema: object("!pin")},
			{Type: "text/json", Schema: object("!pin")}, {Type: "application/bare+json"},
		}},
		{Code: 404, Media: []*contract.Media{{Type: json, Schema: object("!pin")}}}, {Code: 3, Range: true, Media: []*contract.Media{{Type: json, Schema: object("!pin")}}},
		{Code: 1, Range: true, Media: []*contract.Media{{Type: json, Schema: object("!pin")}}},
	}}
	for name, c := range map[string]struct {
		seen *risk.Seen
		want int
	}{
		"not yet":               {seen(199, json, `{"pin":1}`), 0},
		"the first success":     {seen(200, json, `{"pin":1}`), 1},
		"the last success":      {seen(299, json, `{"pin":1}`), 1},
		"a redirect":            {seen(300, json, `{"pin":1}`), 0},
		"a refusal":             {seen(404, json, `{"pin":1}`), 0},
		"a type with blanks":    {seen(200, "\t Application/JSON \t; a=b", `{"pin":1}`), 1},
		"a dialect":             {seen(200, "application/hal+json", `{"pin":1}`), 1},
		"the old name":          {seen(200, "text/json", `{"pin":1}`), 1},
		"no schema":             {seen(200, "application/bare+json", `{"pin":1,"password":"1"}`), 0},
		"a type of text":        {seen(200, "text/plain", `{"pin":1}`), 0},
		"an undeclared dialect": {seen(200, "application/x+json", `{"pin":1}`), 0},
		"malformed":             {seen(200, json, `{"pin":1`), 0},
		"no object":             {seen(200, json, `"pin"`), 0},
	} {
		n := 0
		compare(&risk.Target{Report: func(risk.Finding) { n++ }}, op, c.seen)
		if n != c.want {
			t.Errorf("%s: %d findings", name, n)
		}
	}
	compare(&risk.Target{}, &contract.Operation{}, seen(200, json, `{"pin":1}`)) // nothing is declared
}

func TestWhatIsFoundInMembers(t *testing.T) {
	t.Parallel()
	open, either, patterns, branches, depends, rare := object("a"), object("a"), object("a"), object("a"), object("a"), shut(object("a"))
	open.AdditionalProperties = &contract.Schema{}
	either.AnyOf, branches.OneOf = []*contract.Schema{{}}, []*contract.Schema{{}}
	patterns.PatternProperties = []contract.PatternProperty{{}}
	depends.Rare = &contract.Rare{DependentSchemas: []contract.Property{{}}}
	rare.Rare = &contract.Rare{}
	cond := object("a")
	cond.Rare = &contract.Rare{If: &contract.Schema{}}
	for _, s := range []*contract.Schema{either, branches, patterns, depends, cond} {
		shut(s)
	}
	unevaluated, welcoming := object("a"), object("a")
	unevaluated.Rare = &contract.Rare{UnevaluatedProperties: &contract.Schema{Never: true}}
	welcoming.Rare = &contract.Rare{UnevaluatedProperties: &contract.Schema{}}
	inner := object()
	inner.Properties = []contract.Property{{Name: "secret", Schema: &contract.Schema{WriteOnly: true, Properties: object("!pin").Properties, AdditionalProperties: &contract.Schema{Never: true}}}}
	both := &contract.Schema{AllOf: []*contract.Schema{object("!pin"), object("pin")}}
	twice := &contract.Schema{AllOf: []*contract.Schema{object("!pin"), object("!pin")}}
	part := &contract.Schema{AllOf: []*contract.Schema{object("a"), shut(object("b"))}}
	partOpen := &contract.Schema{AllOf: []*contract.Schema{open, object("b")}}
	const undeclared, credential = "excessdata/undeclared the reply holds the member %s, which its schema refuses", "excessdata/credential the reply holds the member %s, a credential that the contract does not list"
	const writeOnly = "excessdata/write-only the reply holds the member %s, which the contract declares as write-only"
	for name, c := range map[string]struct {
		s    *contract.Schema
		body string
		want []string // format, place, format, place
	}{
		"what is listed":                {shut(object("a")), `{"a":1}`, nil},
		"a stranger":                    {shut(object("a")), `{"x":1}`, []string{undeclared, "/x"}},
		"a stranger by rare words":      {rare, `{"x":1}`, []string{undeclared, "/x"}},
		"a stranger, not evaluated":     {unevaluated, `{"x":1}`, []string{undeclared, "/x"}},
		"welcome, not evaluated":        {welcoming, `{"password":"1"}`, nil},
		"welcome":                       {open, `{"password":"1"}`, nil},
		"a stranger to one part":        {part, `{"x":1}`, []string{undeclared, "/x"}},
		"a stranger, by reference":      {&contract.Schema{Ref: shut(object("a"))}, `{"x":1}`, []string{undeclared, "/x"}},
		"welcome to one part":           {partOpen, `{"password":"1"}`, nil},
		"welcome in general":            {&contract.Schema{AllOf: []*contract.Schema{object("b"), open}}, `{"password":"1"}`, nil},
		"closed, and then open":         {&contract.Schema{AllOf: []*contract.Schema{shut(object("a")), open}}, `{"x":1}`, []string{undeclared, "/x"}},
		"alternatives":                  {either, `{"x":1}`, nil},
		"branches":                      {branches, `{"x":1}`, nil},
		"patterns":                      {patterns, `{"x":1}`, nil},
		"what depends":                  {depends, `{"x":1}`, nil},
		"conditions":                    {cond, `{"x":1}`, nil},
		"a credential":                  {object("a"), `{"password":"1"}`, []string{credential, "/password"}},
		"a credential that is no text":  {object("a"), `{"password":1}`, nil},
		"a credential that is listed":   {object("password"), `{"password":"1"}`, nil},
		"write-only":                    {object("!pin"), `{"pin":"1"}`, []string{writeOnly, "/pin"}},
		"write-only, and nothing":       {object("!pin"), `{"pin":null}`, nil},
		"write-only in one part":        {both, `{"pin":"1"}`, nil},
		"write-only in both parts":      {twice, `{"pin":"1"}`, []string{writeOnly, "/pin"}},
		"write-only, and all within":    {inner, `{"secret":{"pin":1,"x":2}}`, []string{writeOnly, "/secret"}},
		"nothing, and what is within":   {inner, `{"secret":null}`, nil},
		"the same name twice":           {&contract.Schema{Items: object("!pin")}, `[{"pin":1},{"pin":2}]`, []string{writeOnly, "/0/pin"}},
		"the same name for two reasons": {&contract.Schema{PrefixItems: nil, Items: &contract.Schema{Properties: append(object("!pin").Properties, contract.Property{Name: "b", Schema: shut(object("c"))})}}, `[{"pin":1},{"b":{"pin":2}}]`, []string{writeOnly, "/0/pin", undeclared, "/1/b/pin"}},
	} {
		var want []string
		for i := 0; i < len(c.want); i += 2 {
			want = append(want, fmt.Sprintf(c.want[i], c.want[i+1]))
		}
		if diff := cmp.Diff(want, compared(c.s, c.body)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHowDeepTheProbeLooks(t *testing.T) {
	t.Parallel()
	chain := &contract.Schema{Properties: object("!pin").Properties}
	chain.Properties = append(chain.Properties, contract.Property{Name: "next", Schema: chain})
	list := object("!pin")
	list.Items = list
	parts := func(n int, s *contract.Schema) *contract.Schema {
		for range n {
			s = &contract.Schema{AllOf: []*contract.Schema{{}, s}}
		}
		return s
	}
	of := &contract.Schema{Items: object("!pin")}
	for n, want := range map[int]int{0: 1, 1: 1, 31: 1, 32: 1, 33: 0} {
		for name, found := range map[string][]string{
			"members":            compared(chain, strings.Repeat(`{"next":`, n)+`{"pin":1}`+strings.Repeat("}", n)),
			"lists":              compared(list, strings.Repeat(`[`, n)+`{"pin":1}`+strings.Repeat("]", n)),
			"references":         compared(refs(n, object("!pin")), `{"pin":1}`),
			"parts":              compared(parts(n, object("!pin")), `{"pin":1}`),
			"references of list": compared(refs(n, of), `[{"pin":1}]`),
			"parts of lists":     compared(parts(n, of), `[{"pin":1}]`),
		} {
			if len(found) != want {
				t.Errorf("%d %s: %q", n, name, found)
			}
		}
	}
	for n, want := range map[int]int{0: 1, 99: 1, 100: 0} {
		if found := compared(of, "["+strings.Repeat("0,", n)+`{"pin":1}]`); len(found) != want {
			t.Errorf("behind %d elements: %q", n, found)
		}
	}
	tuple := &contract.Schema{Items: object("!pin"), PrefixItems: []*contract.Schema{{}}}
	for name, s := range map[string]*contract.Schema{"a tuple": tuple, "a list of anything": {}, "a reference to a tuple": refs(1, tuple), "parts of anything": parts(1, &contract.Schema{})} {
		if found := compared(s, `[{"pin":1,"password":"1"}]`); found != nil {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestWhatTheProbeReads(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{{Method: "POST", Path: "/made"}, {Method: "GET", Path: "/unknown"}}
	for i := range 102 {
		op := replies(object("!pin"))
		op.Path, op.Key = fmt.Sprintf("/%d", i), fmt.Sprintf("GET /%d", i)
		ops = append(ops, op)
	}
	var found []risk.Finding
	reset := errors.New("reset")
	sent, lost := 0, ""
	target := &risk.Target{
		Contract: &contract.Contract{Operations: ops},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{Path: op.Path}, op.Path != "/unknown"
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			sent++
			if a.Path == lost {
				return seen(200, json, `{}`), reset
			}
			return seen(200, json, `{"pin":1}`), nil
		},
		Report: func(f risk.Finding) { found = append(found, f) },
	}
	if err := probe(t.Context(), target); err != nil || sent != 100 || len(found) != 100 {
		t.Errorf("%d sent, %d found: %v", sent, len(found), err)
	}
	want := risk.Finding{Operation: "GET /99", Code: "excessdata/write-only", Confirmed: true, Proof: "the reply holds the member /pin, which the contract declares as write-only"}
	if diff := cmp.Diff(want, found[99]); diff != "" {
		t.Error(diff)
	}
	sent, lost = 0, "/1"
	if err := probe(t.Context(), target); !errors.Is(err, reset) || !strings.Contains(err.Error(), "GET /1") || sent != 2 {
		t.Errorf("%d sent: %v", sent, err)
	}
}

func TestWhichObjectsAreSilent(t *testing.T) {
	t.Parallel()
	open := func(s *contract.Schema) *contract.Schema {
		s.AdditionalProperties = &contract.Schema{}
		return s
	}
	rare, unevaluated := object("a"), object("a")
	rare.Rare, unevaluated.Rare = &contract.Rare{}, &contract.Rare{UnevaluatedProperties: &contract.Schema{}}
	below := shut(object("a"))
	below.Properties[0].Schema = object("b")
	partsOf := func(kind int, outer, part *contract.Schema) *contract.Schema {
		switch kind {
		case 0:
			outer.AllOf = []*contract.Schema{part}
		case 1:
			outer.AnyOf = []*contract.Schema{part}
		case 2:
			outer.OneOf = []*contract.Schema{part}
		case 3:
			outer.Ref = part
		}
		return outer
	}
	type counts struct{ silent, objects int }
	cases := map[string]struct {
		s    *contract.Schema
		want counts
	}{
		"nothing": {nil, counts{}}, "no members": {&contract.Schema{Types: contract.ObjectType}, counts{}}, "one member": {object("a"), counts{1, 1}},
		"closed": {shut(object("a")), counts{}}, "open": {open(object("a")), counts{}}, "rare words": {rare, counts{1, 1}}, "not evaluated": {unevaluated, counts{}},
		"below one that speaks": {below, counts{1, 2}},
		"closed in a part":      {partsOf(0, object("a"), shut(object("b"))), counts{}},
		"closed by a reference": {partsOf(3, object("a"), shut(object("b"))), counts{}},
		"closed by a branch":    {partsOf(2, object("a"), shut(object("b"))), counts{1, 2}},
	}
	for kind, name := range []string{"all", "any", "one", "ref"} {
		cases["a part of what is closed, "+name] = struct {
			s    *contract.Schema
			want counts
		}{partsOf(kind, shut(object("a")), object("b")), counts{}}
		cases["a part of what is silent, "+name] = struct {
			s    *contract.Schema
			want counts
		}{partsOf(kind, object("a"), object("b")), counts{2, 2}}
	}
	for name, c := range cases {
		var got []string
		lint(&contract.Contract{Operations: []*contract.Operation{replies(c.s), replies(c.s)}}, func(d source.Diagnostic) {
			got = append(got, d.Text)
			if d.Code != CodeSilent || d.Severity != source.Info || d.Hint != "write additionalProperties: false, or `undeclared: strip` in the policy" {
				t.Errorf("%s: %+v", name, d)
			}
		})
		var want []string
		if c.want.silent > 0 {
			want = []string{fmt.Sprintf("%d of %d objects in replies say nothing about members that they do not list", c.want.silent, c.want.objects)}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for n, want := range map[int]bool{0: true, 7: true, 8: true, 9: false} {
		inParts := shut(object("a"))
		for range n {
			inParts = &contract.Schema{AllOf: []*contract.Schema{{}, inParts}}
		}
		if speaks(refs(n, shut(object("a"))), 0) != want || speaks(inParts, 0) != want {
			t.Errorf("%d deep", n)
		}
		l := linter{seen: map[*contract.Schema]bool{}}
		outer := object("b")
		outer.Ref = refs(n, shut(object("a")))
		if l.schema(outer, false); (l.silent == 0) != (n < 8) {
			t.Errorf("%d deep: %d silent", n, l.silent)
		}
	}
}

func TestWhatTheLintReports(t *testing.T) {
	t.Parallel()
	at := func(line int, s *contract.Schema) *contract.Schema {
		s.At = source.Span{Line: line}
		for i := range s.Properties {
			s.Properties[i].NameAt = source.Span{Line: line + 1 + i}
		}
		return s
	}
	settings := object()
	settings.Properties = []contract.Property{
		{Name: "password", Schema: &contract.Schema{Ref: &contract.Schema{WriteOnly: true}}}, {Name: "passwd", Schema: &contract.Schema{Ref: object()}}, {Name: "pwd", Schema: &contract.Schema{Ref: &contract.Schema{}}},
		{Name: "private_key", Schema: object()}, {Name: "pw_hash", Schema: &contract.Schema{WriteOnly: true}}, {Name: "token", Schema: &contract.Schema{}},
	}
	op := &contract.Operation{Replies: []*contract.Reply{
		{Code: 404, Media: []*contract.Media{{Schema: at(10, object("password"))}}},
		{Code: 200, Media: []*contract.Media{{}, {Schema: at(20, object("name", "password"))}, {Schema: at(30, settings)}}},
	}}
	var got []source.Diagnostic
	lint(&contract.Contract{Operations: []*contract.Operation{op, op}}, func(d source.Diagnostic) { got = append(got, d) })
	const hint = "add writeOnly: true, or leave it out of the reply's schema"
	want := []source.Diagnostic{
		{At: source.Span{Line: 22}, Severity: source.Warning, Code: "excessdata/credential", Text: `replies show the member "password"`, Hint: hint},
		{At: source.Span{Line: 33}, Severity: source.Warning, Code: "excessdata/credential", Text: `replies show the member "pwd"`, Hint: hint},
		{
			At: source.Span{Line: 20}, Severity: source.Info, Code: "excessdata/silent", Text: "2 of 2 objects in replies say nothing about members that they do not list",
			Hint: "write additionalProperties: false, or `undeclared: strip` in the policy",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
