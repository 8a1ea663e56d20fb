package disclosure

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

func TestLongNamesThatBeginLikeThoseThatTell(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Debug-" + strings.Repeat("a", 300): true, "X-Envoy-Upstream-Healthchecked-Cluster-Of-The-Name": true,
		"Server" + strings.Repeat("a", 300): false, strings.Repeat("a", 300) + "Server": false, strings.Repeat("-", 39) + "Server": false,
	} {
		if discloses(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestWhatTheDocumentMayKeep(t *testing.T) {
	t.Parallel()
	var headers []*contract.Parameter
	for _, name := range []string{"SERVER", "x-powered-by", "x-node", "X-Request-Id", "Via"} {
		headers = append(headers, &contract.Parameter{Name: name})
	}
	op := &contract.Operation{Replies: []*contract.Reply{{Code: 200}, {Code: 200, Headers: headers}}}
	if diff := cmp.Diff("Server X-Powered-By X-Host", removed(t, guardFor(t, op), exchange("Server", "X-Powered-By", "X-Node", "Via", "X-Request-Id", "X-Host"))); diff != "" {
		t.Error(diff)
	}
	placed, err := newGuard(&risk.Site{Scope: risk.OfAPI})
	if err != nil || len(placed) != 1 {
		t.Fatal(placed, err)
	}
	x := exchange("Server")
	if d := placed[0].Guard.Check(x); d != nil {
		t.Error(d)
	}
	want := []risk.Edit{{Do: risk.RemoveField, On: risk.OnReply, Stage: risk.Strip, Name: "Server"}}
	if diff := cmp.Diff(want, x.Edits()); diff != "" {
		t.Error(diff)
	}
}

// play probes 60 reads, of which one has no lawful request.
func play(t *testing.T, send func(path string) (*risk.Seen, error)) (called []string, found []risk.Finding, err error) {
	t.Helper()
	ops := []*contract.Operation{{Method: "GET", Path: "/unknown"}, {Method: "POST", Path: "/made"}}
	for i := range 60 {
		path := fmt.Sprintf("/%d", i)
		ops = append(ops, &contract.Operation{Method: "GET", Path: path, Key: "GET " + path, At: source.Span{Line: i}})
	}
	err = probe(t.Context(), &risk.Target{
		Contract: &contract.Contract{Operations: ops},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			if op.Path == "/unknown" {
				return nil, false
			}
			return &risk.Attempt{Path: op.Path}, true
		},
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			called = append(called, a.Path)
			return send(a.Path)
		},
		Report: func(f risk.Finding) { found = append(found, f) },
	})
	return called, found, err
}

func TestTheProbeReadsFiftyOperationsThatAnswer(t *testing.T) {
	t.Parallel()
	host := risk.Fields{{Name: "X-Host", Value: "a"}, {Name: "Date", Value: "1"}, {Name: "Server", Value: "a/1"}}
	statuses := map[string]int{"/0": 199, "/1": 200, "/2": 299, "/3": 300, "/4": 404}
	called, found, err := play(t, func(path string) (*risk.Seen, error) {
		if status, ok := statuses[path]; ok {
			return &risk.Seen{Status: status, Fields: host}, nil
		}
		return &risk.Seen{Status: 204}, nil
	})
	want := []risk.Finding{{
		Operation: "GET /1", At: source.Span{Line: 1}, Code: "disclosure/field", Confirmed: true,
		Proof: "a reply carries X-Host, Server (2 of 50 operations read)",
	}}
	if diff := cmp.Diff(want, found); diff != "" || err != nil || len(called) != 53 || called[52] != "/52" {
		t.Errorf("%d calls, %v %s", len(called), err, diff)
	}
	if _, found, err := play(t, func(string) (*risk.Seen, error) { return &risk.Seen{Status: 200}, nil }); err != nil || found != nil {
		t.Error(found, err)
	}
	reset := errors.New("reset")
	if _, found, err := play(t, func(string) (*risk.Seen, error) { return nil, reset }); !errors.Is(err, reset) || found != nil {
		t.Error(found, err)
	}
}
