package csrf

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

// An upstream answers what a request is; nil is no answer.
type upstream map[string]*risk.Seen

// The requests of the probe to POST /posts, by what they are.
const (
	lawfully  = "POST session"   // with the cookie of the session
	unknown   = "POST unknown"   // with a made-up cookie
	forged    = "POST forged"    // as a form sends it, with a text of the probe
	again     = "POST forged as" // as a form sends it, with the lawful text
	reads     = "GET /posts/7"
	deletes   = "DELETE /posts/7"
	sessionID = "sid=alice"
)

func kind(a *risk.Attempt) string {
	switch {
	case a.Method != "POST":
		return a.Method + " " + a.Path
	case a.Fields.Has("Sec-Fetch-Site") && strings.Contains(string(a.Body), "lawful"):
		return again
	case a.Fields.Has("Sec-Fetch-Site"):
		return forged
	case a.Fields.Get("Cookie") == sessionID:
		return lawfully
	}
	return unknown
}

// posts is an API whose posts can be read and deleted.
func posts() *contract.Contract {
	return &contract.Contract{Operations: []*contract.Operation{
		{Method: "GET", Path: "/posts/{id}"}, {Method: "DELETE", Path: "/posts/{id}"},
		{Method: "POST", Path: "/posts", Key: "POST /posts", At: source.Span{Line: 7}, Security: []contract.Requirement{scheme(&contract.Scheme{Kind: contract.APIKey, In: contract.InCookie, Field: "sid"})}},
	}}
}

// play runs the probe, and lists what it sent and found.
func play(t *testing.T, c *contract.Contract, body string, u upstream) (sent []string, found []risk.Finding, err error) {
	t.Helper()
	n := 0
	err = probe(t.Context(), &risk.Target{
		Contract: c,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path, Body: []byte(body), Fields: risk.Fields{{Name: "Cookie", Value: sessionID}}}, true
		},
		Canary: func() string { n++; return fmt.Sprintf("canary%d", n) },
		Report: func(f risk.Finding) { found = append(found, f) },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if a.As != "" {
				t.Errorf("%s is sent as %s", kind(a), a.As)
			}
			sent = append(sent, kind(a))
			if seen, ok := u[kind(a)]; ok && seen == nil {
				return nil, errReset
			} else if ok {
				return seen, nil
			}
			return &risk.Seen{Status: 404}, nil
		},
	})
	return sent, found, err
}

var errReset = errors.New("reset")

func says(status int, body string) *risk.Seen { return &risk.Seen{Status: status, Body: []byte(body)} }

// made is the answer that something was made at a place.
func made(status int, body, place string) *risk.Seen {
	return &risk.Seen{Status: status, Body: []byte(body), Fields: risk.Fields{{Name: "Location", Value: place}}}
}

func TestTheStepsOfTheProbe(t *testing.T) {
	t.Parallel()
	no, ok := says(401, ""), made(201, `{"id":7,"text":""}`, "/posts/7")
	with := func(pairs ...any) upstream {
		u := upstream{lawfully: ok, unknown: no, forged: ok, again: ok, reads: says(200, `{"text":"canary2"}`), deletes: says(204, "")}
		for i := 0; i < len(pairs); i += 2 {
			u[pairs[i].(string)], _ = pairs[i+1].(*risk.Seen)
		}
		return u
	}
	const proved, probable, nothing = "proved", "probable", ""
	full := []string{lawfully, deletes, unknown, forged, reads, deletes}
	twice := append(full, again, reads, deletes)
	for name, c := range map[string]struct {
		u    upstream
		want string
		sent []string
		fail bool
	}{
		"it took effect":                   {with(), proved, full, false},
		"another order of members":         {with(forged, made(201, `{"text":"","id":8}`, "/posts/7")), proved, full, false},
		"the text is not there":            {with(reads, says(200, "{}")), probable, full, false},
		"it cannot be read":                {with(reads, says(404, "canary2")), probable, full, false},
		"it is read at 299":                {with(reads, says(299, "canary2")), proved, full, false},
		"it is read at 300":                {with(reads, says(300, "canary2")), probable, full, false},
		"it is read at 199":                {with(reads, says(199, "canary2")), probable, full, false},
		"the lawful one fails":             {with(lawfully, made(300, "", "/posts/7")), nothing, full[:1], false},
		"the lawful one is no answer":      {with(lawfully, says(199, "")), nothing, full[:1], false},
		"no cookie is needed":              {with(unknown, says(200, "")), nothing, full[:3], false},
		"what it made is deleted":          {with(unknown, made(299, "", "/posts/7")), nothing, append(full[:3:3], deletes), false},
		"the cookie is refused at 300":     {with(unknown, says(300, "")), proved, full, false},
		"the cookie is refused at 199":     {with(unknown, says(199, "")), proved, full, false},
		"the form is refused":              {with(forged, says(403, ""), again, says(403, "")), nothing, []string{lawfully, deletes, unknown, forged, again}, false},
		"its text is refused":              {with(forged, says(400, ""), reads, says(200, "")), probable, append(full[:4:4], again, reads, deletes), false},
		"an error with success":            {with(forged, made(201, `{"error":1}`, "/posts/7"), again, made(201, `{"error":1}`, "/posts/7")), nothing, twice, false},
		"an error with another success":    {with(forged, says(200, `{"id":7,"text":""}`), again, says(202, `{"id":7,"text":""}`)), nothing, []string{lawfully, deletes, unknown, forged, again}, false},
		"a conflict names what was there":  {with(forged, made(409, "", "/posts/7"), again, made(409, "", "/posts/7")), nothing, []string{lawfully, deletes, unknown, forged, again}, false},
		"no place":                         {with(lawfully, says(201, ""), forged, says(201, "")), probable, []string{lawfully, unknown, forged}, false},
		"a place that is no URL":           {with(lawfully, made(201, "", "/posts/%zz"), forged, made(201, "", "/posts/%zz")), probable, []string{lawfully, unknown, forged}, false},
		"a place that is not declared":     {with(lawfully, made(201, "", "/likes/7"), forged, made(201, "", "/likes/7")), probable, []string{lawfully, unknown, forged}, false},
		"a place with two meanings":        {with(lawfully, made(201, "", "/posts/..%2f7"), forged, made(201, "", "/posts//7")), probable, []string{lawfully, unknown, forged}, false},
		"a place with scheme and host":     {with(lawfully, made(299, "", "https://posts.example/posts/7?a"), forged, made(299, "", "https://posts.example/posts/7")), proved, full, false},
		"lists are not compared":           {with(lawfully, says(200, "[1]"), forged, says(200, `["a","b"]`)), probable, []string{lawfully, unknown, forged}, false},
		"no answer to the lawful one":      {with(lawfully, nil), nothing, full[:1], true},
		"no answer to the made-up cookie":  {with(unknown, nil), nothing, full[:3], true},
		"no answer to the form":            {with(forged, nil), nothing, full[:4], true},
		"no answer when it is read":        {with(reads, nil), nothing, full, true},
		"no answer when it is deleted":     {with(deletes, nil), proved, full, false},
		"an answer that is not JSON twice": {with(lawfully, says(200, "<a>"), forged, says(200, "<b>")), probable, []string{lawfully, unknown, forged}, false},
	} {
		sent, found, err := play(t, posts(), `{"n":1,"text":"lawful"}`, c.u)
		if diff := cmp.Diff(c.sent, sent); diff != "" || c.fail != errors.Is(err, errReset) || !c.fail && err != nil {
			t.Errorf("%s: %v, sent (-want +got):\n%s", name, err, diff)
		}
		got := nothing
		for _, f := range found {
			if got = probable; f.Confirmed {
				got = proved
			}
		}
		if got != c.want || len(found) > 1 {
			t.Errorf("%s: %+v", name, found)
		}
	}
}

func TestWhatTheFindingSays(t *testing.T) {
	t.Parallel()
	u := upstream{lawfully: made(201, "", "/posts/7"), unknown: says(403, ""), forged: made(201, "", "/posts/7"), reads: says(200, "canary2")}
	f := risk.Finding{Operation: "POST /posts", At: source.Span{Line: 7}, Code: "csrf/forged", Confirmed: true}
	for text, proof := range map[string]string{
		`{"text":"lawful"}`: "POST /posts as a page of a made-up site sends it, with the visitor's cookie, took effect: its text is there when it is read again (201)",
		`{"number":1}`:      "POST /posts as a page of a made-up site sends it, with the visitor's cookie, is answered like the lawful one (201)",
	} {
		if f.Confirmed, f.Proof = strings.Contains(text, "text"), proof; !f.Confirmed {
			u[reads] = says(200, "")
		}
		_, found, err := play(t, posts(), text, u)
		if diff := cmp.Diff([]risk.Finding{f}, found); diff != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, diff)
		}
		u[reads] = says(200, "canary2")
	}
}

func TestWhatIsNotAttacked(t *testing.T) {
	t.Parallel()
	op := func(method string, cookie bool) *contract.Operation {
		o := &contract.Operation{Method: method, Path: "/a"}
		if cookie {
			o.Security = posts().Operations[2].Security
		}
		return o
	}
	for name, c := range map[string]struct {
		op      *contract.Operation
		lawful  bool
		cookies string
		sends   int
	}{
		"a session to ride on": {op("POST", true), true, "Cookie", 1}, "another method": {op("PUT", true), true, "Cookie", 0}, "no cookie is declared": {op("POST", false), true, "Cookie", 0},
		"no lawful request": {op("POST", true), false, "Cookie", 0}, "a lawful one without a cookie": {op("POST", true), true, "X-Token", 0},
	} {
		sent := 0
		err := probe(t.Context(), &risk.Target{
			Contract: &contract.Contract{Operations: []*contract.Operation{c.op}},
			Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
				return &risk.Attempt{Method: "POST", Fields: risk.Fields{{Name: c.cookies, Value: "a"}}}, c.lawful
			},
			Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) { sent++; return says(400, ""), nil },
		})
		if err != nil || sent != c.sends {
			t.Errorf("%s: %d requests, %v", name, sent, err)
		}
	}
}

func TestWhatAFormSends(t *testing.T) {
	t.Parallel()
	fields := func(more ...string) risk.Fields {
		out := risk.Fields{}
		for i := 0; i < len(more); i += 2 {
			out = append(out, risk.Field{Name: more[i], Value: more[i+1]})
		}
		return out
	}
	for name, c := range map[string]struct{ media, body, want string }{
		"JSON": {"application/json", "1", "text/plain"}, "a form": {"Multipart/Form-Data; boundary=a", "ab", "Multipart/Form-Data; boundary=a"},
		"text": {"text/plain ;charset=utf-8", "1", "text/plain ;charset=utf-8"}, "nothing said": {"", "1", "text/plain"}, "no body": {"application/json", "", ""},
	} {
		a := &risk.Attempt{Method: "POST", Path: "/a", Query: "b", Fields: fields(
			"cookie", "sid=1", "Origin", "https://a", "Referer", "https://a/", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty",
			"X-Csrf-Token", "secret", "Authorization", "Bearer a", "Accept", "a/b", "Accept-Language", "de", "Content-Type", c.media, "Idempotency-Key", "1")}
		want := *a
		want.Body, want.Fields = []byte(c.body), fields("cookie", "sid=1", "Accept", "a/b", "Accept-Language", "de", "Content-Type", c.want, "Origin", "https://canary.example", "Sec-Fetch-Site", "cross-site")
		if c.want == "" {
			want.Fields = fields("cookie", "sid=1", "Accept", "a/b", "Accept-Language", "de", "Origin", "https://canary.example", "Sec-Fetch-Site", "cross-site")
		}
		if diff := cmp.Diff(&want, foreign(a, []byte(c.body), "canary")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	for body, want := range map[string][]string{
		`{"n":1,"a":"x","b":"y"}`: {`{"n":1,"a":"canary","b":"y"}`, `{"n":1,"a":"x","b":"y"}`},
		`{"n":1}`:                 {`{"n":1}`}, `["a"]`: {`["a"]`}, "a=b": {"a=b"}, "": {""}, `{"o":{"a":"x"}}`: {`{"o":{"a":"x"}}`},
	} {
		var got []string
		for _, b := range bodies(&risk.Attempt{Body: []byte(body)}, "canary") {
			got = append(got, string(b))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestWhoReadsAndDeletes(t *testing.T) {
	t.Parallel()
	var got []*risk.Attempt
	err := probe(t.Context(), &risk.Target{
		Contract: posts(), Canary: func() string { return "canary" }, Report: func(risk.Finding) {},
		Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: "POST", Path: "/posts", Body: []byte("1"), Fields: risk.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cookie", Value: sessionID}}}, true
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			if got = append(got, a); kind(a) == unknown {
				return says(401, ""), nil
			}
			return made(201, "", "/posts/a%20b"), nil
		},
	})
	of := func(method string) *risk.Attempt {
		return &risk.Attempt{Method: method, Path: "/posts/a%20b", Fields: risk.Fields{{Name: "Cookie", Value: sessionID}}}
	}
	if err != nil || len(got) != 6 {
		t.Fatal(got, err)
	}
	if diff := cmp.Diff([]*risk.Attempt{of("DELETE"), of("GET"), of("DELETE")}, []*risk.Attempt{got[1], got[4], got[5]}); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(risk.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cookie", Value: "sid=canary"}}, got[2].Fields); diff != "" {
		t.Error(diff)
	}
}
