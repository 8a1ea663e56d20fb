package framing

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// api is a design with one operation.
func api(method string) *contract.Contract {
	return &contract.Contract{Operations: []*contract.Operation{{Method: method, Path: "/orders", Key: method + " /orders", PathAt: source.Span{File: "a", Line: 3}}}}
}

// run probes a server that answers n(text) times what came, and returns the
// proofs.
func run(t *testing.T, c *contract.Contract, status int, n func(text string) int) (proofs []string, sent int, err error) {
	t.Helper()
	err = probe(t.Context(), &risk.Target{
		Contract: c,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path, Query: "a=b", Fields: risk.Fields{{Name: "X-Tenant", Value: "red"}}}, true
		},
		Send: func(context.Context, *risk.Attempt) (*risk.Seen, error) {
			if status == 0 {
				return nil, errors.New("nobody is there")
			}
			return &risk.Seen{Status: status}, nil
		},
		SendRaw: func(_ context.Context, r *risk.Raw) ([]*risk.Seen, error) {
			sent++
			text := r.Text("Host: a\r\nX-Api-Key: k\r\n")
			if r.As != "alice" || !strings.HasPrefix(text, "GET /orders?a=b HTTP/1.1\r\nHost: a\r\nX-Api-Key: k\r\nX-Tenant: red\r\n") || !strings.HasSuffix(text, "Connection: close\r\n\r\n") {
				t.Errorf("as %q: %q", r.As, text)
			}
			all := make([]*risk.Seen, n(text))
			for i := range all {
				all[i] = &risk.Seen{Status: 200}
			}
			return all, nil
		},
		Report: func(f risk.Finding) {
			if f.Code != string(CodeHidden) || !f.Confirmed || f.Operation != "GET /orders" || f.At.Line != 3 {
				t.Errorf("%+v", f)
			}
			proofs = append(proofs, f.Proof)
		},
	})
	return proofs, sent, err
}

func TestTheProbeTellsWhatEndsABodyEarly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		n    func(string) int
		want string // in the only proof, "" for none
		sent int
	}{
		"a strict server": {func(s string) int {
			if strings.Contains(s, "hunked") || strings.Count(s, "Content-Length") > 1 || strings.Contains(s, "5, ") {
				return 1
			}
			return 2
		}, "", 2 + len(tricks)},
		"a server that goes by the length": {func(string) int { return 2 }, "", 2 + len(tricks)},
		"a server that unfolds": {func(s string) int {
			if strings.Contains(s, "\r\n chunked") {
				return 3
			}
			return 2
		}, "(a folded line)", 2 + len(tricks)},
		"a server that takes the first length": {func(s string) int {
			if strings.Contains(s, "Content-Length: 5\r\nContent-Length: ") {
				return 3
			}
			return 2
		}, "(two lengths, the short one first)", 2 + len(tricks)},
		"a server that drops bodies of GET": {func(s string) int { return strings.Count(s, "HTTP/1.1\r\n") }, "(a body of GET)", 2},
		"a server without pipelines":        {func(string) int { return 1 }, "", 1},
		"a server that refuses bodies of GET": {func(s string) int {
			if strings.Contains(s, "Content-Length") {
				return 1
			}
			return 2
		}, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, sent, err := run(t, api("GET"), 200, c.n)
			if err != nil || sent != c.sent || len(got) > 1 || strings.Join(got, "") == "" != (c.want == "") || !strings.Contains(strings.Join(got, ""), c.want) {
				t.Errorf("%q after %d, %v; want %q after %d", got, sent, err, c.want, c.sent)
			}
		})
	}
}

func TestLengthsOfTricksAreThoseOfTheBody(t *testing.T) {
	t.Parallel()
	_, _, err := run(t, api("GET"), 200, func(s string) int {
		if strings.Contains(s, "\r\nContent-Length: ") && strings.Count(s, "Content-Length") == 1 && !strings.Contains(s, "5, ") {
			_, rest, _ := strings.Cut(s, "\r\nContent-Length: ")
			number, _, _ := strings.Cut(rest, "\r\n")
			_, body, _ := strings.Cut(s, "\r\n\r\n")
			end := strings.LastIndex(body, "GET /orders")
			if number != strconv.Itoa(end) {
				t.Errorf("the length is %s, the body has %d bytes: %q", number, end, s)
			}
		}
		return 2
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheProbeSaysWhatItCouldNotTest(t *testing.T) {
	t.Parallel()
	if _, _, err := run(t, api("GET"), 0, func(string) int { return 2 }); !errors.Is(err, errNoAnswer) {
		t.Errorf("nobody there: %v", err)
	}
	if err := probe(t.Context(), &risk.Target{Contract: api("GET")}); !errors.Is(err, errNoRaw) {
		t.Errorf("no raw bytes: %v", err)
	}
	for _, method := range []string{"POST", "DELETE"} {
		if _, sent, err := run(t, api(method), 200, func(string) int { return 3 }); err != nil || sent != 0 {
			t.Errorf("%s: %d sent, %v", method, sent, err)
		}
	}
	if got, sent, err := run(t, api("GET"), 403, func(string) int { return 3 }); err != nil || sent != 0 || len(got) != 0 {
		t.Errorf("an operation that refuses its caller: %v after %d, %v", got, sent, err)
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	for method, want := range map[string][]string{
		"GET": {"framing/body 7"}, "HEAD": {"framing/body 7"}, "DELETE": {"framing/body 7"}, "POST": nil, "PUT": nil, "PATCH": nil, "OPTIONS": nil,
	} {
		c := api(method)
		var got []string
		say := func(d source.Diagnostic) {
			got = append(got, string(d.Code)+" "+string(rune('0'+d.At.Line)))
			if d.Hint == "" || !strings.Contains(d.Text, method+" /orders") {
				t.Errorf("%v", d)
			}
		}
		lint(c, say)
		if len(got) != 0 {
			t.Errorf("%s without a body: %v", method, got)
		}
		c.Operations[0].Body = &contract.Body{At: source.Span{File: "a", Line: 7}}
		lint(c, say)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", method, diff)
		}
		// A body that was made, and stands nowhere, is the operation's.
		got, c.Operations[0].Body, c.Operations[0].At = nil, &contract.Body{}, source.Span{File: "a", Line: 5}
		lint(c, say)
		if len(got) != len(want) || len(got) > 0 && got[0] != "framing/body 5" {
			t.Errorf("%s with a body without a place: %v", method, got)
		}
	}
}
