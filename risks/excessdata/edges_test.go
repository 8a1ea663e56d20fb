package excessdata

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/risk"
)

// object is a schema with these members, "!" before those that are write-only.
func object(names ...string) *contract.Schema {
	s := &contract.Schema{Types: contract.ObjectType}
	for _, n := range names {
		name, writeOnly := strings.CutPrefix(n, "!")
		s.Properties = append(s.Properties, contract.Property{Name: name, Schema: &contract.Schema{Types: contract.StringType, WriteOnly: writeOnly}})
	}
	return s
}

// shut refuses other members.
func shut(s *contract.Schema) *contract.Schema {
	s.AdditionalProperties = &contract.Schema{Never: true}
	return s
}

// replies is a read whose successes have these schemas.
func replies(schemas ...*contract.Schema) *contract.Operation {
	op := &contract.Operation{Method: "GET", Path: "/a", Key: "GET /a"}
	for _, s := range schemas {
		op.Replies = append(op.Replies, &contract.Reply{Code: 200, Media: []*contract.Media{{Type: json, Schema: s}}})
	}
	return op
}

// both are the guards of an operation, those of the head and of the body.
func both(t *testing.T, op *contract.Operation, s site) (head, body risk.Guard) {
	t.Helper()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: op, Silent: s.silent, Params: s.params})
	if err != nil || len(placed) != 2 || placed[0].Phase != risk.Reply || placed[1].Phase != risk.ReplyBody {
		t.Fatal(placed, err)
	}
	return placed[0].Guard, placed[1].Guard
}

// answered is an exchange with a reply and what was read of it.
func answered(status int, media, body string, r *risk.Reading) *risk.Exchange {
	f := &risk.Facts{Request: risk.Request{Method: "GET"}, Response: &risk.Response{Status: status, Media: media, Body: []byte(body)}}
	if r != nil {
		f.Answered = *r
	}
	return risk.NewExchange(f, nil)
}

func violation(c risk.Class, in contract.In) *risk.Reading {
	return &risk.Reading{Violations: []risk.Violation{{Class: c, In: in}}}
}

// became is what a guard made of an exchange: the denial's code, or the flags
// and the edits, of cuts what is cut.
func became(g risk.Guard, x *risk.Exchange) string {
	if d := g.Check(x); d != nil {
		return string(d.Code)
	}
	out := append([]string{}, x.Flags()...)
	for _, e := range x.Edits() {
		switch e.Do {
		case risk.CutMember:
			out = append(out, fmt.Sprintf("cut %s", x.Response().Body[e.Start:e.End]))
		case risk.HideBody:
			out = append(out, "hide "+string(e.Code)+" "+e.Value)
		default:
			out = append(out, fmt.Sprintf("%+v", e))
		}
	}
	return strings.Join(out, "; ")
}

func TestWhatTheDenialsSay(t *testing.T) {
	t.Parallel()
	const text = "the reply of the service behind the gateway was withheld"
	want := &refusals{
		broken: &risk.Denial{Code: "excessdata/contract", Status: 502, Title: text, Reason: "the reply holds members that are not declared"},
		status: &risk.Denial{Code: "excessdata/status", Status: 502, Title: text, Reason: "the status of the reply is not declared"},
		media:  &risk.Denial{Code: "excessdata/media-type", Status: 502, Title: text, Reason: "the media type of the reply is not declared"},
		stuck:  &risk.Denial{Code: "excessdata/uncuttable", Status: 502, Title: text, Reason: "the reply holds members that must not leave and cannot be removed"},
	}
	if diff := cmp.Diff(want, denials(), cmp.AllowUnexported(refusals{})); diff != "" {
		t.Error(diff)
	}
	if placed, err := newGuard(&risk.Site{Scope: risk.OfOperation, Op: replies()}); err != nil || len(placed) != 2 {
		t.Errorf("without settings: %v %v", placed, err)
	}
}

func TestHeads(t *testing.T) {
	t.Parallel()
	hiding, plain := &contract.Media{Schema: object("!pin")}, &contract.Media{Schema: object("name")}
	undeclared := violation(risk.UndeclaredStatus, 0)
	for name, c := range map[string]struct {
		strict bool
		status int
		in     *risk.Reading
		want   string
	}{
		"nothing":                           {true, 200, &risk.Reading{}, ""},
		"a stream that hides nothing":       {true, 200, &risk.Reading{Unchecked: true, Media: plain}, ""},
		"a stream of no type":               {true, 200, &risk.Reading{Unchecked: true}, ""},
		"a stream that hides something":     {false, 200, &risk.Reading{Unchecked: true, Media: hiding}, "excessdata/uncuttable"},
		"what is read can be cut":           {true, 200, &risk.Reading{Media: hiding}, ""},
		"another status":                    {false, 200, undeclared, flagStatus},
		"another success, strict":           {true, 299, undeclared, "excessdata/status"},
		"the last that is refused, strict":  {true, 399, undeclared, "excessdata/status"},
		"the first that is passed, strict":  {true, 400, undeclared, flagStatus},
		"the second that is passed, strict": {true, 401, undeclared, flagStatus},
	} {
		head, _ := both(t, replies(), site{params: Params{Strict: c.strict}})
		if got := became(head, answered(c.status, json, "", c.in)); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	head, body := both(t, replies(object("!pin")), site{})
	x := answered(203, json, "", undeclared)
	x.Flag("another")
	for range 2 {
		if d := head.Check(x); d != nil {
			t.Error(d)
		}
	}
	if diff := cmp.Diff([]string{"another", flagStatus}, x.Flags()); diff != "" {
		t.Error(diff)
	}
	none := risk.NewExchange(&risk.Facts{Answered: *undeclared}, nil)
	if a, b := became(head, none), became(body, none); a != "" || b != "" {
		t.Errorf("without a reply: %q %q", a, b)
	}
}

func TestWhatMarksSay(t *testing.T) {
	t.Parallel()
	const text = `{"password":1,"x":2}` // x stands at 14 to 19
	at := func(kind risk.MarkKind, pointer string) risk.Mark {
		if pointer == "/x" {
			return risk.Mark{Kind: kind, Start: 14, Value: 18, End: 19, Pointer: pointer}
		}
		return risk.Mark{Kind: kind, Start: 1, Value: 12, End: 13, Pointer: pointer}
	}
	const cutX, cutPassword = flagBroken + `; cut "x":2`, flagBroken + `; cut "password":1`
	for name, c := range map[string]struct {
		op     *contract.Operation
		site   site
		status int
		marks  []risk.Mark
		drops  bool
		want   string
	}{
		"write-only":                         {replies(), site{params: Params{Strict: true}}, 200, []risk.Mark{at(risk.WriteOnlyMember, "/x")}, false, `cut "x":2`},
		"refused":                            {replies(), site{}, 500, []risk.Mark{at(risk.UndeclaredClosed, "/x")}, false, cutX},
		"refused, strict":                    {replies(), site{params: Params{Strict: true}}, 200, []risk.Mark{at(risk.UndeclaredClosed, "/x")}, false, "excessdata/contract"},
		"refused and write-only":             {replies(), site{}, 200, []risk.Mark{at(risk.UndeclaredClosed, "/x"), at(risk.WriteOnlyMember, "/password")}, false, cutX + `; cut "password":1`},
		"silent":                             {replies(), site{}, 200, []risk.Mark{at(risk.UndeclaredSilent, "/x")}, false, ""},
		"silent, and others are refused":     {replies(shut(object())), site{}, 200, []risk.Mark{at(risk.UndeclaredSilent, "/x")}, false, ""},
		"silent, and more was broken":        {replies(object("a")), site{}, 200, []risk.Mark{at(risk.UndeclaredSilent, "/x")}, true, flagBroken},
		"silent, more, and others refused":   {replies(shut(object())), site{}, 200, []risk.Mark{at(risk.UndeclaredSilent, "/x")}, true, cutX},
		"silent and stripped":                {replies(), site{silent: risk.StripSilent}, 500, []risk.Mark{at(risk.UndeclaredSilent, "/x")}, false, cutX},
		"a credential":                       {replies(), site{}, 200, []risk.Mark{at(risk.UndeclaredSilent, "/password")}, false, cutPassword},
		"a credential, redirected":           {replies(), site{}, 399, []risk.Mark{at(risk.UndeclaredSilent, "/password")}, false, cutPassword},
		"a credential that is found fault":   {replies(), site{}, 400, []risk.Mark{at(risk.UndeclaredSilent, "/password")}, false, ""},
		"a credential that is not right":     {replies(), site{}, 401, []risk.Mark{at(risk.UndeclaredSilent, "/password")}, false, ""},
		"welcome, and others":                {replies(), site{silent: risk.RefuseSilent}, 200, []risk.Mark{at(risk.UndeclaredOpen, "/password"), at(risk.ReadOnlyMember, "/x"), at(risk.SensitiveMember, "/x")}, false, ""},
		"a part of no JSON":                  {replies(), site{}, 200, []risk.Mark{{Kind: risk.WriteOnlyMember, Pointer: "/x"}}, false, "excessdata/uncuttable"},
		"the shortest part":                  {replies(), site{}, 200, []risk.Mark{{Kind: risk.WriteOnlyMember, End: 1}}, false, "cut {"},
		"one that passes does not hide more": {replies(), site{}, 200, []risk.Mark{at(risk.UndeclaredOpen, "/password"), at(risk.UndeclaredClosed, "/x")}, false, cutX},
	} {
		_, body := both(t, c.op, c.site)
		if got := became(body, answered(c.status, json, text, &risk.Reading{Marks: c.marks, Overflow: c.drops})); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	_, body := both(t, replies(), site{})
	x := answered(200, json, text, &risk.Reading{Marks: []risk.Mark{at(risk.WriteOnlyMember, "/x")}})
	if d := body.Check(x); d != nil {
		t.Fatal(d)
	}
	if diff := cmp.Diff([]risk.Edit{{Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip, Start: 14, End: 19, Pointer: "/x"}}, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

func TestMoreThanIsMarked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		op    *contract.Operation
		site  site
		marks int
		want  string
	}{
		"nothing to hide":        {replies(object("a")), site{}, risk.MaxMarks, flagMarks},
		"something write-only":   {replies(object("!a")), site{}, risk.MaxMarks, "excessdata/uncuttable"},
		"something refused":      {replies(shut(object("a"))), site{}, risk.MaxMarks, "excessdata/uncuttable"},
		"strangers go":           {replies(object("a")), site{silent: risk.StripSilent}, risk.MaxMarks, "excessdata/uncuttable"},
		"strict":                 {replies(object("a")), site{params: Params{Strict: true}}, risk.MaxMarks, "excessdata/uncuttable"},
		"room for one mark":      {replies(object("a")), site{}, risk.MaxMarks - 1, flagBroken},
		"room for one, strict":   {replies(object("a")), site{params: Params{Strict: true}}, risk.MaxMarks - 1, "excessdata/contract"},
		"room for one, it hides": {replies(object("!a")), site{}, risk.MaxMarks - 1, flagBroken},
	} {
		_, body := both(t, c.op, c.site)
		r := &risk.Reading{Overflow: true}
		for range c.marks {
			r.Marks = append(r.Marks, risk.Mark{Kind: risk.UndeclaredOpen, Start: 1, End: 2})
		}
		if got := became(body, answered(200, json, "{}", r)); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestBodiesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	hiding, plain := replies(object("!pin")), replies(object("name"))
	const hidden = "hide excessdata/uncuttable the reply of the service behind the gateway was withheld"
	syntax := violation(risk.BadSyntax, contract.InBody)
	two := &risk.Reading{Violations: append(append([]risk.Violation{}, syntax.Violations...), syntax.Violations...)}
	late := &risk.Reading{Violations: append([]risk.Violation{{Class: risk.BadSyntax, In: contract.InHeader}, {Class: risk.Unchecked, In: contract.InBody}}, syntax.Violations...)}
	for name, c := range map[string]struct {
		op     *contract.Operation
		status int
		in     *risk.Reading
		want   string
	}{
		"malformed":                       {hiding, 200, syntax, "excessdata/uncuttable"},
		"malformed, redirected":           {hiding, 399, syntax, "excessdata/uncuttable"},
		"malformed, refused":              {hiding, 400, syntax, hidden},
		"malformed, not allowed":          {hiding, 401, syntax, hidden},
		"malformed in two ways":           {hiding, 404, two, hidden},
		"malformed, nothing to hide":      {plain, 200, syntax, ""},
		"malformed, refused, and nothing": {plain, 404, syntax, ""},
		"malformed behind others":         {hiding, 200, late, "excessdata/uncuttable"},
		"a malformed field":               {hiding, 200, violation(risk.BadSyntax, contract.InHeader), ""},
		"unchecked":                       {hiding, 200, &risk.Reading{Unchecked: true, Media: hiding.Replies[0].Media[0]}, "excessdata/uncuttable"},
		"unchecked, nothing to hide":      {plain, 200, &risk.Reading{Unchecked: true, Media: plain.Replies[0].Media[0]}, ""},
		"unchecked, of no type":           {hiding, 200, &risk.Reading{Unchecked: true}, ""},
		"checked":                         {hiding, 200, &risk.Reading{Media: hiding.Replies[0].Media[0]}, ""},
	} {
		_, body := both(t, c.op, site{})
		if got := became(body, answered(c.status, json, "<", c.in)); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	_, body := both(t, hiding, site{})
	if got := became(body, answered(200, json, "", syntax)); got != "" {
		t.Errorf("an empty body: %q", got)
	}
}

func TestBodiesThatBreakTheirSchema(t *testing.T) {
	t.Parallel()
	hiding := replies(object("!pin", "name"))
	value := violation(risk.BadValue, contract.InBody)
	marked := func(kind risk.MarkKind, start int) *risk.Reading {
		return &risk.Reading{Violations: value.Violations, Marks: []risk.Mark{{Kind: kind, Start: start, End: start + 1, Pointer: "/a"}}}
	}
	for name, c := range map[string]struct {
		op     *contract.Operation
		status int
		media  string
		body   string
		in     *risk.Reading
		want   string
	}{
		"a list for an object":        {hiding, 200, json, `[{"pin":1,"name":2}]`, value, `cut "pin":1`},
		"a redirect":                  {hiding, 399, json, `[{"pin":1}]`, value, `cut "pin":1`},
		"a refusal":                   {hiding, 400, json, `[{"pin":1}]`, value, ""},
		"a refusal of rights":         {hiding, 401, json, `[{"pin":1}]`, value, ""},
		"in lines":                    {hiding, 200, "application/x-ndjson", `{"pin":1}`, value, ""},
		"no JSON":                     {hiding, 200, json, `{"pin":1`, value, ""},
		"nothing to hide":             {replies(object("pin")), 200, json, `{"pin":1}`, value, ""},
		"a wrong field":               {hiding, 200, json, `{"pin":1}`, violation(risk.BadValue, contract.InHeader), ""},
		"something else":              {hiding, 200, json, `{"pin":1}`, violation(risk.Undeclared, contract.InBody), ""},
		"below what is welcome":       {hiding, 200, json, `{"a":{"pin":1},"b":{"pin":2}}`, marked(risk.UndeclaredOpen, 1), `cut "pin":2`},
		"itself welcome":              {hiding, 200, json, `{"pin":{"pin":1}}`, marked(risk.UndeclaredOpen, 1), ""},
		"behind what is welcome":      {hiding, 200, json, `{"a":1,"pin":2}`, marked(risk.UndeclaredOpen, 1), `cut "pin":2`},
		"below what nobody speaks of": {hiding, 200, json, `{"a":{"pin":1}}`, marked(risk.UndeclaredSilent, 1), `cut "pin":1`},
		"without a name":              {replies(object("!")), 200, json, `["a",{"":1}]`, value, `cut "":1`},
	} {
		_, body := both(t, c.op, site{})
		if got := became(body, answered(c.status, c.media, c.body, c.in)); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	for n, stuck := range map[int]bool{risk.MaxMarks: false, risk.MaxMarks + 1: true} {
		_, body := both(t, hiding, site{})
		x := answered(200, json, "["+strings.TrimSuffix(strings.Repeat(`{"pin":1},`, n), ",")+"]", value)
		if d := body.Check(x); (d != nil) != stuck || d != nil && d.Code != CodeUncuttable || len(x.Edits()) != risk.MaxMarks {
			t.Errorf("%d members: %v, %d edits", n, d, len(x.Edits()))
		}
	}
}

func TestOnlyWhatIsRecordedHasAPointer(t *testing.T) {
	t.Parallel()
	_, body := both(t, replies(object("!pin")), site{})
	x := answered(203, json, "["+strings.TrimSuffix(strings.Repeat(`{"pin":1},`, 20), ",")+"]", violation(risk.UndeclaredStatus, 0))
	if d := body.Check(x); d != nil || len(x.Edits()) != 20 {
		t.Fatal(d, x.Edits())
	}
	for i, e := range x.Edits() {
		want := ""
		if i < event.MaxEdits {
			want = fmt.Sprintf("/%d/pin", i)
		}
		if e.Pointer != want || e.End != e.Start+7 {
			t.Errorf("%d: %+v", i, e)
		}
	}
}

func TestBodiesThatNobodyDeclared(t *testing.T) {
	t.Parallel()
	hiding, shutting, plain := replies(object("!pin")), replies(shut(object("name"))), replies(object("name"))
	strip := site{silent: risk.StripSilent}
	status, media := risk.UndeclaredStatus, risk.WrongMedia
	const body, cut = `{"pin":1,"pwd":2}`, `cut "pin":1; cut "pwd":2`
	for name, c := range map[string]struct {
		op     *contract.Operation
		site   site
		class  risk.Class
		status int
		media  string
		body   string
		want   string
	}{
		"another success":              {hiding, site{}, status, 299, json, body, cut},
		"another success, text/json":   {hiding, site{}, status, 201, "text/json", body, cut},
		"another success, hal":         {hiding, site{}, status, 201, "application/hal+json", body, cut},
		"another success, no JSON":     {hiding, site{}, status, 299, "text/plain", body, "excessdata/status"},
		"another success, malformed":   {hiding, site{}, status, 299, json, "{", "excessdata/status"},
		"a redirect, no JSON":          {hiding, site{}, status, 300, "text/plain", body, ""},
		"a redirect, malformed":        {hiding, site{}, status, 301, json, `{"pin":1`, ""},
		"the last redirect":            {hiding, site{}, status, 399, json, body, cut},
		"a refusal":                    {hiding, site{}, status, 400, json, body, ""},
		"a refusal of rights":          {hiding, site{}, status, 401, json, body, ""},
		"another success, nothing hid": {plain, site{}, status, 201, json, body, `cut "pwd":2`},
		"another success, closed":      {shutting, site{}, status, 201, json, body, `cut "pwd":2`},
		"another success, stripped":    {plain, strip, status, 201, json, body, "excessdata/status"},
		"a redirect, stripped":         {plain, strip, status, 300, json, body, `cut "pwd":2`},
		"stripped, and no schema":      {replies(), strip, status, 201, json, body, `cut "pwd":2`},
		"another type":                 {hiding, site{}, media, 200, "text/csv", body, "excessdata/media-type"},
		"another type of JSON":         {hiding, site{}, media, 200, "text/json", body, "excessdata/media-type"},
		"another type, closed":         {shutting, site{}, media, 200, "text/csv", body, "excessdata/media-type"},
		"another type, nothing hid":    {plain, site{}, media, 200, "text/csv", body, ""},
		"another JSON, nothing hid":    {plain, site{}, media, 200, "text/json", body, `cut "pwd":2`},
		"another type, stripped":       {plain, strip, media, 200, "text/csv", body, "excessdata/media-type"},
		"another type of a redirect":   {hiding, site{}, media, 302, "text/csv", body, ""},
		"another type of a refusal":    {hiding, site{}, media, 404, "text/json", body, ""},
	} {
		_, g := both(t, c.op, c.site)
		in := contract.In(0)
		if c.class == media {
			in = contract.InBody
		}
		if got := became(g, answered(c.status, c.media, c.body, violation(c.class, in))); got != c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
	_, g := both(t, hiding, site{})
	x := answered(203, json, `[{"pin":1}]`, violation(status, 0))
	if d := g.Check(x); d != nil {
		t.Fatal(d)
	}
	if diff := cmp.Diff([]risk.Edit{{Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip, Start: 2, End: 9, Pointer: "/0/pin"}}, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

func TestTraits(t *testing.T) {
	t.Parallel()
	secret := &contract.Schema{WriteOnly: true}
	byRef := object()
	byRef.Properties = []contract.Property{{Name: "pin", Schema: &contract.Schema{Ref: &contract.Schema{Ref: secret}}}, {Name: "name", Schema: &contract.Schema{Ref: &contract.Schema{}}}}
	unevaluated, rare, open := object(), object(), object()
	unevaluated.Rare, rare.Rare = &contract.Rare{UnevaluatedProperties: &contract.Schema{Never: true}}, &contract.Rare{UnevaluatedProperties: &contract.Schema{}}
	open.AdditionalProperties = &contract.Schema{}
	other := object()
	other.Rare = &contract.Rare{}
	names := func(list ...string) map[string]bool {
		out := map[string]bool{}
		for _, n := range list {
			out[n] = true
		}
		return out
	}
	for name, c := range map[string]struct {
		schemas []*contract.Schema
		want    traits
	}{
		"nothing":                          {nil, traits{writeOnly: names()}},
		"no schema":                        {[]*contract.Schema{nil}, traits{writeOnly: names()}},
		"names":                            {[]*contract.Schema{object("a", "!b")}, traits{schemas: true, writes: true, writeOnly: names("b")}},
		"write-only first":                 {[]*contract.Schema{object("!b"), object("a", "b")}, traits{schemas: true, writes: true, writeOnly: names()}},
		"write-only last":                  {[]*contract.Schema{object("b"), object("!b")}, traits{schemas: true, writes: true, writeOnly: names()}},
		"write-only twice":                 {[]*contract.Schema{object("!b"), object("!b", "!c")}, traits{schemas: true, writes: true, writeOnly: names("b", "c")}},
		"write-only by reference":          {[]*contract.Schema{byRef}, traits{schemas: true, writes: true, writeOnly: names("pin")}},
		"closed, and then open":            {[]*contract.Schema{shut(object()), open}, traits{schemas: true, closes: true, writeOnly: names()}},
		"open, and then closed":            {[]*contract.Schema{open, shut(object())}, traits{schemas: true, closes: true, writeOnly: names()}},
		"open in three ways":               {[]*contract.Schema{open, rare, other}, traits{schemas: true, writeOnly: names()}},
		"closed for what is not evaluated": {[]*contract.Schema{unevaluated, open}, traits{schemas: true, closes: true, writeOnly: names()}},
	} {
		if diff := cmp.Diff(c.want, traitsOf(replies(c.schemas...)), cmp.AllowUnexported(traits{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if !writes(byRef) || writes(open) || writes(nil) {
		t.Error("which schemas have a write-only member somewhere")
	}
}

// refs is a schema behind n references.
func refs(n int, s *contract.Schema) *contract.Schema {
	for range n {
		s = &contract.Schema{Ref: s}
	}
	return s
}

func TestReferencesAreFollowed32Times(t *testing.T) {
	t.Parallel()
	loop := &contract.Schema{}
	loop.Ref = loop
	if onlyWritten(loop) || scalarless(loop) || onlyWritten(nil) || scalarless(nil) {
		t.Error("a circle says nothing")
	}
	for n, want := range map[int]bool{0: true, 1: true, 32: true, 33: false} {
		if got := onlyWritten(refs(n, &contract.Schema{WriteOnly: true})); got != want {
			t.Errorf("write-only behind %d: %v", n, got)
		}
		if got := scalarless(refs(n, object())); got != want {
			t.Errorf("an object behind %d: %v", n, got)
		}
	}
	for kind, want := range map[contract.Types]bool{0: false, contract.StringType: false, contract.StringType | contract.ObjectType: false, contract.ObjectType: true, contract.NullType: true} {
		if got := scalarless(&contract.Schema{Types: kind}); got != want {
			t.Errorf("types %b: %v", kind, got)
		}
	}
}

func TestEachCredential(t *testing.T) {
	t.Parallel()
	for _, name := range strings.Fields(`password passwd pwd passwordHash hashed_password encrypted-password password_digest passwordSalt passwd_hash pw_hash pwdHash hashed_pwd
		totp_secret otpSecret MFA_SECRET twoFactorSecret private_key PRIVATEkeY ------------------------password`) {
		if !credential(name) {
			t.Errorf("%q is none", name)
		}
	}
	for _, name := range []string{"-------------------------password", "p!ssword", "p\x01ssword", "priv\x41te_key2", "\x50WD0", "\x10wd", "totpsecrets", "secret"} {
		if credential(name) {
			t.Errorf("%q is one", name)
		}
	}
	for pointer, want := range map[string]string{"/a/b": "b", "/a": "a", "": "", "/": ""} {
		if got := last(pointer); got != want {
			t.Errorf("%q: %q", pointer, got)
		}
	}
}
