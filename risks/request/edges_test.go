package request

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatRefusalsSay(t *testing.T) {
	t.Parallel()
	g := (*settled)(guards(t, site(0, nil))[risk.Head].(*head))
	want := &settled{
		denyParameter: &risk.Denial{Code: "request/parameter", Status: 400, Title: "a parameter breaks the contract", Reason: "a parameter breaks its schema", Show: risk.ShowHead},
		denySyntax:    &risk.Denial{Code: "request/syntax", Status: 400, Title: "the body is malformed", Reason: "the body cannot be parsed as its media type", Show: risk.ShowBody},
		denyBody:      &risk.Denial{Code: "request/body", Status: 400, Title: "the body breaks the contract", Reason: "the body breaks its schema", Show: risk.ShowBody},
		denyComplex:   &risk.Denial{Code: "request/too-complex", Status: 400, Title: "the body is too complex", Reason: "the body has more parts than are judged", Show: risk.ShowBody},
		denyUnchecked: &risk.Denial{Code: "request/unchecked", Status: 400, Title: "the body cannot be checked", Reason: "nothing checks this media type, and the policy is strict"},
	}
	if diff := cmp.Diff(want, g, cmp.AllowUnexported(settled{})); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotCheckedIsRefusedOnlyWhenStrict(t *testing.T) {
	t.Parallel()
	none, unchecked := risk.Reading{}, violations(risk.Unchecked)
	for name, c := range map[string]struct {
		head, content risk.Reading
		want          []string // of the head, and strictly, and of the body
	}{
		"nothing":                       {none, none, []string{"", "", "", ""}},
		"a parameter":                   {unchecked, none, []string{"", "request/unchecked", "", ""}},
		"a part of a body":              {none, unchecked, []string{"", "request/unchecked", "", "request/unchecked"}},
		"a whole body":                  {none, risk.Reading{Unchecked: true}, []string{"", "request/unchecked", "", "request/unchecked"}},
		"undeclared, for what it is":    {none, violations(risk.Undeclared), []string{"", "", "request/body", "request/body"}},
		"a status, for what it is":      {none, violations(risk.UndeclaredStatus), []string{"", "", "request/body", "request/body"}},
		"malformed, behind a whole one": {none, risk.Reading{Unchecked: true, Violations: violations(risk.BadSyntax).Violations}, []string{"", "request/unchecked", "request/syntax", "request/syntax"}},
	} {
		check := func(p Params, phase risk.Phase) string {
			return string(code(guards(t, site(0, p))[phase].Check(risk.NewExchange(&risk.Facts{Head: c.head, Content: c.content}, nil))))
		}
		got := []string{check(Params{}, risk.Head), check(Params{Strict: true}, risk.Head), check(Params{}, risk.Body), check(Params{Strict: true}, risk.Body)}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHowMembersAreBroken(t *testing.T) {
	t.Parallel()
	const canary = "abcdefghijklmnop"
	str := func(change func(*contract.Schema)) *contract.Schema { return schema(contract.StringType, change) }
	format := func(f string) *contract.Schema { return str(func(s *contract.Schema) { s.Format = f }) }
	long := func(n int) *contract.Schema { return str(func(s *contract.Schema) { s.MaxLength = n }) }
	const over = "a text over maxLength "
	for name, c := range map[string]struct {
		s    *contract.Schema
		want string // what and text
	}{
		"anything":             {schema(0), " "},
		"any text":             {schema(contract.StringType), " "},
		"a number":             {schema(contract.IntegerType), "a text where the schema has none " + canary},
		"nothing or a text":    {schema(contract.NullType | contract.StringType), " "},
		"one of a list":        {str(func(s *contract.Schema) { s.Enum = []source.Value{} }), "a value that the enum does not list " + canary},
		"no text at all":       {long(0), over + canary},
		"fifteen letters":      {long(15), over + canary},
		"sixteen letters":      {long(16), over + canary + canary},
		"almost too long":      {long(maxLong - 1), over + strings.Repeat(canary, maxLong/16)},
		"too long to be sent":  {long(maxLong), " "},
		"a uuid":               {format("uuid"), "a text that is no uuid " + canary},
		"a date":               {format("date"), "a text that is no date " + canary},
		"a time":               {format("date-time"), "a text that is no date-time " + canary},
		"an address of mail":   {format("email"), "a text that is no email " + canary},
		"an address":           {format("ipv4"), "a text that is no ipv4 " + canary},
		"a long address":       {format("ipv6"), "a text that is no ipv6 " + canary},
		"a format of no force": {format("password"), " "},
	} {
		what, text := breach(c.s, canary)
		if got := what + " " + text; got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestWhichMemberIsBroken(t *testing.T) {
	t.Parallel()
	number, text := schema(contract.IntegerType), schema(contract.StringType)
	number.At = source.Span{Line: 7}
	never, own := contract.NewSchema(), schema(contract.IntegerType, func(s *contract.Schema) { s.ReadOnly = true })
	never.Never = true
	for name, c := range map[string]struct {
		properties []contract.Property
		others     *contract.Schema
		want       []string
	}{
		"the first that can be":     {[]contract.Property{{Name: "a", Schema: text}, {Name: "b", Schema: number}, {Name: "c", Schema: number}}, nil, []string{`{"a":"x","b":"CANARY","c":2}`}},
		"none that is unknown":      {nil, nil, nil},
		"none that is the server's": {[]contract.Property{{Name: "b", Schema: own}}, nil, nil},
		"nor by reference":          {[]contract.Property{{Name: "b", Schema: &contract.Schema{Ref: own}}}, nil, nil},
		"nor beside a reference":    {[]contract.Property{{Name: "b", Schema: &contract.Schema{Ref: number, ReadOnly: true}}}, nil, nil},
		"by reference":              {[]contract.Property{{Name: "b", Schema: &contract.Schema{Ref: number}}}, nil, []string{`{"a":"x","b":"CANARY","c":2}`}},
		"others welcome":            {nil, contract.NewSchema(), nil},
		"others refused":            {nil, never, []string{`{"a":"x","b":1,"c":2,"xCANARY":"CANARY"}`}},
		"both": {[]contract.Property{{Name: "c", Schema: number}}, never, []string{
			`{"a":"x","b":1,"c":"CANARY"}`, `{"a":"x","b":1,"c":2,"xCANARY":"CANARY"}`,
		}},
	} {
		s := schema(contract.ObjectType, func(s *contract.Schema) { s.Properties, s.AdditionalProperties = c.properties, c.others })
		s.At = source.Span{Line: 9}
		doc := jsonx.New(jsonx.Limits{})
		if err := doc.Parse([]byte(`{"a":"x","b":1,"c":2}`)); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range mutants(s, doc, "CANARY") {
			got = append(got, string(m.With(m.Value)))
			added := strings.HasPrefix(m.Name, "x")
			what, line := "a text where the schema has none", 7
			if added {
				what, line = "a member that the schema refuses", 9
			}
			if m.Code != "request/body" || m.What != what || m.At.Line != line && !strings.HasPrefix(name, "by ") {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhatIsLoose(t *testing.T) {
	t.Parallel()
	with := func(kind contract.Types, change func(*contract.Schema)) *contract.Schema { return schema(kind, change) }
	value := source.Value{}
	const noLength, noItems, noRange = "no maxLength", "no maxItems", "no minimum and maximum"
	parts := []*contract.Schema{contract.NewSchema()}
	both := contract.StringType | contract.ArrayType | contract.IntegerType
	cases := map[string]struct {
		s    *contract.Schema
		want string
	}{
		"anything":     {schema(0), ""},
		"an object":    {schema(contract.ObjectType), ""},
		"a text":       {schema(contract.StringType), noLength},
		"a short text": {with(contract.StringType, func(s *contract.Schema) { s.MaxLength = 0 }), ""},
		"a list":       {schema(contract.ArrayType), noItems},
		"a short list": {with(contract.ArrayType, func(s *contract.Schema) { s.MaxItems = 0 }), ""},
		"a number":     {schema(contract.NumericType), ""}, "a number or an integer": {schema(contract.NumericType | contract.IntegerType), ""},
		"an integer":     {schema(contract.IntegerType), noRange},
		"all of them":    {schema(both), noLength},
		"by a reference": {&contract.Schema{Ref: schema(contract.StringType)}, noLength},
		"a constant":     {with(both, func(s *contract.Schema) { s.Const = &value }), ""},
		"an enumeration": {with(both, func(s *contract.Schema) { s.Enum = []source.Value{value} }), ""},
		"all of":         {with(both, func(s *contract.Schema) { s.AllOf = parts }), ""},
		"any of":         {with(both, func(s *contract.Schema) { s.AnyOf = parts }), ""},
		"one of":         {with(both, func(s *contract.Schema) { s.OneOf = parts }), ""},
	}
	for format, want := range map[string]string{"date": "", "date-time": "", "time": "", "uuid": "", "ipv4": "", "ipv6": "", "duration": "", "binary": "", "email": noLength, "int64": noLength} {
		cases["a text of format "+format] = struct {
			s    *contract.Schema
			want string
		}{with(contract.StringType, func(s *contract.Schema) { s.Format = format }), want}
	}
	for format, want := range map[string]string{"int32": "", "int64": "", "uint8": noRange, "uuid": noRange} {
		cases["an integer of format "+format] = struct {
			s    *contract.Schema
			want string
		}{with(contract.IntegerType, func(s *contract.Schema) { s.Format = format }), want}
	}
	for bits := range 16 {
		want := noRange
		if bits&3 != 0 && bits&12 != 0 {
			want = ""
		}
		cases["an integer with bounds "+string(rune('a'+bits))] = struct {
			s    *contract.Schema
			want string
		}{with(contract.IntegerType, func(s *contract.Schema) {
			for i, n := range []*contract.Number{&s.Minimum, &s.ExclusiveMinimum, &s.Maximum, &s.ExclusiveMaximum} {
				if bits&(1<<i) != 0 {
					*n = "1"
				}
			}
		}), want}
	}
	for name, c := range cases {
		if got := loose(c.s); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestMorePatternsWithAnEnd(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{
		`^(a|b)|c$`: false, `^((a|b))$`: true, `^(a)(b)|c$`: false, `^[ab]+$`: false, `^[a]b*$`: false, `^[(]a|b$`: false, `^\\a+$`: false, `^\(|a$`: false,
		`^a,b$`: true, `^a{2,3}$`: true, `^a{2,}b$`: false, `^a`: false, `a$`: false, `$`: false, `^`: false, `^$`: true, `ab{2}`: false,
	} {
		if got := bounded(schema(contract.StringType, func(s *contract.Schema) { s.Pattern = pattern })); got != want {
			t.Errorf("%s: got %v", pattern, got)
		}
	}
}

func TestRepetitionAtTheVeryFront(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]bool{"+": true, "a": false, "": false, ",}": true, ",": false, "{1,2": false} {
		if got := endless(pattern); got != want {
			t.Errorf("%q: %v", pattern, got)
		}
	}
}

func TestHowTheLintCounts(t *testing.T) {
	t.Parallel()
	object := func(name string, properties ...contract.Property) *contract.Schema {
		return schema(contract.ObjectType, func(s *contract.Schema) { s.Name, s.Properties = name, properties })
	}
	text := func(names string) (out []contract.Property) {
		for _, n := range strings.Fields(names) {
			out = append(out, contract.Property{Name: n, Schema: schema(contract.StringType)})
		}
		return out
	}
	list := schema(contract.ArrayType, func(s *contract.Schema) { s.Name, s.Items = "List", schema(contract.BooleanType) })
	unevaluated := object("", text("a")...)
	unevaluated.Rare = contract.NewRare()
	alone := object("", text("a")...)
	alone.Rare = contract.NewRare()
	other := *alone
	unevaluated.Rare.UnevaluatedProperties = contract.NewSchema()
	circle, back := &contract.Schema{Properties: text("b")}, &contract.Schema{}
	circle.Ref, back.Ref = back, circle
	own := object("", contract.Property{Name: "a", Schema: schema(contract.StringType, func(s *contract.Schema) { s.ReadOnly = true })})
	takes := func(path string, s *contract.Schema) *contract.Operation {
		return &contract.Operation{Method: "PUT", Path: path, Body: &contract.Body{Media: []*contract.Media{{}, {Type: "application/json", Schema: s}}}}
	}
	inner := object("Inner", text("x")...)
	const unbounded, nothing = " leaves requests unbounded: ", " objects in request bodies say nothing about members that they do not list"
	for name, c := range map[string]struct {
		ops  []*contract.Operation
		want []string
	}{
		"no body": {[]*contract.Operation{{Method: "GET"}}, nil},
		"five are all named": {[]*contract.Operation{takes("/a", object("Five", text("a b c d e")...))}, []string{
			`the schema "Five"` + unbounded + "a has no maxLength, b has no maxLength, c has no maxLength, d has no maxLength, e has no maxLength", "1 of 1" + nothing,
		}},
		"seven are not": {[]*contract.Operation{takes("/a", object("Seven", text("a b c d e f g")...))}, []string{
			`the schema "Seven"` + unbounded + "a has no maxLength, b has no maxLength, c has no maxLength, d has no maxLength, e has no maxLength and 2 more", "1 of 1" + nothing,
		}},
		"a list in two bodies": {[]*contract.Operation{takes("/a", list), takes("/b", list)}, []string{`the schema "List"` + unbounded + "it has no maxItems"}},
		"named ones own their members": {[]*contract.Operation{takes("/a", object("Outer", append(text("o"), contract.Property{Name: "i", Schema: inner})...))}, []string{
			`the schema "Outer"` + unbounded + "o has no maxLength", `the schema "Inner"` + unbounded + "x has no maxLength", "2 of 2" + nothing,
		}},
		"a body without a name": {[]*contract.Operation{takes("/a", object("", text("a")...))}, []string{"the body of PUT /a" + unbounded + "a has no maxLength", "1 of 1" + nothing}},
		"unevaluatedProperties speaks of others": {[]*contract.Operation{takes("/a", unevaluated), takes("/b", alone), takes("/c", &other), takes("/d", object("", text("a")...))}, []string{
			"the body of PUT /a" + unbounded + "a has no maxLength", "the body of PUT /b" + unbounded + "a has no maxLength",
			"the body of PUT /c" + unbounded + "a has no maxLength", "the body of PUT /d" + unbounded + "a has no maxLength", "3 of 4" + nothing,
		}},
		"parts in a circle":                 {[]*contract.Operation{takes("/a", &contract.Schema{AllOf: []*contract.Schema{back}})}, []string{"the body of PUT /a" + unbounded + "b has no maxLength"}},
		"what is the server's, and nothing": {[]*contract.Operation{takes("/a", own), takes("/b", object(""))}, []string{"1 of 1" + nothing}},
	} {
		var got []string
		lint(&contract.Contract{Operations: c.ops}, func(d source.Diagnostic) {
			got = append(got, d.Text)
			hint := map[source.Code]string{CodeLoose: "write maxLength, maxItems, minimum and maximum", CodeSilent: "write additionalProperties: false, or `undeclared: refuse` in the policy"}[d.Code]
			if hint == "" || d.Hint != hint || d.Severity != source.Info {
				t.Errorf("%s: %+v", name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
