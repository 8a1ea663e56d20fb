package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sallyport/sallyport/demo"
	"github.com/sallyport/sallyport/internal/certs"
	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/store/sqlite"
)

// DemoOptions say how the demo runs.
type DemoOptions struct {
	Options
	// Serve keeps the guarded API running after the report, until ctx ends.
	Serve bool
}

// ErrDemo means that the demo found lawful traffic refused, or an attack that a
// guard should have stopped.
var ErrDemo = errors.New("the demo did not show what it should")

// Demo starts the weak demo API bare and guarded, sends lawful traffic and
// attacks to both, and prints what each did.
func Demo(ctx context.Context, opt DemoOptions) error {
	dir, clean, err := demoDir(opt.State)
	if err != nil {
		return err
	}
	defer clean()
	d := &demoRun{opt: opt, keys: map[demo.Caller]string{}}
	bare, err := d.api(ctx)
	if err != nil {
		return err
	}
	defer bare.close()
	back, err := d.api(ctx)
	if err != nil {
		return err
	}
	defer back.close()
	document := filepath.Join(dir, "openapi.yaml")
	if err := os.WriteFile(document, demo.Document, 0o600); err != nil {
		return stateFault(dir, err)
	}
	if err := d.makeKeys(ctx, filepath.Join(dir, "state")); err != nil {
		return err
	}
	run := opt.Options
	run.Policy, run.To, run.OpenAPI, run.State = "", back.url, document, filepath.Join(dir, "state")
	run.Terminal, run.PrintKey = false, false
	if !opt.Serve {
		run.Stderr = io.Discard
	}
	if run.Listen == "" {
		run.Listen, run.Admin = "https://127.0.0.1:0", "127.0.0.1:0"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ready, done := make(chan Running, 1), make(chan error, 1)
	run.Ready = func(r Running) { ready <- r }
	go func() { done <- Run(ctx, run) }()
	select {
	case err := <-done:
		return err
	case r := <-ready:
		err = d.compare(ctx, bare.url, r)
	}
	if opt.Serve && ctx.Err() == nil && err == nil {
		return <-done
	}
	cancel()
	return errors.Join(err, <-done)
}

// demoDir is the folder of the demo, a temporary one unless one is named.
func demoDir(named string) (dir string, clean func(), err error) {
	if named != "" {
		return named, func() {}, makeDir(named)
	}
	dir, err = os.MkdirTemp("", "sallyport-demo-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder for the demo: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil //nolint:errcheck // a temporary folder
}

// demoRun is one run of the demo.
type demoRun struct {
	opt    DemoOptions
	keys   map[demo.Caller]string
	client http.Client
}

// A served API is a copy of the demo API on loopback.
type served struct {
	url   string
	close func()
}

func (d *demoRun) api(ctx context.Context) (*served, error) {
	a, err := demo.New(demo.Options{})
	if err != nil {
		return nil, fmt.Errorf("start the demo API: %w", err)
	}
	var conf net.ListenConfig
	ln, err := conf.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the demo API: %w", err), a.Close())
	}
	srv := &http.Server{Handler: a, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(ln) }() //nolint:errcheck // close ends it
	return &served{url: "http://" + ln.Addr().String(), close: func() { _, _ = srv.Close(), a.Close() }}, nil
}

// scopes are those of a caller's key: carol is an administrator.
func (*demoRun) scopes(who demo.Caller) []string {
	if who == demo.Carol {
		return []string{"customers:admin"}
	}
	return nil
}

// makeKeys gives each caller of the demo a key of ours.
func (d *demoRun) makeKeys(ctx context.Context, state string) error {
	if err := makeDir(state); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, KeysPath(state))
	if err != nil {
		return fmt.Errorf("open the key store: %w", err)
	}
	defer store.Close() //nolint:errcheck // every change is durable when made
	keys, err := identity.NewKeys(store, identity.Settings{Clock: d.opt.Clock, Rand: d.opt.Rand})
	if err != nil {
		return err //nolint:wrapcheck // it says what to do
	}
	for _, who := range []demo.Caller{demo.Alice, demo.Bob, demo.Carol} {
		issued, err := keys.Create(ctx, identity.Spec{Name: "demo", Owner: string(who), Scopes: d.scopes(who)})
		if err != nil {
			return fmt.Errorf("make a key for %s: %w", who, err)
		}
		d.keys[who] = reveal(issued.Key)
	}
	return nil
}

// compare sends everything to both and prints the report.
func (d *demoRun) compare(ctx context.Context, bare string, r Running) error {
	pool, err := certs.Pool(r.CA)
	if err != nil {
		return err //nolint:wrapcheck // it names the file
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	d.client = http.Client{
		Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	out := d.opt.Stdout
	guarded := r.Gateway[0]
	fmt.Fprintf(out, "bare     %s\nguarded  %s\n\n", bare, guarded)
	bad := d.lawful(ctx, bare, guarded)
	bad += d.attacks(ctx, bare, guarded)
	if d.opt.Serve && bad == 0 {
		fmt.Fprintf(out, "\nThe guarded API is running; Ctrl-C ends it. As alice:\n  curl --cacert %s -H 'X-API-Key: %s' %s/customers\n", quoted(r.CA), d.keys[demo.Alice], guarded)
	}
	if bad > 0 {
		return fmt.Errorf("%w: see the %d lines that begin with an exclamation mark", ErrDemo, bad)
	}
	return nil
}

// lawful sends the lawful traffic to both, and counts what went wrong.
func (d *demoRun) lawful(ctx context.Context, bare, guarded string) (bad int) {
	steps := demo.Traffic()
	var passed [2]int
	for _, s := range steps {
		for i, base := range []string{bare, guarded} {
			status, _, body, err := d.send(ctx, base, s.As, s.Request, false)
			if err == nil && status/100 == s.Want {
				passed[i]++
				continue
			}
			bad++
			fmt.Fprintf(d.opt.Stdout, "! lawful, but refused by %s: %s: %d %v %.200s\n", []string{"the bare API", "the gateway"}[i], s.Name, status, err, body)
		}
	}
	fmt.Fprintf(d.opt.Stdout, "lawful requests   bare %d of %d pass   guarded %d of %d pass\n\n", passed[0], len(steps), passed[1], len(steps))
	return bad
}

// attacks sends the attacks to both, and counts those that a guard should have
// stopped and did not.
func (d *demoRun) attacks(ctx context.Context, bare, guarded string) (bad int) {
	w := tabwriter.NewWriter(d.opt.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "attack\tbare\tguarded\tby")
	stopped, all, later := 0, 0, 0
	for _, a := range demo.Attacks() {
		all++
		before := d.attack(ctx, bare, a)
		after := d.attack(ctx, guarded, a)
		mark, by := "", a.Risk
		switch {
		case !before.won:
			mark, bad = "! ", bad+1
		case !after.won:
			stopped++
			if after.code != "" {
				by = after.code
			}
		case a.Risk != "":
			mark, bad = "! ", bad+1
		default:
			later++
			by = "(a later version)"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%s\t%s\n", mark, a.Name, before, after, by)
	}
	_ = w.Flush() //nolint:errcheck // standard output
	fmt.Fprintf(d.opt.Stdout, "\n%d attacks, %d stopped", all, stopped)
	if later > 0 {
		fmt.Fprintf(d.opt.Stdout, ", %d not yet: they need rules about objects and fields that this version does not have", later)
	}
	fmt.Fprintln(d.opt.Stdout)
	return bad
}

// An ending is what came of one attack.
type ending struct {
	won    bool
	status int
	code   string
}

// String is the cell of the table.
func (e ending) String() string {
	switch {
	case e.won:
		return fmt.Sprintf("%d succeeds", e.status)
	case e.status == 0:
		return "refused"
	}
	return fmt.Sprintf("%d stopped", e.status)
}

func (d *demoRun) attack(ctx context.Context, base string, a demo.Attack) ending {
	status, header, body, err := d.send(ctx, base, a.As, a.Request, a.Plain)
	if err != nil {
		return ending{}
	}
	e := ending{won: a.Succeeded(status, header, body), status: status}
	if strings.HasPrefix(header.Get("Content-Type"), "application/problem+json") {
		if _, rest, ok := strings.Cut(string(body), `"code":"`); ok {
			e.code, _, _ = strings.Cut(rest, `"`)
		}
	}
	return e
}

// maxDemoReply bounds what the demo reads of a reply, in bytes.
const maxDemoReply = 8 << 20

func (d *demoRun) send(ctx context.Context, base string, as demo.Caller, q demo.Request, plain bool) (int, http.Header, []byte, error) {
	if plain {
		base = strings.Replace(base, "https://", "http://", 1)
	}
	req, err := http.NewRequestWithContext(ctx, q.Method, base+q.Path, strings.NewReader(q.Body))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("make the request: %w", err)
	}
	for name, v := range q.Header {
		req.Header[name] = append([]string(nil), v...)
	}
	if as != demo.Nobody {
		req.Header.Set(keyHeader, d.keys[as])
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("send: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	body, err := readSome(resp.Body)
	if err != nil {
		return 0, nil, nil, err
	}
	return resp.StatusCode, resp.Header, body, nil
}

// readSome reads a reply, of a stream that does not end only its beginning.
func readSome(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxDemoReply))
	if err != nil && len(body) == 0 {
		return nil, fmt.Errorf("read the reply: %w", err)
	}
	return body, nil
}
