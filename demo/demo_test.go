package demo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/sallyport/sallyport/demo"
)

// start serves a fresh copy: the sound twin over TLS, the weak one without.
func start(t *testing.T, o demo.Options) *httptest.Server {
	t.Helper()
	api, err := demo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(api)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if o.Sound {
		s.StartTLS()
	} else {
		s.Start()
	}
	s.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() { s.Close(); api.Close() })
	return s
}

// call sends one request with the caller's key and reads the reply.
func call(t *testing.T, s *httptest.Server, as demo.Caller, r demo.Request) (*http.Response, []byte) {
	t.Helper()
	return callAt(t, s, s.URL, demo.Step{As: as, Request: r})
}

// callAt is call with another base URL for the same server.
func callAt(t *testing.T, s *httptest.Server, base string, r demo.Step) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequest(r.Method, base+r.Path, strings.NewReader(r.Body))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	if r.As != demo.Nobody {
		req.Header.Set("X-API-Key", r.As.Key())
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.Path, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: read the reply: %v", r.Method, r.Path, err)
	}
	return res, body
}

// attack sends an attack and tells whether it succeeded.
func attack(t *testing.T, s *httptest.Server, a demo.Attack) (bool, string) {
	t.Helper()
	base := s.URL
	if a.Plain {
		base = strings.Replace(base, "https://", "http://", 1)
	}
	res, body := callAt(t, s, base, demo.Step{As: a.As, Request: a.Request})
	return a.Succeeded(res.StatusCode, res.Header, body), fmt.Sprintf("%d %s", res.StatusCode, body)
}

func twins() []demo.Options { return []demo.Options{{}, {Sound: true}} }

func TestLawfulTrafficWorksInBothTwins(t *testing.T) {
	t.Parallel()
	for _, o := range twins() {
		s := start(t, o)
		for _, step := range demo.Traffic() {
			if res, body := call(t, s, step.As, step.Request); res.StatusCode/100 != step.Want {
				t.Errorf("sound %v: %s: status %d, want %dxx: %s", o.Sound, step.Name, res.StatusCode, step.Want, body)
			}
		}
	}
}

func TestEachAttackSucceedsOnAFreshWeakCopyAndFailsOnTheSoundTwin(t *testing.T) {
	t.Parallel()
	for _, a := range demo.Attacks() {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			if ok, reply := attack(t, start(t, demo.Options{}), a); !ok {
				t.Errorf("it fails on the weak twin: %s", reply)
			}
			if ok, reply := attack(t, start(t, demo.Options{Sound: true}), a); ok {
				t.Errorf("it succeeds on the sound twin: %s", reply)
			}
		})
	}
}

func TestAttacksSucceedAfterTrafficAndEachOther(t *testing.T) {
	t.Parallel()
	for _, o := range twins() {
		s := start(t, o)
		for _, step := range demo.Traffic() {
			call(t, s, step.As, step.Request)
		}
		for _, a := range demo.Attacks() {
			if ok, reply := attack(t, s, a); ok == o.Sound {
				t.Errorf("sound %v: %s: success is %v: %s", o.Sound, a.Name, ok, reply)
			}
		}
	}
}

func TestAttacksNameOnlyRisksThatAreKnown(t *testing.T) {
	t.Parallel()
	known := []string{"path", "header", "parser", "caching", "cookies", "csrf", "disclosure", "massassign", "methods", "redirect", "reply", "transport", "authn", "undeclared", "request", "excessdata", "errors", "headers", "cors", "urlsecrets", "bfla", "forwarded", "retired", "consumption", ""}
	seen, names := map[string]int{}, map[string]bool{}
	for _, a := range demo.Attacks() {
		if !slices.Contains(known, a.Risk) {
			t.Errorf("%s: risk %q is not known", a.Name, a.Risk)
		}
		if names[a.Name] {
			t.Errorf("%s: the name is taken twice", a.Name)
		}
		seen[a.Risk]++
		names[a.Name] = true
	}
	for _, k := range known {
		if seen[k] == 0 {
			t.Errorf("no attack for risk %q", k)
		}
	}
}

// contract loads the document with the loader of others.
func contract(t *testing.T) (*openapi3.T, routers.Router) {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(demo.Document)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatal(err)
	}
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return doc, router
}

// input is a request as the contract sees it.
func input(t *testing.T, router routers.Router, r demo.Request) (*openapi3filter.RequestValidationInput, error) {
	t.Helper()
	req := httptest.NewRequest(r.Method, r.Path, bytes.NewBufferString(r.Body))
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	route, params, err := router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	in := &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, // who calls is not what is asked here
	}}
	for name := range req.URL.Query() {
		if route.Operation.Parameters.GetByInAndName("query", name) == nil && route.PathItem.Parameters.GetByInAndName("query", name) == nil {
			return in, fmt.Errorf("query parameter %s is not declared", name)
		}
	}
	return in, openapi3filter.ValidateRequest(context.Background(), in)
}

func TestTrafficUsesEveryOperationAndKeepsTheContract(t *testing.T) {
	t.Parallel()
	doc, router := contract(t)
	unused := map[string]bool{}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			unused[op.OperationID] = !op.Deprecated
		}
	}
	if n := len(unused); n < 20 || n > 30 {
		t.Errorf("the document has %d operations", n)
	}
	s := start(t, demo.Options{Sound: true})
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.FileBodyDecoder)
	for _, step := range demo.Traffic() {
		in, err := input(t, router, step.Request)
		if err != nil {
			t.Errorf("%s: the contract refuses the request: %v", step.Name, err)
			continue
		}
		delete(unused, in.Route.Operation.OperationID)
		res, body := call(t, s, step.As, step.Request)
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: res.StatusCode, Header: res.Header,
			Options: &openapi3filter.Options{IncludeResponseStatus: true}}
		if err := openapi3filter.ValidateResponse(context.Background(), out.SetBodyBytes(body)); err != nil {
			t.Errorf("%s: the contract refuses the reply of the sound twin: %v", step.Name, err)
		}
	}
	for id, should := range unused {
		if !should {
			continue // its end has come
		}
		t.Errorf("operation %s has no lawful step", id)
	}
}

func TestTheContractRefusesTheAttacksThatItIsSaidToRefuse(t *testing.T) {
	t.Parallel()
	_, router := contract(t)
	for _, a := range demo.Attacks() {
		_, err := input(t, router, a.Request)
		switch a.Risk {
		case "undeclared", "request", "methods":
			if err == nil {
				t.Errorf("%s: the contract lets it pass", a.Name)
			}
		case "authn", "excessdata", "errors", "reply", "headers", "disclosure", "caching":
			if err != nil {
				t.Errorf("%s: the contract refuses it: %v", a.Name, err)
			}
		}
	}
}

func TestSessionsOfTheSoundTwinOpenDoorsAndCannotBeForged(t *testing.T) {
	t.Parallel()
	s := start(t, demo.Options{Sound: true})
	login := demo.Traffic()[1]
	res, _ := call(t, s, demo.Nobody, login.Request)
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies, want 1", len(cookies))
	}
	read := func(session string) int {
		res, _ := call(t, s, demo.Nobody, demo.Request{Method: "GET", Path: "/customers/1", Header: http.Header{"Cookie": {"session=" + session}}})
		return res.StatusCode
	}
	good := cookies[0].Value
	if got := read(good); got != 200 {
		t.Errorf("the session gets %d", got)
	}
	for _, bad := range []string{"", "1", "3" + good[1:], good[:len(good)-1], "1.99999999999."} {
		if got := read(bad); got != 401 {
			t.Errorf("session %q gets %d", bad, got)
		}
	}
}

func TestInjectionCannotReachFilesOrStartStatements(t *testing.T) {
	t.Parallel()
	s := start(t, demo.Options{})
	file := t.TempDir() + "/made-by-injection"
	for _, q := range []string{
		"x'; ATTACH '" + file + "' AS f --", "x'; VACUUM INTO '" + file + "' --", "x' UNION SELECT 1,zeroblob(9),3,4 --",
		"x' UNION SELECT * FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c) SELECT n,n,n,n FROM c) --",
		strings.Repeat("x", 201),
	} {
		if res, body := call(t, s, demo.Nobody, demo.Request{Method: "GET", Path: "/customers?q=" + url.QueryEscape(q)}); res.StatusCode != 400 {
			t.Errorf("%s: %d %s", q, res.StatusCode, body)
		}
	}
}

func TestTheTwinsRefuseBodiesThatAreTooLong(t *testing.T) {
	t.Parallel()
	for _, o := range twins() {
		s := start(t, o)
		long := demo.Request{Method: "POST", Path: "/login", Header: http.Header{"Content-Type": {"application/json"}},
			Body: `{"email":"` + strings.Repeat("a", 2<<20) + `","password":"whatever-1"}`}
		if res, _ := call(t, s, demo.Alice, long); res.StatusCode != 400 {
			t.Errorf("sound %v: status %d", o.Sound, res.StatusCode)
		}
	}
}
