package risktest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/risk"
)

const table = `tls 1.0
# who calls
GET /orders/*
if no header Authorization ^Bearer
401 application/json
| no

GET /orders/*
if kept
if query ^a=1$
200 text/plain
X-Echo: {{header Origin}}
| {{kept}}
| {{method}} {{path}}

POST /orders
if body ^\{
keep /orders/1
204
`

func TestAnUpstreamAnswersByItsFirstRuleThatFits(t *testing.T) {
	t.Parallel()
	u, err := parseUpstream(table)
	if err != nil || !u.OldTLS {
		t.Fatal(u, err)
	}
	s := httptest.NewServer(u.Handler())
	defer s.Close()
	for _, c := range []struct{ method, path, body, auth, want string }{
		{"GET", "/orders/1", "", "", "401 no"},
		{"GET", "/orders/1?a=1", "", "Bearer x", `405 {"error":"no"}`},
		{"POST", "/orders", "x", "", `405 {"error":"no"}`},
		{"POST", "/orders", "{}", "", "204 "},
		{"GET", "/orders/1?a=1", "", "Bearer x", "200 {}\nGET /orders/1 from"},
		{"HEAD", "/orders/1?a=1", "", "Bearer x", "200  from"},
		{"GET", "/orders/1?a=2", "", "Bearer x", `405 {"error":"no"}`},
		{"GET", "/", "", "Bearer x", `404 {"error":"no"}`},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", c.auth)
		r.Header.Set("Origin", "from")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		got := resp.Status[:3] + " " + string(body)
		if v := resp.Header.Get("X-Echo"); v != "" {
			got += " " + v
		}
		if got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.method, c.path, got, c.want)
		}
	}
}

func TestTablesThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"GET", "GET /a as", "GET /a\n99", "GET /a\n200\n200", "GET /a\nif body (\n200", "GET /a\nif moon\n200", "GET /a\nwhat", "GET /a", "GET /a as bob\n200"} {
		if _, err := parseUpstream(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for _, text := range []string{"GET /a\n200", "GET /a as bob", "GET /a as bob\nif plain\n200"} {
		if _, err := parseCalls(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if _, err := Parse(t.Context(), "w", []byte("-- weak --\n")); err == nil {
		t.Error("a world without its sections is taken")
	}
}

func TestCallsSayWhoAsksWhatAndWhatTheyGet(t *testing.T) {
	t.Parallel()
	got, err := parseCalls("POST /a?b=c as alice\nContent-Type: text/plain\n| x\n| y\n201\nLocation: /a/1\n|\n\nGET /a as nobody\n200\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Call{
		{
			Attempt: risk.Attempt{As: "alice", Method: "POST", Path: "/a", Query: "b=c", Fields: risk.Fields{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte("x\ny")},
			Status:  201, Fields: risk.Fields{{Name: "Location", Value: "/a/1"}}, Exact: true,
		},
		{Attempt: risk.Attempt{Method: "GET", Path: "/a"}, Status: 200},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
