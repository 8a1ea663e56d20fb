package risktest

import (
	"crypto/tls"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/demo"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
)

// demoAPI starts a copy of the demo with its contract and lawful traffic.
func demoAPI(t *testing.T, o demo.Options) (http.Handler, *contract.Contract, []Call) {
	t.Helper()
	api, err := demo.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Close(); err != nil {
			t.Error(err)
		}
	})
	c, list := openapi.Parse(t.Context(), "demo.yaml", demo.Document, openapi.Options{})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	var calls []Call
	for _, s := range demo.Traffic() {
		call := Call{Attempt: risk.Attempt{As: string(s.As), Method: s.Method, Body: []byte(s.Body)}, Status: s.Want}
		call.Attempt.Path, call.Attempt.Query, _ = strings.Cut(s.Path, "?")
		for name, values := range s.Header {
			call.Attempt.Fields = append(call.Attempt.Fields, risk.Field{Name: name, Value: values[0]})
		}
		calls = append(calls, call)
	}
	return api, c, calls
}

// scan runs every probe, each with a server of its own from serve, and returns
// the codes that they report, sorted, each once.
func scan(t *testing.T, serve func(*testing.T) (*client, *contract.Contract, []Call)) []string {
	t.Helper()
	var codes []string
	for _, r := range risks.All() {
		c, k, calls := serve(t)
		calls = slices.DeleteFunc(calls, func(c Call) bool { return strings.HasSuffix(c.Attempt.Path, "/events") }) // each takes a second
		err := r.Probe(t.Context(), &risk.Target{
			Contract: k, Callers: []string{"alice", "bob", "carol"}, Send: c.send, SendRaw: c.sendRaw, Canary: canaries(),
			Lawful: func(op *contract.Operation) (*risk.Attempt, bool) { return lawful(k, calls, op) },
			Report: func(f risk.Finding) {
				t.Logf("%s: %s", f.Code, f.Proof)
				if f.Confirmed {
					codes = append(codes, f.Code)
				} else {
					codes = append(codes, "probable "+f.Code)
				}
			},
		})
		if err != nil {
			t.Errorf("%s: %v", r.ID, err)
		}
		c.s.Close()
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// bareDemo serves the demo itself; the sound twin redirects what comes in the
// clear, as its front would.
func bareDemo(o demo.Options) func(*testing.T) (*client, *contract.Contract, []Call) {
	return func(t *testing.T) (*client, *contract.Contract, []Call) {
		t.Helper()
		h, k, calls := demoAPI(t, o)
		front := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if o.Sound && r.TLS == nil {
				http.Redirect(w, r, "https://"+r.Host+r.RequestURI, http.StatusPermanentRedirect)
				return
			}
			h.ServeHTTP(w, r)
		})
		var s *Server
		if o.Sound { // net/http reads what a sound front refuses
			strict, err := serveFront(behindFront(front), func(where string, err error) { t.Errorf("%s: %v", where, err) })
			if err != nil {
				t.Fatal(err)
			}
			s = strict
		} else {
			s = Serve(front, tls.VersionTLS12)
		}
		return &client{s: s, key: func(caller string) string { return demo.Caller(caller).Key() }}, k, calls
	}
}

func TestProbesFindTheWeakDemoWeak(t *testing.T) {
	t.Parallel()
	got := scan(t, bareDemo(demo.Options{}))
	for _, want := range []string{
		"consumption/page-size", "cors/reflected", "csrf/forged", "errors/leak", "forwarded/address", "disclosure/field", "probable authn/anonymous", "probable bfla/scope", "probable consumption/no-limit", "excessdata/undeclared", "excessdata/write-only", "request/body",
		"massassign/read-only", "transport/plain", "retired/gone", "undeclared/media-type", "undeclared/path", "urlsecrets/query",
	} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is not found: %v", want, got)
		}
	}
}

func TestProbesFindTheSoundDemoSound(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string(nil), scan(t, bareDemo(demo.Options{Sound: true}))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestProbesFindNothingBehindTheGateway(t *testing.T) {
	t.Parallel()
	got := scan(t, func(t *testing.T) (*client, *contract.Contract, []Call) {
		t.Helper()
		h, k, calls := demoAPI(t, demo.Options{})
		f, err := NewFort(k, h, risks.All())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(f.Close)
		return &client{s: f.Server}, k, calls
	})
	if diff := cmp.Diff([]string(nil), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAllGuardsLetTheDemosTrafficPass(t *testing.T) {
	t.Parallel()
	h, k, calls := demoAPI(t, demo.Options{})
	f, err := NewFort(k, h, risks.All())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	c := &client{s: f.Server}
	for i := range calls {
		a := &calls[i].Attempt
		seen, err := c.send(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		if seen.Status/100 != calls[i].Status {
			t.Errorf("%s %s as %s gets %d: %.300s", a.Method, a.Path, a.As, seen.Status, seen.Body)
		}
	}
}
