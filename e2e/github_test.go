package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the test of GitHub's document asks for.
const (
	githubOperations = 300
	githubWithBody   = 110
	githubDocument   = "node_modules/@octokit/openapi/generated/api.github.com.json"
	prismProgram     = "node_modules/.bin/prism"
)

// startPrism mocks a document on a free port and waits until it listens.
func startPrism(t *testing.T, document string) string {
	t.Helper()
	prism := need(t, prismProgram, "npm ci --ignore-scripts in e2e")
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is missing: it runs the mock server")
	}
	port := freePort(t)
	begin := time.Now()
	p := run(t, exec.Command(prism, "mock", "--host", "127.0.0.1", "--port", port, "--verboseLevel", "warn", document))
	base := "http://127.0.0.1:" + port
	p.until(t, "listen", func(string) bool { return reaches(base) })
	t.Logf("the mock of %s listens after %.1f s", filepath.Base(document), time.Since(begin).Seconds())
	return base
}

func TestGitHubLawfulRequestsPassAndMutantsAreRefused(t *testing.T) {
	t.Parallel()
	file := need(t, githubDocument, "npm ci --ignore-scripts in e2e")
	doc := openDocument(t, file)
	requests, passed := doc.choose(githubOperations, githubWithBody)
	for _, why := range passed {
		t.Logf("passed over: %.300s", why)
	}
	if len(requests) != githubOperations {
		t.Fatalf("%d lawful requests, want %d", len(requests), githubOperations)
	}
	server := count(t, startPrism(t, file))
	gate := guard(t, server.url, file)
	sendLawful(t, gate, server, requests)
	if gate.guarded {
		sendMutants(t, gate, server, doc, requests)
		return
	}
	judgeMutants(t, gate, doc, requests)
}

// sendLawful sends each request and wants it to reach the server, which must
// find nothing wrong with it either.
func sendLawful(t *testing.T, gate *target, server *upstream, requests []request) {
	t.Helper()
	bodies, broken, replies := 0, map[string]bool{}, map[string]int{}
	for _, r := range requests {
		if r.body != nil {
			bodies++
		}
		before := server.calls.Load()
		got := exchange(t, gate, r)
		if n := server.calls.Load() - before; n != 1 {
			t.Errorf("%s %s\n  %d calls upstream: false denial: %d %.400s", r, r.body, n, got.status, got.body)
			continue
		}
		for _, v := range violations(got) {
			if v.Location[0] == "request" {
				t.Errorf("%s %s\n  the server finds it wrong: %s", r, r.body, v.Message)
			} else {
				broken[r.op.String()] = true
				replies[r.op.String()+": "+v.Message]++
			}
		}
		switch {
		case !got.problem():
		case bytes.Contains(got.body, []byte("stoplight.io/prism/errors")):
			t.Errorf("%s %s\n  the server refuses it: %d %.400s", r, r.body, got.status, got.body)
		default:
			broken[r.op.String()] = true
			replies[r.op.String()+": the gateway withheld the reply"]++
		}
	}
	t.Logf("lawful: %d operations called, %d with a body; the replies of %d of them break the contract:%s", len(requests), bodies, len(broken), sorted(replies))
}

// sendMutants sends the mutants and wants each refused before the server.
func sendMutants(t *testing.T, gate *target, server *upstream, doc *document, requests []request) {
	t.Helper()
	kinds := map[string]int{}
	for _, r := range requests {
		mutants := doc.mutants(r)
		if len(mutants) != mutantsEach {
			t.Errorf("%s: %d kinds of mutants", r, len(mutants))
		}
		for _, m := range mutants {
			kinds[m.kind]++
			before := server.calls.Load()
			got := exchange(t, gate, m.request)
			if n := server.calls.Load() - before; n != 0 {
				t.Errorf("%s: %s %.300s: it reached the server", m.kind, m, m.body)
			}
			if got.status < 400 || got.status > 422 || !got.problem() {
				t.Errorf("%s: %s: status %d %.200s", m.kind, m, got.status, got.body)
			}
		}
	}
	t.Logf("mutants refused before the server:%s", sorted(kinds))
}

// judgeMutants lets the mock judge the mutants of schemas, where there is no
// gateway: two validators agree that they are wrong.
func judgeMutants(t *testing.T, gate *target, doc *document, requests []request) {
	t.Helper()
	kinds, accepted := map[string]int{}, map[string]int{}
	for _, r := range requests {
		mutants := doc.mutants(r)
		if len(mutants) != mutantsEach {
			t.Errorf("%s: %d kinds of mutants", r, len(mutants))
		}
		for _, m := range mutants {
			kinds[m.kind]++
			got := exchange(t, gate, m.request)
			if got.status < 400 && !wrongRequest(got) {
				accepted[m.kind]++
				if m.kind != strangeQuery {
					t.Logf("the mock accepts: %s: %s %.200s", m.kind, m, m.body)
				}
			}
		}
	}
	t.Logf("mutants:%s", sorted(kinds))
	t.Logf("of which the mock accepts:%s", sorted(accepted))
}

// exchange sends one request.
func exchange(t *testing.T, gate *target, r request) reply {
	t.Helper()
	req, err := r.write(gate.base)
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	got, err := gate.do(req)
	if err != nil {
		t.Fatalf("%s: %v", r, err)
	}
	return got
}

// violation is what the mock says of a request or of its own reply.
type violation struct {
	Location []string `json:"location"`
	Message  string   `json:"message"`
}

// violations reads the mock's header.
func violations(r reply) []violation {
	var out []violation
	if json.Unmarshal([]byte(r.header.Get("sl-violations")), &out) != nil {
		return nil
	}
	for i := range out {
		if len(out[i].Location) == 0 {
			out[i].Location = []string{"unknown"}
		}
		out[i].Message = strings.Join(out[i].Location, "/") + ": " + out[i].Message
	}
	return out
}

// wrongRequest tells whether the mock found the request wrong.
func wrongRequest(r reply) bool {
	for _, v := range violations(r) {
		if v.Location[0] == "request" {
			return true
		}
	}
	return false
}
