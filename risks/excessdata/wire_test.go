package excessdata_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/internal/gateway"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks"
)

// secret is what no client may see, in whatever way the upstream sends it.
const secret = "5f4dcc3b5aa765d6"

// quiet keeps no record, since replies are the matter here.
type quiet struct{}

func (quiet) Intent(*event.Event) error { return nil }
func (quiet) Seal(*event.Event) error   { return nil }

// Verify knows every key.
func (quiet) Verify(risk.Credential) (risk.Caller, risk.Verdict) {
	return risk.Caller{Kind: risk.KeyCaller, ID: "alice", KeyID: "k_1"}, risk.Valid
}

// guarded is a gateway with every risk in front of h.
func guarded(t *testing.T, h http.Handler) (address string) {
	t.Helper()
	return guardedUpTo(t, h, 1<<20)
}

// guardedUpTo is guarded for a gateway that holds replies up to a size, and
// checks larger ones while they pass.
func guardedUpTo(t *testing.T, h http.Handler, size int64) (address string) {
	t.Helper()
	behind := httptest.NewServer(h)
	t.Cleanup(behind.Close)
	text, err := os.ReadFile("testdata/users.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, list := openapi.Parse(context.Background(), "users.yaml", text, openapi.Options{})
	if list.Err() != nil {
		t.Fatal(list)
	}
	to, err := url.Parse(behind.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := plan.Settings{
		Limits: plan.Limits{MaxBody: 1 << 20, MaxReply: size, Body: 5 * time.Second, Upstream: 5 * time.Second, Idle: 5 * time.Second},
		Risk:   func(string) plan.Setting { return plan.Setting{} },
	}
	p, list := plan.Compile(plan.Inputs{Risks: risks.All(), Listener: s, Made: time.Now(), APIs: []plan.Input{{
		Name: "users", Contract: doc, Upstream: &plan.Upstream{URL: to, Breaker: plan.Breaker{Failures: 1 << 20}}, KeyHeader: "X-Api-Key", KeyPrefix: "sp_live_", Unknown: s,
		Settings: func(*contract.Operation) plan.Settings { return s },
	}}})
	if list.Err() != nil {
		t.Fatal(list)
	}
	set := upstream.NewSet(upstream.Options{})
	t.Cleanup(set.Close)
	gw, err := gateway.New(gateway.Config{
		Clock: clock.System{}, IDs: event.NewIDs(clock.System{}, rand.Reader), Recorder: quiet{}, Verifier: quiet{}, Upstreams: set, Node: "test",
		Pseudonym: func(string) string { return "p" }, Fault: func(where string, err error) { t.Errorf("%s: %v", where, err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := gw.Apply(p); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	front, done := wire.New(wire.Config{Handler: gw}), make(chan error, 1)
	go func() { done <- front.Serve(ln) }()
	t.Cleanup(func() {
		_ = front.Close()
		<-done
	})
	return "http://" + ln.Addr().String()
}

func zipped(body string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return b.String()
}

func deflated(body string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = io.WriteString(w, body)
	_ = w.Close()
	return b.String()
}

// A way is one way in which an upstream may send the same user.
type way struct {
	path   string
	status int
	fields []string
	body   string
	cut    bool // in two chunks, without a length
}

func ways() map[string]way {
	user := `{"name":"a","pin":"` + secret + `","next":{"name":"b","pin":"` + secret + `"}}`
	json := []string{"Content-Type", "application/json"}
	wide := strings.Repeat(" ", 70_000)
	return map[string]way{
		"as it is":                      {"/users/1", 200, json, user, false},
		"in chunks":                     {"/users/1", 200, json, user, true},
		"behind 70 kB of blanks":        {"/users/1", 200, json, `{"name":"a",` + wide + `"pin":"` + secret + `"}`, true},
		"gzip":                          {"/users/1", 200, append(json, "Content-Encoding", "gzip"), zipped(user), false},
		"GZIP in chunks":                {"/users/1", 200, append(json, "Content-Encoding", "X-GZIP"), zipped(user), true},
		"deflate":                       {"/users/1", 200, append(json, "Content-Encoding", "deflate"), deflated(user), false},
		"gzip in gzip":                  {"/users/1", 200, append(json, "Content-Encoding", "gzip", "Content-Encoding", "gzip"), zipped(zipped(user)), false},
		"gzip, gzip":                    {"/users/1", 200, append(json, "Content-Encoding", "gzip, gzip"), zipped(zipped(user)), false},
		"identity":                      {"/users/1", 200, append(json, "Content-Encoding", "identity"), user, false},
		"a coding that is not there":    {"/users/1", 200, append(json, "Content-Encoding", "aes128gcm"), user, false},
		"gzip that is none":             {"/users/1", 200, append(json, "Content-Encoding", "gzip"), user, false},
		"two types":                     {"/users/1", 200, append(json, "Content-Type", "text/plain"), user, false},
		"a type in capitals":            {"/users/1", 200, []string{"Content-Type", "APPLICATION/JSON ; CHARSET=utf-8"}, user, false},
		"a type with a stray parameter": {"/users/1", 200, []string{"Content-Type", "application/json; =x"}, user, false},
		"a type of text":                {"/users/1", 200, []string{"Content-Type", "text/plain"}, user, false},
		"a type of pictures":            {"/users/1", 200, []string{"Content-Type", "image/png"}, user, false},
		"a type of streams":             {"/users/1", 200, []string{"Content-Type", "text/event-stream"}, "data: " + user + "\n\n", true},
		"no type":                       {"/users/1", 200, nil, user, false},
		"UTF-16":                        {"/users/1", 200, []string{"Content-Type", "application/json; charset=utf-16"}, user, false},
		"a part":                        {"/users/1", 206, append(json, "Content-Range", "bytes 0-10/11"), user, false},
		"another success":               {"/users/1", 203, json, user, false},
		"a redirect":                    {"/users/1", 307, append(json, "Location", "/users/2"), user, false},
		"a refusal":                     {"/users/1", 404, json, `{"why":"x","secret":"` + secret + `"}`, false},
		"a failure":                     {"/users/1", 500, json, user, true},
		"a failure with a strange code": {"/users/1", 599, json, user, false},
		"in a list":                     {"/users", 200, json, "[" + user + "," + user + "]", true},
		"escaped":                       {"/users/1", 200, json, `{"name":"a","\u0070\u0069\u006e":"` + secret + `"}`, false},
		"a name twice":                  {"/users/1", 200, json, `{"name":"a","pin":"x","pin":"` + secret + `"}`, false},
		"two values":                    {"/users/1", 200, json, `{"name":"a"} ` + user, false},
		"a comment":                     {"/users/1", 200, json, `{"name":"a"/*` + secret + `*/}`, false},
		"a tag for caches":              {"/users/1", 200, append(json, "Etag", `"1"`, "Digest", "sha-256=x"), user, false},
		"a stranger":                    {"/users/1", 200, json, `{"name":"a","hash":"` + secret + `"}`, false},
		"an open map's member":          {"/users/1", 200, json, `{"name":"a","card":{"password_hash":"` + secret + `"}}`, false},
		"lines":                         {"/users/1", 200, []string{"Content-Type", "application/x-ndjson"}, user + "\n" + user + "\n", true},
		"lines of another kind":         {"/users/1", 200, []string{"Content-Type", "application/x-ndjson"}, `{"name":"a"}` + "\n[" + user + "]\n", true},
		"lines of another kind, known":  {"/users/1", 200, []string{"Content-Type", "application/x-ndjson"}, `{"name":"a"}` + "\n[" + user + "]\n", false},
		"a line behind a wrong one":     {"/users/1", 200, []string{"Content-Type", "application/x-ndjson"}, `{"name":1}` + "\n{" + user[1:len(user)-1] + ",}\n", true},
		"lines of a known length":       {"/users/1", 200, []string{"Content-Type", "application/x-ndjson"}, user + "\n" + user, false},
		"lines in gzip":                 {"/users/1", 200, []string{"Content-Type", "application/x-ndjson", "Content-Encoding", "gzip"}, zipped(user + "\n" + user + "\n"), true},
		"gzip behind gzip":              {"/users/1", 200, append(json, "Content-Encoding", "gzip"), zipped(`{"name":"a"`) + zipped(`,"pin":"`+secret+`"}`), false},
		"gzip and then none":            {"/users/1", 200, append(json, "Content-Encoding", "gzip"), zipped(`{"name":"a"}`) + user, false},
		"of another kind":               {"/users/1", 200, json, "[" + user + "]", true},
		"another kind in a list":        {"/users", 200, json, `[{"name":"a"},[` + user + "]]", true},
		"XML":                           {"/users/1", 200, []string{"Content-Type", "application/xml"}, "<User><pin>" + secret + "</pin></User>", false},
	}
}

func TestNoWayLetsAWriteOnlyMemberOut(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int64{"held": 1 << 20, "in pieces": 16} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			noWayOut(t, size)
		})
	}
}

// noWayOut sends every way through a gateway that holds replies up to a size.
func noWayOut(t *testing.T, size int64) {
	t.Helper()
	all := ways()
	front := guardedUpTo(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := all[r.Header.Get("X-Way")]
		w.Header()["Content-Type"] = nil
		for i := 0; i < len(v.fields); i += 2 {
			w.Header()[v.fields[i]] = append(w.Header()[v.fields[i]], v.fields[i+1])
		}
		w.WriteHeader(v.status)
		if v.cut {
			half := len(v.body) / 2
			_, _ = io.WriteString(w, v.body[:half])
			_ = http.NewResponseController(w).Flush()
			v.body = v.body[half:]
		}
		_, _ = io.WriteString(w, v.body)
	}), size)
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for name, v := range all {
		for _, extra := range []string{"", "If-None-Match: *", "Range: bytes=0-5", "Accept-Encoding: gzip", "Accept: application/xml", "Te: trailers", "Connection: Content-Type"} {
			t.Run(name+" "+extra, func(t *testing.T) {
				t.Parallel()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front+v.path, nil)
				if err != nil {
					t.Fatal(err)
				}
				req.Header.Set("X-Way", name)
				req.Header.Set("X-Api-Key", "sp_live_x")
				if k, val, ok := strings.Cut(extra, ": "); ok {
					req.Header.Set(k, val)
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close() //nolint:errcheck // it was read
				body, err := io.ReadAll(resp.Body)
				if err != nil && size > 16 { // else it may have been cut off
					t.Fatal(err)
				}
				seen := fmt.Sprint(resp.Header) + string(body)
				if r, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
					plain, _ := io.ReadAll(r)
					seen += string(plain)
				}
				if strings.Contains(seen, secret) {
					t.Errorf("status %d shows the secret: %.200s", resp.StatusCode, seen)
				}
				if resp.Header.Get("Digest") != "" {
					t.Error("the digest is that of another body")
				}
			})
		}
	}
}

func TestWhatIsLeftIsWhole(t *testing.T) {
	t.Parallel()
	front := guarded(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `[{"name":"a","pin":"1"},{"pin":"2","name":"b"}]`)
	}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front+"/users", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", "sp_live_x")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(resp.Body)
	const want = `[{"name":"a"},{"name":"b"}]`
	if err != nil || string(body) != want || resp.ContentLength != int64(len(want)) || resp.StatusCode != 200 {
		t.Errorf("%v %d %d %q", err, resp.StatusCode, resp.ContentLength, body)
	}
}
