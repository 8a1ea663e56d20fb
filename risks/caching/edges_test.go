package caching

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatFieldsSayToCaches(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]rules{
		"":                         {said: true},
		"no-store":                 {said: true, noStore: true},
		"private, no-cache=x":      {said: true, private: true},
		"no-cache=x,\tprivate\t":   {said: true, private: true},
		"private =a":               {said: true},
		"private\t=a, public":      {said: true, public: true},
		"public":                   {said: true, public: true},
		"S-MAXAGE =5":              {said: true, public: true},
		"max-age=1":                {said: true, stays: true},
		`max-age = "10"`:           {said: true, stays: true},
		"max-age=0":                {said: true},
		"max-age=00, max-age=\"\"": {said: true},
		"max-age=5, max-age=0":     {said: true, stays: true},
		"max-age":                  {said: true},
		"x-max-age=5":              {said: true},
	} {
		var got rules
		if got.read(value); got != want {
			t.Errorf("%q: %+v, want %+v", value, got, want)
		}
	}
	got, aimed := of(risk.Fields{{Name: "X", Value: "no-store"}, {Name: "cache-control", Value: "private"}, {Name: "Cache-Control", Value: "public"}, {Name: "Edge-Control", Value: "no-store"}})
	if want := (rules{said: true, private: true, public: true}); got != want || !aimed {
		t.Errorf("%+v %v", got, aimed)
	}
}

func TestWhichFieldsAimAtSomeCaches(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"CDN-Cache-Control": true, "x-cdn-cache-control": true, "Surrogate-Control": true, "x-accel-expires": true, "Edge-Control": true,
		"Cache-Control": false, "DN-Cache-Control": false, "X-Something-Longer-Than-That": false, "CDN-Cache-Control-X": false, "": false,
	} {
		if targeted(name) != want {
			t.Errorf("%q: %v", name, !want)
		}
	}
}

func TestHowAReplyIsMadePrivate(t *testing.T) {
	t.Parallel()
	g := guardFor(t, &risk.Site{Scope: risk.OfAPI})
	x := risk.NewExchange(facts("Cache-Control", "public", "edge-control", "a", "Vary", "b"), nil)
	g.Check(x)
	want := []risk.Edit{
		{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: "edge-control"},
		{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: "Cache-Control"},
		{Do: risk.SetField, On: risk.OnReply, Stage: risk.Mask, Name: "Cache-Control", Value: "no-store"},
	}
	if diff := cmp.Diff(want, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

func TestInWhichFieldsCallersDiffer(t *testing.T) {
	t.Parallel()
	one := func(s *contract.Scheme) *contract.Operation {
		return &contract.Operation{Security: []contract.Requirement{{Parts: []contract.Required{{}, {Scheme: s}, {Scheme: s}}}}}
	}
	for name, c := range map[string]struct {
		site risk.Site
		want []string
	}{
		"nothing":                      {risk.Site{}, nil},
		"an API without keys":          {risk.Site{API: &risk.API{}}, nil},
		"keys":                         {risk.Site{API: &risk.API{KeyHeader: "X-Key"}}, []string{"X-Key"}},
		"a key in a header":            {risk.Site{API: &risk.API{KeyHeader: "X-Key"}, Op: one(&contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "X-Token"})}, []string{"X-Key", "X-Token"}},
		"a key in a cookie":            {risk.Site{Op: one(&contract.Scheme{Kind: contract.APIKey, In: contract.InCookie, Field: "sid"})}, []string{"Cookie"}},
		"a key in the query":           {risk.Site{Op: one(&contract.Scheme{Kind: contract.APIKey, In: contract.InQuery, Field: "k"})}, nil},
		"a token, whatever else it is": {risk.Site{Op: one(&contract.Scheme{Kind: contract.HTTPAuth, In: contract.InHeader, Field: "X"})}, []string{"Authorization"}},
		"a token that names a cookie":  {risk.Site{Op: one(&contract.Scheme{Kind: contract.OpenIDConnect, In: contract.InCookie})}, []string{"Authorization"}},
	} {
		if diff := cmp.Diff(c.want, credentials(&c.site)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWhatVaryLists(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]bool{"Cookie": true, "a, cookie": true, "a,\tCOOKIE ": true, "*": true, "a,*": true, "": false, "Cookies": false, "a b": false} {
		if got := varies(risk.Fields{{Name: "X", Value: "Cookie"}, {Name: "vary", Value: value}}, "Cookie"); got != want {
			t.Errorf("%q: %v", value, got)
		}
	}
	if varies(risk.Fields{{Name: "Access-Control-Expose-Headers", Value: "Cookie"}}, "Cookie") {
		t.Error("another field is no Vary")
	}
}

func TestWhatADocumentShowsOfAHeader(t *testing.T) {
	t.Parallel()
	public, private := source.Value{Text: "public"}, source.Value{Text: "private"}
	chain := func(n int) *contract.Schema {
		s := &contract.Schema{Const: &public}
		for range n {
			s = &contract.Schema{Ref: s}
		}
		return s
	}
	for name, c := range map[string]struct {
		s           *contract.Schema
		shown, open bool
	}{
		"no schema": {nil, false, false}, "nothing in it": {&contract.Schema{}, false, false}, "one value": {&contract.Schema{Const: &public, Default: &private}, true, true},
		"a default": {&contract.Schema{Default: &public, Enum: []source.Value{private}}, true, true}, "a list of one": {&contract.Schema{Enum: []source.Value{public}}, true, true},
		"a list of two": {&contract.Schema{Enum: []source.Value{public, private}}, false, false}, "examples": {&contract.Schema{Examples: []source.Value{public, private}}, true, true},
		"at the end of seven": {chain(7), true, true}, "of eight": {chain(8), false, false},
	} {
		var says rules
		if got := shown(&contract.Parameter{Schema: c.s}, &says); got != c.shown || says.public != c.open || says.private {
			t.Errorf("%s: %v %+v", name, got, says)
		}
	}
}

func TestWhatTheLintSays(t *testing.T) {
	t.Parallel()
	public := &contract.Schema{Const: &source.Value{Text: "public"}}
	reply := []*contract.Reply{{Headers: []*contract.Parameter{{Name: "X-Cache", Schema: public}, {Name: "Cache-Control", Schema: public, At: source.Span{Line: 4}}}}}
	key := []contract.Requirement{{Parts: []contract.Required{{}}}}
	var got []source.Diagnostic
	lint(&contract.Contract{Operations: []*contract.Operation{
		{Key: "open", Replies: reply, Security: key}, {Key: "GET /public", Secured: true, Replies: reply}, {Key: "GET /me", Secured: true, Security: key, Replies: reply},
	}}, func(d source.Diagnostic) { got = append(got, d) })
	want := []source.Diagnostic{{
		At: source.Span{Line: 4}, Severity: source.Warning, Code: CodePublic, Text: "GET /me needs a credential, and its reply is documented as one that every cache may share",
		Hint: "write no-store or private; where the reply is the same for all, say risks: {caching: {shared: true}} in the policy",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An answer says what a caller gets; nil is none.
type answer func(as, path string) *risk.Seen

func say(status int, body string, fields ...string) *risk.Seen {
	s := &risk.Seen{Status: status, Body: []byte(body)}
	for i := 0; i < len(fields); i += 2 {
		s.Fields = append(s.Fields, risk.Field{Name: fields[i], Value: fields[i+1]})
	}
	return s
}

var errReset = errors.New("reset")

// run probes n reads, and lists what was sent and found.
func run(t *testing.T, n int, a answer) (sent []string, found []risk.Finding, err error) {
	t.Helper()
	c := &contract.Contract{Operations: []*contract.Operation{{Method: "POST", Path: "/write"}, {Method: "GET", Path: "/unknown"}, {Method: "GET", Path: "/open"}}}
	for i := range n {
		path := fmt.Sprintf("/%d", i)
		c.Operations = append(c.Operations, &contract.Operation{Method: "GET", Path: path, Key: "GET " + path, At: source.Span{Line: i + 1}})
	}
	err = probe(t.Context(), &risk.Target{
		Contract: c, Canary: func() string { return "canary" },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			as := "alice"
			if op.Path == "/open" {
				as = ""
			}
			return &risk.Attempt{As: as, Method: op.Method, Path: op.Path + "/"}, op.Path != "/unknown"
		},
		Send: func(_ context.Context, try *risk.Attempt) (*risk.Seen, error) {
			sent = append(sent, strings.TrimSpace(try.As+" "+try.Path))
			if s := a(try.As, try.Path); s != nil {
				return s, nil
			}
			return nil, errReset
		},
		Report: func(f risk.Finding) { found = append(found, f) },
	})
	return sent, found, err
}

func TestWhichRepliesAreFound(t *testing.T) {
	t.Parallel()
	const silent, shared, extension = string(CodeSilent), string(CodeShared), string(CodeExtension)
	nobody := say(401, "who are you")
	always := func(known *risk.Seen) answer {
		return func(as, path string) *risk.Seen {
			switch {
			case as == "":
				return nobody
			case strings.HasSuffix(path, ".css"):
				return say(404, "no")
			}
			return known
		}
	}
	named := func(known, css *risk.Seen) answer {
		return func(as, path string) *risk.Seen {
			switch {
			case as == "":
				return nobody
			case path == "/0/canary.css":
				return css
			}
			return known
		}
	}
	private := []string{"Cache-Control", "private"}
	for name, c := range map[string]struct {
		a    answer
		want []string
	}{
		"it says nothing":                  {always(say(200, "a")), []string{silent}},
		"a 299 that says nothing":          {always(say(299, "a")), []string{silent}},
		"an end in time":                   {always(say(200, "a", "Expires", "0")), nil},
		"the old word":                     {always(say(200, "a", "Pragma", "no-cache")), nil},
		"public":                           {always(say(200, "a", "Cache-Control", "public")), []string{shared}},
		"a time":                           {always(say(200, "a", "Cache-Control", "max-age=60")), []string{shared}},
		"no time":                          {always(say(200, "a", "Cache-Control", "max-age=0, must-revalidate")), nil},
		"a word that lets nobody share":    {always(say(200, "a", "Cache-Control", "must-revalidate")), nil},
		"private for a time":               {always(say(200, "a", "Cache-Control", "private, max-age=60")), nil},
		"not to be kept, whatever else":    {always(say(200, "a", "Cache-Control", "public, no-store")), nil},
		"nothing in it":                    {always(say(200, "")), nil},
		"199":                              {always(say(199, "a")), nil},
		"300":                              {always(say(300, "a")), nil},
		"everybody gets it":                {func(string, string) *risk.Seen { return say(200, "a") }, nil},
		"others get another text":          {func(as, path string) *risk.Seen { return say(200, as) }, []string{silent, extension}},
		"others get another status":        {func(as, path string) *risk.Seen { return say(200+len(as), "a") }, []string{silent, extension}},
		"the same under a name":            {named(say(200, "a", private...), say(200, "a", "Cache-Control", "private, public")), []string{extension}},
		"silent under a name":              {named(say(200, "a", private...), say(200, "a")), []string{extension}},
		"private under a name":             {named(say(200, "a", private...), say(200, "a", private...)), nil},
		"not to be kept under a name":      {named(say(200, "a", private...), say(200, "a", "Cache-Control", "no-store")), nil},
		"another text under a name":        {named(say(200, "a", private...), say(200, "b")), nil},
		"not to be kept, public in a name": {named(say(200, "a", private...), say(200, "a", "Cache-Control", "public, no-store")), nil},
	} {
		_, found, err := run(t, 1, c.a)
		var got []string
		for _, f := range found {
			got = append(got, f.Code)
			if !f.Confirmed || f.Operation != "GET /0" || f.At.Line != 1 {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestWhatTheProbeSaysAndSends(t *testing.T) {
	t.Parallel()
	sent, found, err := run(t, 4, func(as, path string) *risk.Seen {
		switch {
		case as == "":
			return say(401, "")
		case strings.HasPrefix(path, "/0") || strings.HasPrefix(path, "/1"):
			return say(200, "a")
		case strings.HasSuffix(path, ".css"):
			return say(404, "a")
		}
		return say(200, "a", "Cache-Control", "public, max-age=5")
	})
	var proofs []string
	for _, f := range found {
		proofs = append(proofs, f.Operation+": "+f.Proof)
	}
	want := []string{
		"GET /0: a reply that only a known caller gets says nothing to caches",
		"GET /0: a name with .css put behind the path gets the same private reply, which caches keep as a file",
		"GET /2: a reply that only a known caller gets may be kept by shared caches: public, max-age=5",
	}
	if diff := cmp.Diff(want, proofs); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if diff := cmp.Diff([]string{"alice /0/", "/0/", "alice /0/canary.css", "/0/canary.css", "alice /1/"}, sent[:5]); diff != "" {
		t.Error(diff)
	}
}

func TestTheProbeReadsFortyOperations(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{39: 39, 40: 40, 41: 40} {
		sent, _, err := run(t, n, func(string, string) *risk.Seen { return say(404, "a") })
		if err != nil || len(sent) != want || slices.Contains(sent, "alice /write/") {
			t.Errorf("%d operations: %d requests, %v", n, len(sent), err)
		}
	}
}

func TestTheProbeSaysWhatFailed(t *testing.T) {
	t.Parallel()
	for at, text := range []string{"read GET /0: reset", "read GET /0 without a credential: reset", "read GET /0: reset", "read GET /0 without a credential: reset"} {
		n := 0
		_, _, err := run(t, 2, func(as, path string) *risk.Seen {
			if n++; n == at+1 {
				return nil
			}
			return say(200, as+"a")
		})
		if !errors.Is(err, errReset) || err.Error() != text || n != at+1 {
			t.Errorf("request %d fails: %v after %d", at+1, err, n)
		}
	}
}

func TestNobodyHasNoCredentialOfHisOwn(t *testing.T) {
	t.Parallel()
	scheme := &contract.Scheme{Kind: contract.APIKey, In: contract.InHeader, Field: "X-Token"}
	op := &contract.Operation{Method: "GET", Path: "/me", Security: []contract.Requirement{{Parts: []contract.Required{{Scheme: scheme}}}}}
	var sent []risk.Attempt
	err := probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: []*contract.Operation{op}}, Canary: func() string { return "canary" },
		Lawful: func(*contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Fields: risk.Fields{{Name: "cookie"}, {Name: "Accept"}, {Name: "AUTHORIZATION"}, {Name: "x-token"}}}, true
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			sent = append(sent, *a)
			return say(200, "a"), nil
		},
	})
	if diff := cmp.Diff(risk.Attempt{Fields: risk.Fields{{Name: "Accept"}}}, sent[1]); diff != "" || err != nil || len(sent[0].Fields) != 4 {
		t.Errorf("%v %+v %s", err, sent, diff)
	}
}
