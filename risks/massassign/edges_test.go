package massassign

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
	const owned = "the body sets what only the server may set"
	want := &guard{
		readOnly: Refuse, silent: risk.StripSilent,
		denyReadOnly:   &risk.Denial{Code: "massassign/read-only", Status: 400, Title: owned, Reason: "the body has a readOnly member"},
		denyOwned:      &risk.Denial{Code: "massassign/server-owned", Status: 400, Title: owned, Reason: "the body has an undeclared member that is the server's by its name"},
		denyUndeclared: &risk.Denial{Code: "massassign/undeclared", Status: 400, Title: "the body has a member that the contract does not list", Reason: "the body has an undeclared member"},
		denyUnjudged: &risk.Denial{Code: "massassign/undeclared", Status: 400, Title: "the body has more members than are judged",
			Reason: "the body has more that is wrong or undeclared than is listed"},
	}
	if diff := cmp.Diff(want, guardFor(t, site(risk.StripSilent, nil)), cmp.AllowUnexported(guard{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"refuse", "strip", "allow"}, Way("").Values()); diff != "" {
		t.Error(diff)
	}
	if _, err := newGuard(&risk.Site{Scope: risk.OfListener, Params: Params{ReadOnly: "ignore"}}); err == nil {
		t.Error("wrong settings are refused wherever they stand")
	}
}

func TestABodyOfWhichNotAllIsListedIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		silent   risk.Silence
		readOnly Way
		denied   bool
	}{{risk.StripSilent, Allow, true}, {risk.LeaveSilent, Strip, true}, {risk.RefuseSilent, Allow, true}, {risk.LeaveSilent, Allow, false}} {
		x := risk.NewExchange(&risk.Facts{Content: risk.Reading{Overflow: true}}, nil)
		if d := guardFor(t, site(c.silent, Params{ReadOnly: c.readOnly})).Check(x); (d != nil) != c.denied {
			t.Errorf("silent %v, read_only %v: %v", c.silent, c.readOnly, d)
		}
	}
}

func TestWhatIsCut(t *testing.T) {
	t.Parallel()
	x := risk.NewExchange(&risk.Facts{Content: risk.Reading{Marks: []risk.Mark{
		{Kind: risk.ReadOnlyMember, Start: 1, Value: 6, End: 7, Pointer: "/id"}, {Kind: risk.UndeclaredSilent, Start: 8, Value: 15, End: 16, Pointer: "/a/role"},
	}}}, nil)
	if d := guardFor(t, site(risk.LeaveSilent, Params{ReadOnly: Strip})).Check(x); d != nil {
		t.Fatal(d)
	}
	want := []risk.Edit{
		{Do: risk.CutMember, On: risk.OnRequest, Stage: risk.Strip, Start: 1, End: 7, Pointer: "/id"},
		{Do: risk.CutMember, On: risk.OnRequest, Stage: risk.Strip, Start: 8, End: 16, Pointer: "/a/role"},
	}
	if diff := cmp.Diff(want, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

func TestWhoseNamesAre(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields(`role Roles is_admin admin isSuperUser SUPER-USER is_staff is_root permissions privileges
		balance owner_id tenantId tenant email_verified isVerified PASSWORD_HASH ___________________________role --isadmin__Z`) {
		if want := !strings.HasSuffix(name, "Z"); owned(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
		if want := !strings.HasSuffix(name, "Z"); kept(name) != want {
			t.Errorf("%q is kept: %v", name, !want)
		}
	}
	for _, name := range strings.Fields("createdAt created_by updated-at updatedBy MODIFIED_AT deleted_at creationDate last_login owner isOwner verified") {
		if owned(name) || !kept(name) {
			t.Errorf("%q: owned %v, kept %v", name, owned(name), kept(name))
		}
	}
	for _, name := range []string{"", "name", "roleplay", "rolé", "role ", "r0le", "admin2", "created", "status", "____________________________" + "_____role"} {
		if owned(name) || kept(name) {
			t.Errorf("%q: owned %v, kept %v", name, owned(name), kept(name))
		}
	}
	var buf [maxName]byte
	longest := strings.Repeat("aZ", maxName/2)
	if got := string(plain(longest, &buf)); got != strings.ToLower(longest) {
		t.Errorf("%q", got)
	}
	if got := string(plain("x0@[`{", &buf)); got != "x0@[`{" {
		t.Errorf("%q", got)
	}
	if got := plain(longest+"a", &buf); got != nil {
		t.Errorf("%q", got)
	}
	for pointer, want := range map[string]string{"/a/b": "b", "/a": "a", "": "", "/a/": ""} {
		if got := last(pointer); got != want {
			t.Errorf("%q: %q", pointer, got)
		}
	}
}

func TestWhatTheLintNames(t *testing.T) {
	t.Parallel()
	at := func(line int, name string) contract.Property {
		p := property(name, false)
		p.NameAt = source.Span{Line: line}
		return p
	}
	byReference := contract.Property{Name: "role", Schema: &contract.Schema{Ref: property("", true).Schema}}
	nested := object(at(1, "name"), contract.Property{Name: "more", Schema: object(at(2, "x"), at(3, "admin"))})
	shared := object(at(1, "name"), at(2, "status"))
	for name, c := range map[string]struct {
		ops  []*contract.Operation
		want []int
	}{
		"the first of several":           {[]*contract.Operation{takes("PUT", "/a", object(at(1, "name"), at(4, "role"), at(5, "admin")))}, []int{4}},
		"readOnly by a reference":        {[]*contract.Operation{takes("PUT", "/a", object(at(1, "name"), byReference))}, nil},
		"behind one that is readOnly":    {[]*contract.Operation{takes("PUT", "/a", object(byReference, at(4, "admin")))}, []int{4}},
		"behind one that is the path's":  {[]*contract.Operation{takes("PUT", "/a/role", object(at(3, "role"), at(4, "admin")))}, []int{4}},
		"a path that ends alike":         {[]*contract.Operation{takes("PUT", "/a-role", object(at(3, "role"), at(4, "name")))}, []int{3}},
		"deep down":                      {[]*contract.Operation{takes("PUT", "/a", nested)}, []int{3}},
		"two schemas":                    {[]*contract.Operation{takes("PUT", "/a", nested), takes("PUT", "/b", object(at(5, "name"), at(6, "owner")))}, []int{3, 6}},
		"a state, by the first that has": {[]*contract.Operation{takes("POST", "/a", shared), takes("PUT", "/a", shared)}, []int{2}},
		"no state":                       {[]*contract.Operation{takes("PUT", "/a", object(at(1, "name"), at(2, "status")))}, nil},
		"nor another name of a POST":     {[]*contract.Operation{takes("POST", "/a", object(at(1, "name"), at(2, "state")))}, nil},
		"no schema":                      {[]*contract.Operation{takes("POST", "/a", nil)}, nil},
	} {
		var got []int
		lint(&contract.Contract{Operations: c.ops}, func(d source.Diagnostic) {
			got = append(got, d.At.Line)
			if d.Severity != source.Warning || d.Hint != "add readOnly: true, or leave it out of the schema of requests" {
				t.Errorf("%s: %+v", name, d)
			}
		})
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// sent are the mutants of a body, as "NAME=VALUE", with "!" for the readOnly
// one. The nth canary is n letters long.
func sent(t *testing.T, s *contract.Schema, lawful string) []string {
	t.Helper()
	doc := jsonx.New(jsonx.Limits{})
	if err := doc.Parse([]byte(lawful)); err != nil {
		t.Fatal(err)
	}
	s.At = source.Span{Line: 9}
	n := 0
	var out []string
	for _, m := range mutants(s, doc, func() string { n++; return strings.Repeat("c", n) }) {
		mark := ""
		switch {
		case m.Code == string(CodeReadOnly) && m.What == "a value of the client" && m.At.Line == 5:
			mark = "!"
		case m.Code != string(CodeServerOwned) || m.What != "an undeclared member" || m.At.Line != 9:
			t.Errorf("%+v", m)
		}
		if body := m.With(m.Value); !m.In(body) || len(body) <= len(lawful) {
			t.Errorf("%s does not hold %+v", body, m)
		}
		out = append(out, m.Name+mark+"="+m.Value)
	}
	return out
}

func TestWhichMembersAreSet(t *testing.T) {
	t.Parallel()
	own := func(change func(*contract.Schema)) contract.Property {
		p := property("own", true)
		p.NameAt = source.Span{Line: 5}
		if change != nil {
			change(p.Schema)
		}
		return p
	}
	typed := func(kind contract.Types) contract.Property {
		return own(func(s *contract.Schema) { s.Types = kind })
	}
	format := func(kind contract.Types, f string) contract.Property {
		return own(func(s *contract.Schema) { s.Types, s.Format = kind, f })
	}
	one := `own!="c"`
	digits := "own!=" + number("c")
	undeclared := []string{`role="cc"`, `owner_id="ccc"`, "balance=" + number("ccccc")}
	with := func(first string) []string { return append([]string{first}, undeclared...) }
	for name, c := range map[string]struct {
		s      *contract.Schema
		lawful string
		want   []string
	}{
		"nothing is the server's":       {object(property("name", false)), `{}`, undeclared},
		"a text":                        {object(own(nil)), `{"a":1}`, with(one)},
		"by a reference":                {object(contract.Property{Name: "own", NameAt: source.Span{Line: 5}, Schema: &contract.Schema{Ref: own(nil).Schema}}), `{}`, with(one)},
		"anything":                      {object(typed(0)), `{}`, with(one)},
		"a text or nothing":             {object(typed(contract.StringType | contract.NullType)), `{}`, with(one)},
		"an integer":                    {object(typed(contract.IntegerType)), `{}`, with(digits)},
		"a number":                      {object(typed(contract.NumericType)), `{}`, with(digits)},
		"a short integer":               {object(format(contract.IntegerType, "int32")), `{}`, with(digits)},
		"a long integer":                {object(format(contract.IntegerType, "int64")), `{}`, with(digits)},
		"a list":                        {object(typed(contract.ArrayType)), `{}`, undeclared},
		"a list, and a text behind":     {object(typed(contract.ArrayType), own(nil)), `{}`, with(one)},
		"a date":                        {object(format(contract.StringType, "date")), `{}`, undeclared},
		"a pattern":                     {object(own(func(s *contract.Schema) { s.Pattern = "a" })), `{}`, undeclared},
		"an enum":                       {object(own(func(s *contract.Schema) { s.Enum = []source.Value{} })), `{}`, undeclared},
		"two":                           {object(own(nil), own(nil)), `{}`, with(one)},
		"what the lawful body has":      {object(own(nil)), `{"own":1}`, undeclared},
		"first of the lawful body":      {object(), `{"role":1,"a":2}`, []string{`owner_id="cc"`, "balance=" + number("cccc")}},
		"a role, which is listed":       {object(own(nil), property("role", false)), `{}`, []string{one}},
		"an owner, who is listed":       {object(property("owner_id", false)), `{}`, nil},
		"a balance, which is listed":    {object(property("balance", false)), `{}`, nil},
		"others, which are spoken of":   {&contract.Schema{AdditionalProperties: contract.NewSchema()}, `{}`, nil},
		"rare words":                    {&contract.Schema{Rare: contract.NewRare()}, `{}`, nil},
		"patterns of names":             {&contract.Schema{PatternProperties: []contract.PatternProperty{{}}}, `{}`, nil},
		"alternatives":                  {&contract.Schema{AnyOf: []*contract.Schema{{}}}, `{}`, nil},
		"one of several":                {&contract.Schema{OneOf: []*contract.Schema{{}}}, `{}`, nil},
		"parts that say nothing":        {&contract.Schema{AllOf: []*contract.Schema{{}, {}}}, `{}`, undeclared},
		"parts of which one says it":    {&contract.Schema{AllOf: []*contract.Schema{{}, {AdditionalProperties: contract.NewSchema()}, {}}}, `{}`, nil},
		"a reference that says nothing": {&contract.Schema{Ref: &contract.Schema{}}, `{}`, undeclared},
		"eight references":              {refs(8), `{}`, undeclared},
		"nine references":               {refs(9), `{}`, nil},
		"a reference that says it":      {&contract.Schema{Ref: &contract.Schema{AnyOf: []*contract.Schema{{}}}}, `{}`, nil},
	} {
		if diff := cmp.Diff(c.want, sent(t, c.s, c.lawful)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// refs is a silent schema behind n references.
func refs(n int) *contract.Schema {
	s := &contract.Schema{}
	for range n {
		s = &contract.Schema{Ref: s}
	}
	return s
}

func TestSchemasAreLookedIntoEightDeep(t *testing.T) {
	t.Parallel()
	for depth, want := range map[int]bool{1: true, deepest: true, deepest + 1: false} {
		byRef, byPart := refs(depth), &contract.Schema{}
		for range depth {
			byPart = &contract.Schema{AllOf: []*contract.Schema{byPart}}
		}
		if silent(byRef, 0) != want || silent(byPart, 0) != want {
			t.Errorf("depth %d: by reference %v, by part %v", depth, silent(byRef, 0), silent(byPart, 0))
		}
	}
}

func TestNumbersAreTheirOwnMark(t *testing.T) {
	t.Parallel()
	// FNV-1a of these texts, by the published test vectors, and what is made of it.
	for text, want := range map[string]uint32{"": 0x811c9dc5, "a": 0xe40c292c, "foobar": 0xbf9cf968} {
		if got := number(text); got != string(itoa(1_000_000+want%9_000_000)) || len(got) != 7 {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// itoa writes a number without the package that is tested.
func itoa(n uint32) (out []byte) {
	for ; n > 0; n /= 10 {
		out = append([]byte{'0' + byte(n%10)}, out...)
	}
	return out
}
