package app

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// walls is a document with what attackers like to twist.
const walls = `openapi: 3.0.3
info: {title: Walls, version: "1"}
paths:
  /u/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: string, maxLength: 20}}
    get:
      operationId: getU
      parameters:
        - {name: c, in: query, schema: {type: string, maxLength: 40}}
        - {name: X-Tenant, in: header, schema: {type: string, enum: [red, blue]}}
        - {name: x_flat, in: header, schema: {type: string}}
        - {name: sess, in: cookie, schema: {type: string, maxLength: 8}}
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {type: object, properties: {id: {type: integer}, pin: {type: string, writeOnly: true}, free: {type: object}, map: {type: object, additionalProperties: true}, way: {oneOf: [{type: object, required: [a], properties: {pin: {type: string, writeOnly: true}}}, {type: object, required: [b]}]}}}}}
    post:
      operationId: postU
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/In'}}
          multipart/form-data: {schema: {$ref: '#/components/schemas/In'}}
      responses: {"204": {description: done}}
  /ws:
    get:
      operationId: ws
      responses: {"101": {description: changes to WebSocket}}
components:
  schemas:
    In: {type: object, required: [name], additionalProperties: false, properties: {name: {type: string, maxLength: 10}, role: {type: string, readOnly: true}}}
`

// A besieged gateway, and all that came through to its upstream.
type besieged struct {
	*running
	mu     sync.Mutex
	seen   []string
	answer func(w http.ResponseWriter, r *http.Request) // nil: a sound reply
}

func besiege(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *besieged {
	t.Helper()
	b := &besieged{answer: answer}
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		b.mu.Lock()
		b.seen = append(b.seen, string(dump))
		b.mu.Unlock()
		switch {
		case b.answer != nil:
			b.answer(w, r)
		case r.Method == http.MethodPost:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"id":1}`)
		}
	}))
	t.Cleanup(up.Close)
	dir := t.TempDir()
	opt, out := options(t, dir)
	opt.To, opt.OpenAPI = up.URL, write(t, filepath.Join(dir, "walls.yaml"), walls)
	b.running = start(t, opt, out)
	return b
}

// through gives what came to the upstream since the last call.
func (b *besieged) through() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := b.seen
	b.seen = nil
	return out
}

// send writes raw bytes over TLS and reads one reply. HOST and KEY stand for
// the gateway's host and a valid key.
func (b *besieged) send(t *testing.T, raw string) *http.Response {
	t.Helper()
	host := strings.TrimPrefix(b.Gateway[0], "https://")
	c, err := tls.Dial("tcp", host, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // bytes are what this is about
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(8 * time.Second))
	if _, err := io.WriteString(c, strings.NewReplacer("HOST", host, "KEY", b.Key).Replace(raw)); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(raw, " ")
	resp, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatalf("no reply: %v", err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

const (
	lawfulHead = "Host: HOST\r\nX-API-Key: KEY\r\n"
	getU       = "GET /u/a HTTP/1.1\r\n" + lawfulHead
)

func TestWhatIsRefusedNeverReachesTheUpstream(t *testing.T) {
	t.Parallel()
	b := besiege(t, nil)
	post := func(kind, body string) string {
		return fmt.Sprintf("POST /u/a HTTP/1.1\r\n%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", lawfulHead, kind, len(body), body)
	}
	part := func(disposition, value string) string {
		return "--B\r\nContent-Disposition: form-data; " + disposition + "\r\n\r\n" + value + "\r\n--B--\r\n"
	}
	many := strings.Repeat("a=b; ", 1100)
	for _, c := range []struct {
		name, raw string
		want      int
	}{
		{"a body where none is declared, without a type", "GET /u/a HTTP/1.1\r\n" + lawfulHead + "Content-Length: 5\r\n\r\nhello", 415},
		{"the same in chunks", "GET /u/a HTTP/1.1\r\n" + lawfulHead + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 415},
		{"Connection names the key away", getU + "Connection: X-API-Key\r\n\r\n", 400},
		{"Connection names a declared field away", getU + "X-Tenant: red\r\nConnection: X-Tenant\r\n\r\n", 400},
		{"Connection names a credential away", getU + "Connection: Authorization\r\nAuthorization: Bearer t\r\n\r\n", 400},
		{"an underscore for the hyphen of a declared field", getU + "X_Tenant: evil\r\n\r\n", 400},
		{"an underscore for the hyphen of a proxy's field", getU + "X_Forwarded_For: 9.9.9.9\r\n\r\n", 400},
		{"an underscore for the hyphen of a framing field", getU + "Transfer_Encoding: chunked\r\n\r\n", 400},
		{"a second key", getU + "X-API-Key: KEY\r\n\r\n", 400},
		{"a second, coded Content-Encoding", "POST /u/a HTTP/1.1\r\n" + lawfulHead + "Content-Type: application/json\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n{\"name\":\"x\"}", 415},
		{"OPTIONS *", "OPTIONS * HTTP/1.1\r\n" + lawfulHead + "\r\n", 400},
		{"a host with a port of letters", "GET /u/a HTTP/1.1\r\nHost: 127.0.0.1:80abc\r\nX-API-Key: KEY\r\n\r\n", 400},
		{"a host with a list", "GET /u/a HTTP/1.1\r\nHost: a,b\r\nX-API-Key: KEY\r\n\r\n", 400},
		{"a cookie whose name ends with a space", getU + "Cookie: a=b; sess =abcdefghijklmnop\r\n\r\n", 400},
		{"a cookie behind a thousand others", getU + "Cookie: " + many + "sess=abcdefghijklmnop\r\n\r\n", 400},
		{"a part with two names, one of them coded", post("multipart/form-data; boundary=B", part(`name="name"; name*=utf-8''role`, "x")), 400},
		{"two boundaries, one of them in pieces", post("multipart/form-data; boundary=B; boundary*0=C", part(`name="name"`, "x")), 400},
		{"a part in another charset", post("multipart/form-data; boundary=B", "--B\r\nContent-Disposition: form-data; name=\"name\"\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nxx\r\n--B--\r\n"), 400},
		{"a charset in pieces", post("application/json; charset*=utf-16''", `{"name":"x"}`), 400},
	} {
		resp := b.send(t, c.raw)
		if seen := b.through(); resp.StatusCode != c.want || len(seen) > 0 {
			t.Errorf("%s: %d, want %d; the upstream saw %q", c.name, resp.StatusCode, c.want, seen)
		}
	}
}

func TestWhatTheUpstreamSeesHasOneMeaning(t *testing.T) {
	t.Parallel()
	b := besiege(t, nil)
	for _, c := range []struct{ name, raw, never, always string }{
		{"an underscore for a hyphen", getU + "X_Flavour: evil\r\nX_Forwarded_Other: 9.9.9.9\r\nSallyport_Other: x\r\n\r\n", "_", "X-Forwarded-For: 127.0.0.1"},
		{"a declared name with an underscore", getU + "x_flat: 1\r\n\r\n", "\x00", "X_flat: 1"},
		{"who calls", getU + "Remote-User: evil\r\nX-Forwarded: evil\r\nCF-Connecting-IP: evil\r\nX-Original-URI: /evil\r\nProxy: evil\r\nX-Host: evil\r\n\r\n", "evil", "GET /u/a "},
		{"an undeclared field that Connection names", getU + "X-Flavour: red\r\nConnection: X-Flavour\r\nAuthorization: Bearer t\r\n\r\n", "X-Flavour", "Authorization: Bearer t"},
		{"a semicolon in the query", "GET /u/a?c=1;debug=1 HTTP/1.1\r\n" + lawfulHead + "\r\n", ";", "c=1%3Bdebug=1 "},
		{"a change to h2c", "GET /ws HTTP/1.1\r\n" + lawfulHead + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n", "h2c", "GET /ws "},
		{"a change to one of several", "GET /ws HTTP/1.1\r\n" + lawfulHead + "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n", "h2c", "GET /ws "},
	} {
		resp := b.send(t, c.raw)
		seen := strings.Join(b.through(), "")
		if strings.Contains(seen, c.never) || !strings.Contains(seen, c.always) {
			t.Errorf("%s: %d, the upstream saw %q", c.name, resp.StatusCode, seen)
		}
	}
}

func TestARefusedClientCannotHoldTheConnectionWithABodyThatNeverComes(t *testing.T) {
	t.Parallel()
	b := besiege(t, nil)
	resp := b.send(t, "POST /u/a HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n")
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestHeadTellsNothingThatGetHides(t *testing.T) {
	t.Parallel()
	pin := "1"
	var mu sync.Mutex
	b := besiege(t, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"a"`)
		_, _ = io.WriteString(w, `{"id":1,"pin":"`+pin+`"}`)
	})
	first := b.send(t, "HEAD /u/a HTTP/1.1\r\n"+lawfulHead+"\r\n")
	mu.Lock()
	pin = "22"
	mu.Unlock()
	second := b.send(t, "HEAD /u/a HTTP/1.1\r\n"+lawfulHead+"\r\n")
	if first.ContentLength != second.ContentLength || first.Header.Get("Etag") != second.Header.Get("Etag") || first.StatusCode != 200 {
		t.Errorf("%v and %v", first.Header, second.Header)
	}
}

func TestWriteOnlyMembersGoWhateverShapeTheReplyHas(t *testing.T) {
	t.Parallel()
	replies := map[string]string{
		"array": `[{"id":1,"pin":"HUSH"}]`, "branch": `{"id":1,"way":{"c":1,"pin":"HUSH"}}`, "twisted": `{"id":"x","p\u0069n":"HUSH"}`,
		"inside": `{"id":{"pin":"HUSH"}}`, "value": `{"id":1,"pin":{"a":["HUSH"]}}`, "twice": `{"id":1,"pin":"HUSH","pin":"HUSH"}`,
		"open": `{"id":"x","map":{"pin":"1","deep":{"pin":"2"}}}`,
	}
	b := besiege(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, replies[r.URL.Query().Get("c")])
	})
	for name := range replies {
		if name == "open" {
			continue
		}
		_, body, _ := b.do(t, "GET", "/u/a?c="+name, "", b.Key)
		if strings.Contains(body, "HUSH") || body == "" {
			t.Errorf("%s: %s", name, body)
		}
	}
	if _, body, _ := b.do(t, "GET", "/u/a?c=open", "", b.Key); body != replies["open"] {
		t.Errorf("what the contract leaves open was cut: %s", body)
	}
}

func TestAHostileUpstreamIsHeldToHTTP(t *testing.T) {
	t.Parallel()
	raw := map[string]string{
		"099":   "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n",
		"600":   "HTTP/1.1 600 X\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"id\":1}",
		"coded": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: identity\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\n{\"id\":1}",
		"named": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: X-Frame-Options, X-Content-Type-Options\r\nX-Frame-Options: DENY\r\nX-Content-Type-Options: nosniff\r\nContent-Length: 8\r\n\r\n{\"id\":1}",
	}
	b := besiege(t, func(w http.ResponseWriter, r *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, raw[r.URL.Query().Get("c")])
		_ = c.Close()
	})
	for _, c := range []string{"099", "600", "coded"} {
		if resp := b.send(t, "GET /u/a?c="+c+" HTTP/1.1\r\n"+lawfulHead+"\r\n"); resp.StatusCode != http.StatusBadGateway {
			t.Errorf("%s: %d", c, resp.StatusCode)
		}
	}
	resp := b.send(t, "GET /u/a?c=named HTTP/1.1\r\n"+lawfulHead+"\r\n")
	if resp.StatusCode != 200 || resp.Header.Get("X-Frame-Options") == "" || resp.Header.Get("X-Content-Type-Options") == "" {
		t.Errorf("Connection took away what browsers need: %v", resp.Header)
	}
}

func TestAKeyNeverGoesUpstreamNorIntoTheLog(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"mode: observe\n", "risks:\n  authn: { mode: off, because: a test }\n", ""} {
		r, _, _ := guarded(t, mode)
		r.do(t, "GET", "/things/1", "", r.Key)
		r.do(t, "GET", "/things/1?"+r.Key+"=1", "", r.Key)
		r.do(t, "GET", "/"+r.Key, "", r.Key)
		r.do(t, "PUT", "/things/1", `{"name":"x","`+r.Key+`":1}`, r.Key)
		for _, s := range *r.seen {
			if strings.Contains(s, "key=sp_live_") {
				t.Errorf("%q: the upstream saw %q", mode, s)
			}
		}
		if err := r.stop(); err != nil {
			t.Error(err)
		}
		secretNowhere(t, r.dir, r.Key)
	}
}
