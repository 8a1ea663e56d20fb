package risktest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/internal/gateway"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/risks"
)

const bytesContract = `openapi: 3.0.3
info: {title: Orders, version: "1"}
paths:
  /orders: {get: {parameters: &p [{name: X-Tenant, in: header, schema: {type: string, enum: [red]}}, {name: x_flat, in: header, schema: {type: string, maxLength: 1}}], responses: &r {"200": {description: what came, content: {application/json: {schema: {type: object, additionalProperties: true}}}}}}}
  /orders/archive: {get: {parameters: *p, responses: *r}}
  /orders/{id}: {get: {parameters: [{name: id, in: path, required: true, schema: {type: string, maxLength: 60}}, {name: X-Tenant, in: header, schema: {type: string, enum: [red]}}, {name: x_flat, in: header, schema: {type: string, maxLength: 1}}], responses: *r}}
  /orders/{id}/items/{item}: {get: {parameters: [{name: id, in: path, required: true, schema: {type: string, maxLength: 60}}, {name: item, in: path, required: true, schema: {type: string, maxLength: 60}}, {name: X-Tenant, in: header, schema: {type: string, enum: [red]}}, {name: x_flat, in: header, schema: {type: string, maxLength: 1}}], responses: *r}}
  /files/{name}: {get: {parameters: [{name: name, in: path, required: true, schema: {type: string, maxLength: 60}}, {name: X-Tenant, in: header, schema: {type: string, enum: [red]}}, {name: x_flat, in: header, schema: {type: string, maxLength: 1}}], responses: *r}}
`

// A view is what a back end received, and how it understands it.
type view struct {
	Op     string      `json:"op"`
	Values []string    `json:"values"`
	Line   string      `json:"line"`
	Fields [][2]string `json:"fields"`
	Count  int         `json:"count"` // requests so far
}

// A taped connection keeps what was read from it.
type taped struct {
	net.Conn
	mu   sync.Mutex
	tape []byte
}

func (c *taped) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	c.tape = append(c.tape, p[:n]...)
	c.mu.Unlock()
	return n, err //nolint:wrapcheck // a pass-through
}

// head is the first head on the tape, which is taken off.
func (c *taped) head() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	head, rest, _ := bytes.Cut(c.tape, []byte("\r\n\r\n"))
	c.tape = bytes.Clone(rest)
	return string(head)
}

type tapedListener struct{ net.Listener }

func (l tapedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // a pass-through
	}
	return &taped{Conn: c}, nil
}

type tapeKey struct{}

// goBackEnd routes by http.ServeMux and tells the bytes that came.
func goBackEnd(t *testing.T) string {
	t.Helper()
	var count atomic.Int64
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, r *http.Request, op string, names ...string) {
		tape, _ := r.Context().Value(tapeKey{}).(*taped)
		lines := strings.Split(tape.head(), "\r\n")
		v := view{Op: op, Values: []string{}, Line: lines[0], Count: int(count.Add(1))}
		for _, n := range names {
			v.Values = append(v.Values, r.PathValue(n))
		}
		for _, l := range lines[1:] {
			name, value, _ := strings.Cut(l, ":")
			v.Fields = append(v.Fields, [2]string{name, strings.TrimSpace(value)})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	for op, names := range map[string][]string{
		"GET /orders": nil, "GET /orders/archive": nil, "GET /orders/{id}": {"id"}, "GET /orders/{id}/items/{item}": {"id", "item"}, "GET /files/{name}": {"name"},
	} {
		mux.HandleFunc(op, func(w http.ResponseWriter, r *http.Request) { say(w, r, op, names...) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { say(w, r, "") })
	s := httptest.NewUnstartedServer(mux)
	s.Listener = tapedListener{s.Listener}
	s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, tapeKey{}, c) }
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// nodeBackEnd runs testdata/echo.js until the test ends.
func nodeBackEnd(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("needs node, to see what a Node back end makes of the same bytes")
	}
	cmd := exec.CommandContext(t.Context(), node, "--max-old-space-size=128", "testdata/echo.js")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() //nolint:errcheck // it may have been ended with the test
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("node says no port: %v", err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// A bastion is a real gateway before a back end of another process, over
// HTTP/1.1 and HTTP/2.
type bastion struct {
	log     recorder
	address string
	end     func()
}

func newBastion(t *testing.T, behind string) *bastion {
	t.Helper()
	c, list := openapi.Parse(t.Context(), "bytes.yaml", []byte(bytesContract), openapi.Options{})
	if err := list.Err(); err != nil {
		t.Fatal(err)
	}
	p, err := compile(c, behind, risks.All())
	if err != nil {
		t.Fatal(err)
	}
	b := &bastion{}
	set := upstream.NewSet(upstream.Options{})
	gw, err := gateway.New(gateway.Config{
		Clock: clock.System{}, IDs: event.NewIDs(clock.System{}, rand.Reader), Recorder: &b.log, Verifier: keys{},
		Pseudonym: func(string) string { return "p" }, Upstreams: set, Node: "bytes", Fault: b.log.fault,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := gw.Apply(p); err != nil {
		t.Fatal(err)
	}
	s, err := serveFront(elsewhere(gw), b.log.fault)
	if err != nil {
		t.Fatal(err)
	}
	b.address, b.end = strings.TrimPrefix(s.secure, "https://"), func() { s.Close(); set.Close() }
	return b
}

// A tally counts outcomes.
type tally struct {
	cases, forwarded, refused, front int
	codes                            map[string]int
	decided                          map[string]string // decision id: operation by the back end
}

// TestBytesThatReachBackEndsMeanTheSameToAll sends twisted paths and heads raw
// through the gateway to a Go and a Node back end. Each is refused with a
// problem document, and reaches no back end, or is forwarded in canonical form
// and means to the back end what it meant to the gateway. What is no HTTP at all
// is refused by the server in front of the gateway, without a document.
func TestBytesThatReachBackEndsMeanTheSameToAll(t *testing.T) {
	t.Parallel()
	paths, heads := every(3, pathTwists()), every(2, headerTwists())
	if n := len(paths) + len(heads); n < 2000 {
		t.Errorf("only %d cases", n)
	}
	if testing.Short() {
		paths, heads = every(13, paths), every(13, heads)
	}
	twists := slices.Concat(paths, heads)
	for name, start := range map[string]func(*testing.T) string{"Go": goBackEnd, "Node": nodeBackEnd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			behind := start(t)
			b := newBastion(t, behind)
			defer b.end()
			last := 0
			var tallies []*tally
			for _, w := range []cable{&one{address: b.address}, &two{address: b.address}} {
				y := &tally{codes: map[string]int{}, decided: map[string]string{}}
				for i := range twists {
					last = y.judge(t, w, &twists[i], last)
				}
				w.close()
				t.Logf("%s, %T: %d cases: %d forwarded, %d refused with a problem document, %d refused as no HTTP", name, w, y.cases, y.forwarded, y.refused, y.front)
				t.Log(y.codes)
				if y.forwarded == 0 || y.refused == 0 {
					t.Errorf("%T: nothing is forwarded, or nothing refused", w)
				}
				tallies = append(tallies, y)
			}
			b.end()
			b.records(t, tallies)
		})
	}
}

// every takes each nth twist: all of them, about 6,800, take minutes.
func every(n int, all []twist) []twist {
	var out []twist
	for i := 0; i < len(all); i += n {
		out = append(out, all[i])
	}
	return out
}

// judge sends one twist and holds its outcome to the promise. It returns how
// many requests have reached the back end.
func (y *tally) judge(t *testing.T, w cable, tw *twist, last int) int {
	t.Helper()
	got, err := w.send(tw)
	if err != nil {
		t.Fatalf("%s: %v", tw, err)
	}
	y.cases++
	switch {
	case got.status == 0, got.status >= 400 && got.decision == "":
		y.front++
		return last
	case strings.HasPrefix(got.media, "application/problem+json"):
		y.refused++
		var p struct{ Code string }
		if err := json.Unmarshal(got.body, &p); err != nil || p.Code == "" || got.status/100 != 4 {
			t.Errorf("%T %s: %d %s", w, tw, got.status, got.body)
		}
		y.codes[p.Code]++
		return last
	}
	y.forwarded++
	var v view
	if err := json.Unmarshal(got.body, &v); err != nil || got.status != 200 {
		t.Errorf("%T %s: the back end does not understand it: %d %s", w, tw, got.status, got.body)
		return last + 1
	}
	if v.Count != last+1 {
		t.Errorf("%T %s: %d requests reached the back end, want %d: one before it was refused, and sent", w, tw, v.Count, last+1)
	}
	y.decided[got.decision] = v.Op
	for _, wrong := range append(v.pathFaults(tw), v.fieldFaults()...) {
		t.Errorf("%T %s: %s\n%s %q", w, tw, wrong, v.Line, v.Fields)
	}
	return v.Count
}

// pathFaults compares the back end's path with the canonical one.
func (v *view) pathFaults(tw *twist) (faults []string) {
	raw := strings.TrimPrefix(tw.path, "https://"+serverName)
	raw, query, _ := strings.Cut(raw, "?")
	c, err := canon.Path(raw)
	if err != nil {
		return []string{"a path without a canonical form was forwarded: " + err.Error()}
	}
	want := "GET " + c.Text
	if query != "" {
		want += "?" + query
	}
	if v.Line != want+" HTTP/1.1" {
		faults = append(faults, fmt.Sprintf("the line is %q, want %q", v.Line, want))
	}
	var values []string
	given := slices.Collect(c.Segments())
	for i, s := range strings.Split(strings.TrimPrefix(v.Op, "GET /"), "/") {
		switch {
		case i >= len(given):
			faults = append(faults, "the back end sees more segments")
		case strings.HasPrefix(s, "{"):
			values = append(values, given[i])
		case s != given[i]:
			faults = append(faults, fmt.Sprintf("the back end takes %q for %q", given[i], s))
		}
	}
	if !slices.Equal(values, v.Values) {
		faults = append(faults, fmt.Sprintf("the back end reads %q, the gateway %q", v.Values, values))
	}
	return faults
}

// fieldFaults holds what came to what the gateway decided.
func (v *view) fieldFaults() (faults []string) {
	folded := map[string]string{}
	count := map[string]int{}
	for _, f := range v.Fields {
		name := strings.ToLower(f[0])
		count[name]++
		fold := strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
				return r
			}
			return '_'
		}, name)
		if before, ok := folded[fold]; ok && before != name {
			faults = append(faults, fmt.Sprintf("%s and %s are one name to CGI", before, name))
		}
		folded[fold] = name
		if strings.Contains(name, "_") && name != "x_flat" {
			faults = append(faults, name+" was forwarded")
		}
		want, known := map[string]string{
			"x-tenant": "red", "x-forwarded-for": "192.0.2.7", "x-forwarded-host": serverName, "x-forwarded-proto": "https", "content-length": "0",
			"connection": "keep-alive",
		}[name]
		if known && f[1] != want {
			faults = append(faults, fmt.Sprintf("%s is %q", name, f[1]))
		}
		switch name {
		case "x-api-key", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "proxy-authorization", "proxy-connection", "proxy", "forwarded",
			"x-real-ip", "x-original-url", "x-rewrite-url", "x-http-method-override", "remote-user", "x-sallyport-caller", "expect":
			faults = append(faults, name+" was forwarded")
		}
		if strings.ContainsFunc(f[1], func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			faults = append(faults, name+" holds a control character")
		}
	}
	for _, name := range []string{"host", "x-forwarded-for", "sallyport-decision"} {
		if count[name] != 1 {
			faults = append(faults, fmt.Sprintf("%s came %d times", name, count[name]))
		}
	}
	for _, name := range []string{"authorization", "content-type", "cookie", "x-tenant", "x_flat", "range", "idempotency-key", "content-length"} {
		if count[name] > 1 {
			faults = append(faults, fmt.Sprintf("%s came %d times", name, count[name]))
		}
	}
	return faults
}

// records holds the events to what the back end did: the operation that was
// decided on is the one that was served.
func (b *bastion) records(t *testing.T, tallies []*tally) {
	t.Helper()
	b.log.mu.Lock()
	defer b.log.mu.Unlock()
	for _, text := range b.log.faults {
		t.Errorf("the gateway failed: %.300s", text)
	}
	found := 0
	for i := range b.log.sealed {
		e := &b.log.sealed[i]
		for _, y := range tallies {
			op, ok := y.decided[e.ID.String()]
			if !ok {
				continue
			}
			found++
			if e.Decision != event.Allow || "GET "+e.Template != op {
				t.Errorf("%s: the gateway decided %v on %q, the back end served %q", e.ID, e.Decision, e.Template, op)
			}
		}
	}
	want := 0
	for _, y := range tallies {
		want += y.forwarded
	}
	if found != want {
		t.Errorf("%d records of %d forwarded requests", found, want)
	}
}
