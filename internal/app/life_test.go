package app

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/ledger"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/store/sqlite"
	"github.com/sallyport/sallyport/source"
)

// eventually polls until ok, for what another goroutine brings about.
func eventually(t *testing.T, what string, limit time.Duration, ok func() bool) {
	t.Helper()
	end := time.NewTimer(limit)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("%s: not within %v", what, limit)
		}
	}
}

// guarded starts a gateway from a policy file for the tiny document. extra is
// more policy at the top level.
func guarded(t *testing.T, extra string) (r *running, policyFile, document string) {
	t.Helper()
	dir := t.TempDir()
	seen := &[]string{}
	up := backend(t, seen)
	document = write(t, filepath.Join(dir, "tiny.yaml"), tiny)
	policyFile = write(t, filepath.Join(dir, "sallyport.yaml"), policyText(up.URL, extra))
	opt, out := options(t, dir)
	opt.Policy = policyFile
	r = start(t, opt, out)
	r.seen = seen
	return r, policyFile, document
}

func policyText(upstream, extra string) string {
	return "version: 1\n" + extra + "apis:\n  tiny:\n    upstream: " + upstream + "\n    openapi: ./tiny.yaml\n"
}

func upstreamOf(t *testing.T, policyFile string) string {
	t.Helper()
	text, err := os.ReadFile(policyFile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "upstream: ")
	u, _, _ := strings.Cut(rest, "\n")
	return u
}

func TestAChangedDocumentIsTakenAndABrokenOneIsNot(t *testing.T) {
	t.Parallel()
	r, _, document := guarded(t, "")
	if status, _, _ := r.do(t, "GET", "/things/1?q=abcdefgh", "", r.Key); status != 400 {
		t.Fatalf("before: %d", status)
	}
	write(t, document, strings.Replace(tiny, "maxLength: 5", "maxLength: 50", 1))
	eventually(t, "the new document", time.Minute, func() bool {
		status, _, _ := r.do(t, "GET", "/things/1?q=abcdefgh", "", r.Key)
		return status == 200
	})
	write(t, document, "openapi: 3.0.3\npaths: [\n")
	eventually(t, "the refusal", time.Minute, func() bool { return strings.Contains(r.out.String(), "reload refused") })
	if status, _, _ := r.do(t, "GET", "/things/1?q=abcdefgh", "", r.Key); status != 200 {
		t.Errorf("the old plan must serve on, got %d", status)
	}
	if h := health(t, r); h["status"] != "degraded" {
		t.Errorf("health is %v", h["status"])
	}
	write(t, document, tiny)
	eventually(t, "recovery", time.Minute, func() bool { return health(t, r)["status"] == "ok" })
}

func health(t *testing.T, r *running) map[string]any {
	t.Helper()
	resp, err := http.Get(r.Admin + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var h map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAWeakerPolicyIsRefusedAtReload(t *testing.T) {
	t.Parallel()
	r, file, _ := guarded(t, "")
	write(t, file, policyText(upstreamOf(t, file), "mode: observe\n"))
	eventually(t, "the refusal", time.Minute, func() bool { return strings.Contains(r.out.String(), string(CodeWeaker)) })
	if status, _, _ := r.do(t, "GET", "/things/x", "", r.Key); status != 400 {
		t.Errorf("it is weaker all the same: %d", status)
	}
}

func TestAFailingTestBlocksAReload(t *testing.T) {
	t.Parallel()
	r, file, _ := guarded(t, "")
	test := "tests:\n  - { as: anonymous, do: \"GET /things/1\", expect: allow }\n"
	write(t, file, policyText(upstreamOf(t, file), test))
	eventually(t, "the refusal", time.Minute, func() bool { return strings.Contains(r.out.String(), string(CodeTest)) })
	passing := "tests:\n  - { as: anonymous, do: \"GET /things/1\", expect: deny authn 401 }\n  - { as: key, do: \"GET /things/1\", upstream: {body: {id: 1}}, expect: allow }\n  - { as: key, do: \"PUT /things/1\", body: {name: 5}, expect: deny request 400 }\n"
	write(t, file, policyText(upstreamOf(t, file), passing))
	eventually(t, "the reload", time.Minute, func() bool { return strings.Contains(r.out.String(), "reloaded") })
}

func TestARevocationByAnotherProcessActsWithinASecond(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	if status, _, _ := r.do(t, "GET", "/things/1", "", r.Key); status != 200 {
		t.Fatalf("before: %d", status)
	}
	if _, err := otherProcess(t, r).Revoke(t.Context(), secret.New(r.Key), "test"); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	eventually(t, "the revocation", 5*time.Second, func() bool {
		status, _, _ := r.do(t, "GET", "/things/1", "", r.Key)
		return status == 401
	})
	t.Logf("the revocation acted after %v", time.Since(start).Round(time.Millisecond))
}

// otherProcess opens the keys of a running gateway from outside.
func otherProcess(t *testing.T, r *running) *identity.Keys {
	t.Helper()
	opt, _ := options(t, t.TempDir())
	store, err := sqlite.Open(t.Context(), KeysPath(r.dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keys, err := identity.NewKeys(store, identity.Settings{Clock: opt.Clock, Rand: opt.Rand})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestTheLogHoldsWhatBecameOfKeys(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	keys := otherProcess(t, r)
	issued, err := keys.Create(t.Context(), identity.Spec{Name: "ci", Owner: "alice@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	next, err := keys.Rotate(t.Context(), issued.Key, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Revoke(t.Context(), next.Key, "it leaked"); err != nil {
		t.Fatal(err)
	}
	old, successor := issued.Record.ID, next.Record.ID
	want := map[string]bool{"key-created " + old: true, "key-revoked " + old: true, "key-created " + successor: true, "key-revoked " + successor: true}
	seen := map[string]string{}
	eventually(t, "the records", time.Minute, func() bool {
		clear(seen)
		for e, err := range (ledger.Reader{Dir: LogPath(r.dir)}).Scan(t.Context(), ledger.Query{}) {
			if err != nil {
				t.Fatal(err)
			}
			if text := e.Kind.String() + " " + e.Target; want[text] {
				seen[text] = e.Reason
			}
		}
		return len(seen) == len(want)
	})
	if got := seen["key-revoked "+old]; !strings.Contains(got, "replaced by "+successor) {
		t.Errorf("the rotation is told as %q", got)
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	secretNowhere(t, LogPath(r.dir), "alice@example.com")
	secretNowhere(t, LogPath(r.dir), "it leaked")
}

func TestAKeyOfAMomentAgoIsLetIn(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	issued, err := otherProcess(t, r).Create(t.Context(), identity.Spec{Name: "ci", Owner: "alice"})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the new key", 5*time.Second, func() bool {
		status, _, _ := r.do(t, "GET", "/things/1", "", issued.Key.Reveal())
		return status == 200
	})
}

func TestTheLogTellsEverythingAndVerifies(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	_, _, h := r.do(t, "GET", "/things/x", "", r.Key)
	id, err := event.ParseID(h.Get("Sallyport-Decision"))
	if err != nil {
		t.Fatalf("no decision id in the denial: %v", h)
	}
	r.do(t, "PUT", "/things/1", `{"name":"x"}`, r.Key)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	keys, err := ledger.ReadKeys(filepath.Join(LogPath(r.dir), "secret"))
	if err != nil {
		t.Fatal(err)
	}
	events, err := ledger.Reader{Dir: LogPath(r.dir), Keys: keys}.Get(t.Context(), id)
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	e := events[0]
	if e.Decision != event.Deny || e.Risk != "request" || e.Personal.Path != "/things/x" || e.Personal.Subject != "operator" || len(e.Violations) == 0 || !strings.Contains(e.At, "tiny.yaml:") {
		t.Errorf("event %+v", e)
	}
	count := map[event.Kind]int{}
	for e, err := range (ledger.Reader{Dir: LogPath(r.dir)}).Scan(t.Context(), ledger.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		count[e.Kind]++
	}
	if count[event.Intent] != 1 || count[event.Exchange] != 2 || count[event.Start] != 1 || count[event.Stop] != 1 || count[event.PolicyApplied] != 1 {
		t.Errorf("records: %v", count)
	}
	report, err := ledger.Verify(LogPath(r.dir), ledger.VerifyOptions{})
	if err != nil || !report.OK() || report.Unsigned != 0 {
		t.Errorf("verify: %+v, %v", report, err)
	}
	secretNowhere(t, r.dir, r.Key)
	secretNowhere(t, r.dir, "operator-unused")
}

// secretNowhere fails when a file below dir holds text.
func secretNowhere(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if strings.Contains(string(b), text) {
			t.Errorf("%s holds the secret", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestASecondStartSaysWhoHoldsTheState(t *testing.T) {
	t.Parallel()
	r, file, _ := guarded(t, "")
	opt, _ := options(t, t.TempDir())
	opt.Policy, opt.State = file, r.dir
	err := Run(t.Context(), opt)
	var d source.Diagnostic
	if !errors.As(err, &d) || d.Code != CodeStateLocked || d.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestWhatCannotStartSaysWhyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = busy.Close() })
	file := filepath.Join(t.TempDir(), "a file")
	write(t, file, "x")
	for _, c := range []struct {
		name   string
		code   source.Code
		change func(*Options, string)
	}{
		{"nothing to guard", CodeNoInput, func(o *Options, _ string) { o.To, o.OpenAPI = "", "" }},
		{"no document", CodeNoOpenAPI, func(o *Options, _ string) { o.OpenAPI = "" }},
		{"a missing document", "openapi/", func(o *Options, _ string) { o.OpenAPI = "nowhere.yaml" }},
		{"a broken document", "openapi/", func(o *Options, dir string) {
			o.OpenAPI = filepath.Join(dir, "broken.yaml")
			_ = os.WriteFile(o.OpenAPI, []byte("openapi: 3.0.3\ninfo: {"), 0o600)
		}},
		{"a missing policy", "policy/", func(o *Options, _ string) { o.To, o.OpenAPI, o.Policy = "", "", "nowhere.yaml" }},
		{"two inputs", CodeTwoInputs, func(o *Options, _ string) { o.Policy = "x.yaml" }},
		{"a bad upstream", "", func(o *Options, _ string) { o.To = "ftp://x" }},
		{"a port in use", "listen/port-in-use", func(o *Options, _ string) { o.Listen = "https://" + busy.Addr().String() }},
		{"plain HTTP for everybody", "listen/plain-http", func(o *Options, _ string) { o.Listen = "http://0.0.0.0:0" }},
		{"a state folder that is a file", CodeStateDir, func(o *Options, _ string) { o.State = file }},
		{"an admin plane in the clear", CodeAdminOpen, func(o *Options, _ string) { o.Admin, o.Listen = "0.0.0.0:0", "http://127.0.0.1:0" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			opt, out := options(t, dir)
			opt.To, opt.OpenAPI = "http://127.0.0.1:1", write(t, filepath.Join(dir, "tiny.yaml"), tiny)
			c.change(&opt, dir)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			err := Run(ctx, opt)
			if err == nil || ctx.Err() != nil {
				t.Fatalf("it started: %s", out)
			}
			list := Diagnostics(err)
			if len(list) == 0 {
				t.Fatalf("no diagnostic: %v", err)
			}
			d := list[0]
			if c.code != "" && !strings.HasPrefix(string(d.Code), string(c.code)) || d.At.IsZero() || d.Hint == "" && !strings.Contains(d.Text, "such as") {
				t.Errorf("got %s at %q, hint %q", d, d.At, d.Hint)
			}
		})
	}
}

func TestTheAdminPlaneIsApart(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	if status, _, _ := r.do(t, "GET", "/healthz", "", r.Key); status != 404 {
		t.Errorf("the data plane answers /healthz with %d", status)
	}
	r.do(t, "GET", "/things/1", "", r.Key)
	resp, err := http.Get(r.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(text), `http_route="/things/{id}"`) || strings.Contains(string(text), r.Key) {
		t.Errorf("metrics: %.500s", text)
	}
}

func TestAnUpstreamThatCannotProveItselfIs502(t *testing.T) {
	t.Parallel()
	up := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer up.Close()
	dir := t.TempDir()
	opt, out := options(t, dir)
	opt.To, opt.OpenAPI = up.URL, write(t, filepath.Join(dir, "tiny.yaml"), tiny)
	r := start(t, opt, out)
	if status, body, _ := r.do(t, "GET", "/things/1", "", r.Key); status != 502 || !strings.Contains(body, "gateway/upstream-tls") {
		t.Errorf("%d %s", status, body)
	}
}

func TestTheDataPlaneRunsOnWithoutTheKeyStore(t *testing.T) {
	t.Parallel()
	r, _, _ := guarded(t, "")
	if err := os.Rename(KeysPath(r.dir), KeysPath(r.dir)+".gone"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the fault", time.Minute, func() bool { return health(t, r)["status"] == "degraded" })
	if status, _, _ := r.do(t, "GET", "/things/1", "", r.Key); status != 200 {
		t.Errorf("a known key got %d", status)
	}
	if status, _, _ := r.do(t, "GET", "/things/1", "", "sp_live_unknown"); status != 401 {
		t.Errorf("an unknown key got %d", status)
	}
	if err := os.Rename(KeysPath(r.dir)+".gone", KeysPath(r.dir)); err != nil {
		t.Fatal(err)
	}
}
