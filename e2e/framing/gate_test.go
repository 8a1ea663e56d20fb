package framing

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sallyport/sallyport/event"
)

// document declares an API that takes nearly everything: bodies that stream
// below /echo, and bodies that are read whole
// below /text. Below /socket a client may ask for
// another protocol, which no back end here speaks.
const document = `openapi: 3.1.0
info: {title: Framing, version: "1"}
paths:
  /echo/{m}:
    parameters: [&m {name: m, in: path, required: true, schema: {type: string, maxLength: 60}}]
    get: &read {security: [], responses: &r {"200": {description: what came, headers: {X-Saw: {schema: {type: string}}}, content: {application/json: {schema: {type: object, additionalProperties: true}}}}}}
    head: *read
    options: *read
    delete: *read
    post: &stream {security: [], requestBody: {content: {application/octet-stream: {schema: {type: string, format: binary}}}}, responses: *r}
    put: *stream
    patch: *stream
  /socket/{m}:
    parameters: [*m]
    get: {security: [], responses: {"101": {description: another protocol}, "200": {description: what came, headers: {X-Saw: {schema: {type: string}}}, content: {application/json: {schema: {type: object, additionalProperties: true}}}}}}
  /text/{m}:
    parameters: [*m]
    get: *read
    head: *read
    post: &whole {security: [], requestBody: {content: {text/plain: {schema: {type: string, maxLength: 100000}}}}, responses: *r}
    put: *whole
    patch: *whole
`

// host is what clients call the gateway.
const host = "localhost"

// A gate is the gateway before one back end.
type gate struct {
	dir           string
	plain, secure string // addresses
	out           printed
	bin           string
}

// printed keeps what a program prints, up to 1 MiB.
type printed struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buf.Len() < 1<<20 {
		p.buf.Write(b)
	}
	return len(b), nil
}

func (p *printed) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

// binary is the gateway to test; SALLYPORT_BIN names another one.
func binary(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("SALLYPORT_BIN")
	if bin == "" {
		bin = filepath.Join("..", "..", "bin", "sallyport")
	}
	if _, err := os.Stat(bin); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is missing: run make build", bin)
	}
	abs, err := filepath.Abs(bin)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// newGate starts the gateway, with limits for one caller off: everything comes
// from one.
func newGate(t *testing.T, behind string) *gate {
	t.Helper()
	g := &gate{dir: t.TempDir(), plain: freeAddress(t), secure: freeAddress(t), bin: binary(t)}
	policy := fmt.Sprintf("version: 1\nlisten: [http://%s, https://%s]\napis:\n  framing:\n    upstream: http://%s\n    openapi: openapi.yaml\n    risks: { consumption: { per_caller: \"off\", per_address: \"off\" } }\n",
		g.plain, g.secure, behind)
	for name, text := range map[string]string{"sallyport.yaml": policy, "openapi.yaml": document} {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(g.bin, "run", "-c", filepath.Join(g.dir, "sallyport.yaml"), "--state", filepath.Join(g.dir, "state"), "--admin", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = &g.out, &g.out
	cmd.Env = clean()
	start(t, cmd)
	t.Cleanup(func() {
		if text := g.out.String(); t.Failed() || strings.Contains(text, "panic") {
			t.Logf("the gateway printed:\n%.3000s", text)
		}
	})
	await(t, g.plain)
	await(t, g.secure)
	return g
}

// records are the finished exchanges in the log, by decision id, as the command
// line exports them. It takes no lock: the gateway goes on.
func (g *gate) records(t *testing.T) map[string]*event.Event {
	t.Helper()
	cmd := exec.Command(g.bin, "log", "export", "--state", filepath.Join(g.dir, "state"))
	cmd.Env = clean()
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("export the log: %v", err)
	}
	all := map[string]*event.Event{}
	for line := range bytes.Lines(text) {
		e, err := event.Parse(bytes.TrimSuffix(line, []byte{'\n'}))
		if err != nil {
			t.Fatalf("read the log: %v\n%s", err, line)
		}
		if e.Kind != event.Exchange {
			continue
		}
		if all[e.ID.String()] != nil {
			t.Errorf("two records of %s", e.ID)
		}
		all[e.ID.String()] = e
	}
	return all
}

// clean is the environment without settings of the gateway.
func clean() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SALLYPORT_") })
}
