package errors

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

const python = "Traceback (most recent call last)"

func TestWhichStatusesAreHidden(t *testing.T) {
	t.Parallel()
	keep := Params{Detail: Keep}
	hidden := func(in reply, p Params) string { return string(pass(t, p, in).Hidden) }
	page := func(status int) reply {
		return reply{status: status, media: "text/html", body: "<h1>", class: risk.WrongMedia}
	}
	text := func(status int, body string) reply {
		return reply{status: status, media: "text/plain", body: body, known: true}
	}
	bare := func(status int) reply { return reply{status: status, body: "<html>", class: risk.WrongMedia} }
	named := func(media string) reply {
		return reply{status: 400, media: media, body: "<html>", class: risk.WrongMedia}
	}
	open := func(status int) reply { return reply{status: status, media: ofJSON, body: `{}`} }
	for _, c := range []struct {
		in   reply
		p    Params
		want string
	}{
		{page(399), Params{}, ""}, {page(400), Params{}, "errors/page"}, {page(499), Params{}, "errors/page"}, {page(500), Params{}, "errors/upstream"},
		{open(499), Params{}, ""}, {open(500), Params{}, "errors/upstream"}, {open(500), keep, "errors/upstream"}, {text(500, "later"), keep, ""},
		{text(299, python), Params{}, ""}, {text(300, python), Params{}, "errors/leak"}, {text(300, "/var/www/x"), Params{}, "errors/leak"}, {text(200, "/var/www/x"), Params{}, ""},
		{text(399, python), Params{}, "errors/leak"}, {text(400, python), Params{}, "errors/leak"},
		{text(499, python), keep, "errors/leak"}, {text(500, python), keep, "errors/upstream"}, {text(501, python), keep, "errors/upstream"}, {text(500, "TypeError: a"), keep, ""},
		{bare(299), Params{}, ""}, {bare(399), Params{}, ""}, {bare(400), Params{}, "errors/page"}, {bare(401), Params{}, "errors/page"},
		{reply{status: 400, body: "<html>", known: true}, Params{}, ""}, {named("/"), Params{}, "errors/page"}, {named("a/b"), Params{}, ""}, {named("html"), Params{}, "errors/page"},
	} {
		if got := hidden(c.in, c.p); got != c.want {
			t.Errorf("%d %q %q %v: %q, want %q", c.in.status, c.in.media, c.in.body, c.p, got, c.want)
		}
	}
}

func TestWhatStandsInPlaceOfABody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   fault.Code
		title  string
	}{{500, CodeUpstream, "the service behind the gateway failed"}, {404, CodePage, "the service behind the gateway refused the request"}} {
		f := &risk.Facts{Response: &risk.Response{Status: c.status, Media: "text/html", Fields: risk.Fields{{Name: "Allow", Value: "GET"}}}}
		f.Answered.Violate(risk.Violation{Class: risk.UndeclaredStatus})
		x := risk.NewExchange(f, nil)
		heads{}.Check(x)
		want := []risk.Edit{
			{Do: risk.HideBody, On: risk.OnReply, Stage: risk.Mask, Code: c.code, Value: c.title},
			{Do: risk.AddField, On: risk.OnReply, Stage: risk.Decide, Name: "Allow", Value: "GET"},
		}
		if diff := cmp.Diff(want, x.Edits()); diff != "" {
			t.Error(diff)
		}
	}
	none := risk.NewExchange(&risk.Facts{}, nil)
	for _, g := range []risk.Guard{heads{}, bodies{}} {
		if d := g.Check(none); d != nil || len(none.Edits()) != 0 {
			t.Errorf("no reply yet: %+v %+v", d, none.Edits())
		}
	}
}

func TestHowBodiesAreRead(t *testing.T) {
	t.Parallel()
	const escaped = `\u0054raceback (most recent call last)`
	for name, c := range map[string]struct {
		media, body string
		hidden      bool
	}{
		"escapes in JSON":                 {ofJSON, `{"e":"` + escaped + `"}`, true},
		"escapes in text":                 {"text/plain", escaped, false},
		"escapes in what looks like JSON": {"text/plain", "\t\r\n {\"e\":\"" + escaped + `"}`, true},
		"in a list":                       {"", `["` + escaped + `"]`, true},
		"in a text":                       {"", `"` + escaped + `"`, true},
		"behind a mark of order":          {"", "\xef\xbb\xbf[\"" + escaped + `"]`, true},
		"in UTF-16":                       {"", "\xfe\xff\x00[\x00\"" + escaped + `"]`, true},
		"in records":                      {"application/json-seq", "\x1e{\"e\":\"" + escaped + `"}`, true},
		"in lines":                        {"application/jsonl", "1\n{\"e\":\"" + escaped + `"}`, true},
		"in other lines":                  {"application/json-lines", "1\n{\"e\":\"" + escaped + `"}`, true},
		"in a problem":                    {"application/problem+json", "1\n\"" + escaped + `"`, true},
		"in another type":                 {"application/json5", "1\n\"" + escaped + `"`, false},
		"nothing":                         {"", "", false},
	} {
		if got := pass(t, Params{}, reply{status: 400, media: c.media, body: c.body}); (got.Hidden == CodeLeak) != c.hidden {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for text, want := range map[string]byte{"": 0, "a": 'a', " \t\r\n\x00\xef\xbb\xbf\xfe\xff{": '{', " \x01": 1, "  ": 0} {
		if got := first([]byte(text)); got != want {
			t.Errorf("%q begins with %q", text, got)
		}
	}
}

func TestWhatIsHiddenInASuccess(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		return `{"trace":[` + strings.TrimSuffix(strings.Repeat(`"at a.B(B.java:1)",`, n), ",") + `]}`
	}
	gone := func(n int) string {
		return `{"trace":[` + strings.TrimSuffix(strings.Repeat(`"[hidden]",`, n), ",") + `]}`
	}
	ok := func(body string) reply { return reply{status: 200, media: ofJSON, body: body, known: true} }
	wrong := func(media, body string) reply {
		return reply{status: 200, media: media, body: body, class: risk.WrongMedia}
	}
	marked := func(kind risk.MarkKind, value, end int) reply {
		in := ok(`{"a":"` + trace + `"}`)
		in.marks = []risk.Mark{{Kind: kind, Start: 1, Value: value, End: end}}
		return in
	}
	last := len(trace) + 7
	for name, c := range map[string]struct {
		in   reply
		want string // "" for the whole body
	}{
		"as many strings as are hidden one by one": {ok(many(64)), gone(64)},
		"one string more":                          {ok(many(65)), ""},
		"a path and a hint are not looked for":     {ok(`{"error":"/var/www/x select * from a"}`), `{"error":"/var/www/x select * from a"}`},
		"nor in the last success":                  {reply{status: 299, media: ofJSON, body: `{"error":"/var/www/x select * from a"}`}, `{"error":"/var/www/x select * from a"}`},
		"a proof and a frame":                      {ok(`{"error":"` + python + ` (B.java:1)"}`), `{"error":"[hidden]"}`},
		"two hints beside a proof elsewhere":       {ok(`{"x":{"error":"TypeError: x, RangeError: y"},"note":"` + python + `"}`), `{"x":{"error":"TypeError: x, RangeError: y"},"note":"` + python + `"}`},
		"one mark, and another elsewhere":          {ok(`{"x":{"error":"` + python + `"},"note":"TypeError: x"}`), `{"x":{"error":"` + python + `"},"note":"TypeError: x"}`},
		"one mark twice":                           {ok(`{"x":{"errors":["` + python + `","` + python + `"]},"note":"TypeError: x"}`), `{"x":{"errors":["` + python + `","` + python + `"]},"note":"TypeError: x"}`},
		"a hint in a string of its own":            {ok(`{"errors":["` + python + `","TypeError: x","` + python + `","fine"]}`), `{"errors":["[hidden]","[hidden]","[hidden]","fine"]}`},
		"a text alone":                             {ok(`"` + trace + `"`), `"` + trace + `"`},
		"a list of texts":                          {ok(`["` + trace + `"]`), `["` + trace + `"]`},
		"JSON that is broken":                      {ok(`{"error":"` + trace + `",`), `{"error":"` + trace + `",`},
		"broken JSON, and a proof":                 {wrong(ofJSON, `{"error":"`+python+` TypeError: x",`), ""},
		"text in place of JSON, and one proof":     {wrong("text/plain", python), python},
		"text in place of JSON, and frames":        {wrong("text/plain", "(B.java:1) (C.java:2)"), "(B.java:1) (C.java:2)"},
		"text in place of JSON, proof and hint":    {wrong("text/plain", python+" TypeError: x"), ""},
		"undeclared where the schema is closed":    {marked(risk.UndeclaredClosed, 5, last), `{"a":"[hidden]"}`},
		"undeclared where the schema is silent":    {marked(risk.UndeclaredSilent, 5, last), `{"a":"[hidden]"}`},
		"a member before it is undeclared":         {marked(risk.UndeclaredClosed, 1, last-1), `{"a":"` + trace + `"}`},
		"a member behind it is undeclared":         {marked(risk.UndeclaredClosed, 6, last), `{"a":"` + trace + `"}`},
		"a member that is written only":            {marked(risk.WriteOnlyMember, 5, last), `{"a":"` + trace + `"}`},
		"a sibling tells of an error":              {ok(`{"x":{"stack":1,"a":"` + trace + `"},"b":"TypeError: x"}`), `{"x":{"stack":1,"a":"[hidden]"},"b":"TypeError: x"}`},
	} {
		got := pass(t, Params{}, c.in)
		if want := (outcome{Body: c.want}); c.want == "" {
			want.Hidden = CodeLeak
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestHowAStringIsHidden(t *testing.T) {
	t.Parallel()
	body := `{"a/b":{"error":"` + trace + `"}}`
	x := risk.NewExchange(&risk.Facts{Response: &risk.Response{Status: 200, Media: ofJSON, Body: []byte(body)}}, nil)
	bodies{}.Check(x)
	want := []risk.Edit{{Do: risk.ReplaceSpan, On: risk.OnReply, Stage: risk.Mask, Value: `"[hidden]"`, Start: 16, End: len(body) - 2, Pointer: "/a~1b/error"}}
	if diff := cmp.Diff(want, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

func TestNamesThatTellOfErrors(t *testing.T) {
	t.Parallel()
	for name := range strings.FieldsSeq("error errors err error_message ERROR-DETAIL errorDetails exception exceptions exceptionMessage innerException trace traces stack stackTrace stackTraces " +
		"traceback backtrace callstack debug debugInfo debugMessage developerMessage sqlError sqlMessage sqlState fault faultstring") {
		if !tellsErrors([]byte(name)) {
			t.Error(name)
		}
	}
	for name := range strings.FieldsSeq("errored title message stacks id terror") {
		if tellsErrors([]byte(name)) {
			t.Error(name)
		}
	}
	for name := range strings.FieldsSeq("stack stackTrace stack_traces traceback backtrace callstack trace exception inner-exception exceptionClass exceptionType debug debugInfo debugMessage " +
		"sql sqlState sqlQuery sqlMessage SQL_ERROR sourceFile fileName lineNumber") {
		if !made(name) {
			t.Error(name)
		}
	}
	for name := range strings.FieldsSeq("error message line file traceId code") {
		if made(name) {
			t.Error(name)
		}
	}
}

func TestHowNamesAreFolded(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"AZ_az-09": "azaz09", "@[`{": "@[`{", strings.Repeat("A", 32): strings.Repeat("a", 32), strings.Repeat("a", 33): "", strings.Repeat("_", 31) + "a": "a", "": "",
	} {
		if got := fold([]byte(name)); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

func TestWhichRepliesTheLintReads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		r    contract.Reply
		want int
	}{
		{contract.Reply{Code: 200}, 0}, {contract.Reply{Code: 299}, 0}, {contract.Reply{Code: 2, Range: true}, 0}, {contract.Reply{Code: 300}, 0}, {contract.Reply{Code: 399}, 0}, {contract.Reply{Code: 3, Range: true}, 0},
		{contract.Reply{Code: 1, Range: true}, 0}, {contract.Reply{}, 1}, {contract.Reply{Code: 400}, 1}, {contract.Reply{Code: 4, Range: true}, 1}, {contract.Reply{Code: 5, Range: true}, 1}, {contract.Reply{Code: 500}, 1},
	} {
		c.r.Media = []*contract.Media{{}, {Schema: schemaOf("stack")}}
		n := 0
		lint(&contract.Contract{Operations: []*contract.Operation{{Replies: []*contract.Reply{&c.r}}}}, func(source.Diagnostic) { n++ })
		if n != c.want {
			t.Errorf("%d %v: %d diagnostics", c.r.Code, c.r.Range, n)
		}
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	child := schemaOf("sql")
	parent := schemaOf("stack", "inner")
	parent.Properties[1].Schema = child
	child.Properties = append(child.Properties, contract.Property{Name: "again", Schema: parent})
	other := schemaOf("x", "sql")
	r := &contract.Reply{Code: 500, Media: []*contract.Media{{Schema: parent}, {Schema: parent}, {Schema: other}}}
	var got []source.Diagnostic
	lint(&contract.Contract{Operations: []*contract.Operation{{Replies: []*contract.Reply{r}}}}, func(d source.Diagnostic) { got = append(got, d) })
	diagnostic := func(text string) source.Diagnostic {
		return source.Diagnostic{
			At: source.Span{File: "a.yaml", Line: 1}, Severity: source.Warning, Code: CodeDeclared, Text: text,
			Hint: "remove it; write such details to a log, with an id that the reply names",
		}
	}
	want := []source.Diagnostic{
		diagnostic(`error replies have a member "stack" for the inside of the service`), diagnostic(`error replies have a member "sql" for the inside of the service, in 2 schemas`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
