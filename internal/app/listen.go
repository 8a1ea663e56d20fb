package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/internal/api"
	"github.com/sallyport/sallyport/internal/certs"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/internal/lib/clock"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/internal/policy"
	"github.com/sallyport/sallyport/source"
)

// CodeAdminOpen is a diagnostic of the admin plane's address.
const CodeAdminOpen source.Code = "run/admin-not-loopback"

// maxHead bounds the head of a request to the admin plane, in bytes.
const maxHead = 32 << 10

// A server serves a listener until it is told to stop.
type server interface {
	Serve(net.Listener) error
	Shutdown(context.Context) error
	Close() error
}

// A listener is one open socket and its server.
type listener struct {
	url    string
	socket net.Listener
	gate   *netx.Gate // nil: the admin plane, which has none
	server server
}

func (l *listener) serve() error {
	if err := l.server.Serve(l.socket); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, wire.ErrClosed) {
		return fmt.Errorf("serve %s: %w", l.url, err)
	}
	return nil
}

func (l *listener) stop(ctx context.Context) error {
	err := l.server.Shutdown(ctx)
	if err != nil {
		_ = l.server.Close() //nolint:errcheck // time is up
	}
	return err //nolint:wrapcheck // only compared
}

// parseListens reads `listen`, in the words of the policy.
func (p *process) parseListens(first *loaded) ([]netx.Listen, error) {
	trusted, err := netx.ParseTrusted(values(first.policy.TrustedProxies))
	if err != nil {
		return nil, usage(first.policy.TrustedProxies, err)
	}
	var out []netx.Listen
	for _, text := range first.policy.Listen {
		l, err := netx.ParseListenBehind(text.Value, trusted)
		if err != nil {
			return nil, usage([]policy.Text{text}, err)
		}
		out = append(out, l)
	}
	return out, nil
}

// hostsOf lists the names that clients may use: those that `listen` names. It
// is nil, for any name, where a listener takes every address, or stands behind
// proxies that know their own names.
func hostsOf(listens []netx.Listen) []string {
	var out []string
	for _, l := range listens {
		addr, err := netip.ParseAddr(l.Host)
		if l.Socket != "" || l.Proxied || l.Host == "" || err == nil && addr.IsUnspecified() {
			return nil
		}
		out = append(out, l.Names()...)
	}
	return out
}

// openListeners makes certificates ready and opens every socket, the admin
// plane's too.
func (p *process) openListeners(ctx context.Context, first *loaded, listens []netx.Listen) error {
	var names []string
	for _, l := range listens {
		if l.Scheme == netx.TLS {
			names = append(names, l.Names()...)
		}
	}
	var conf *tls.Config
	if len(names) > 0 {
		if err := p.openCerts(ctx, first, names); err != nil {
			return err
		}
		conf = certs.Config(certs.Options{Source: p.certs})
	}
	for i, l := range listens {
		text := policy.Text{Value: l.String()}
		if i < len(first.policy.Listen) {
			text = first.policy.Listen[i]
		}
		if err := p.open(ctx, l, text, conf); err != nil {
			return err
		}
	}
	return p.openAdmin(ctx, first)
}

// openCerts chooses where certificates come from.
func (p *process) openCerts(ctx context.Context, first *loaded, names []string) error {
	t := first.policy.TLS
	report := func(err error) { p.faults.set("certificate", err) }
	switch {
	case t.Cert.Value != "":
		f, err := certs.OpenFiles(certs.FileOptions{
			Pairs: []certs.Pair{{Cert: first.policy.Path(t.Cert.Value), Key: first.policy.Path(t.Key.Value)}},
			Names: names, Clock: p.opt.Clock, Fault: report,
		})
		if err != nil {
			return usage([]policy.Text{t.Cert}, err)
		}
		p.certs = f
	case !t.ACME.At.IsZero():
		a, err := certs.OpenACME(ctx, certs.ACMEOptions{
			Names: names, Dir: p.state.Path("acme"), CA: t.ACME.CA.Value, Email: t.ACME.Email.Value, Agreed: t.ACME.Agree.Value, Fault: report,
		})
		if err != nil {
			return usage([]policy.Text{{At: t.ACME.At}}, err)
		}
		p.end.add(func(context.Context) error { a.Close(); return nil })
		p.certs = a
	default:
		l, err := certs.OpenLocal(certs.LocalOptions{Dir: p.state.Path("ca"), Names: names, Clock: p.opt.Clock, Fault: report})
		if err != nil {
			return err //nolint:wrapcheck // it says what to do
		}
		p.certs, p.local = l, l
	}
	for _, e := range p.certs.Expiry() {
		p.metrics.Expiry(e.From, e.NotAfter)
	}
	return nil
}

// open opens one socket of the data plane.
func (p *process) open(ctx context.Context, l netx.Listen, text policy.Text, conf *tls.Config) error {
	socket, err := l.Open(ctx)
	if err != nil {
		return placed(text.At, err)
	}
	srv := p.front(l, conf)
	p.end.add(func(context.Context) error { // a start that fails later has a server that never serves
		_ = srv.Close()    //nolint:errcheck // it has none
		_ = socket.Close() //nolint:errcheck // the server closed it
		return nil
	})
	if l.Port == 0 && l.Socket == "" {
		if a, ok := socket.Addr().(*net.TCPAddr); ok {
			l.Port = uint16(a.Port) //nolint:gosec // ports fit
		}
	}
	gate := netx.NewGate(socket, netx.Limits{Total: maxClients(), Exempt: p.trusted.Prefixes})
	p.listens = append(p.listens, listener{url: l.String(), gate: gate, socket: gate, server: srv})
	return nil
}

// Bounds of the connections of clients.
const (
	mostClients  = 50_000
	ownFiles     = 2_048 // descriptors for upstreams, the log and the keys
	fewFiles     = 8_192 // below it, clients have half
	defaultFiles = 1_024
)

// maxClients is how many clients may be connected at once: never so many that
// nine tenths of the descriptors of the process are in use.
func maxClients() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return defaultFiles / 2
	}
	n := int(min(uint64(l.Cur), 1<<20)) //nolint:unconvert,gosec // signed on some systems; bounded
	if n < fewFiles {
		return max(n/2, 1)
	}
	return min(n*9/10-ownFiles, mostClients)
}

// front serves the data plane. On a TLS port, plain HTTP is refused with a
// reason, by the same guards.
func (p *process) front(l netx.Listen, conf *tls.Config) *wire.Server {
	t := p.loadedTimeouts()
	c := wire.Config{Handler: p.gateway, Clock: p.opt.Clock, Head: t.head, Idle: t.idle, Turns: p.turns, Fault: func(where string, err error) { p.faults.set("front "+where, err) }}
	if l.Scheme == netx.TLS {
		c.TLS = conf
	}
	return wire.New(c)
}

// plane serves the admin plane.
func (p *process) plane(h http.Handler) *http.Server {
	t := p.loadedTimeouts()
	return &http.Server{
		Handler: h, DisableGeneralOptionsHandler: true, ReadHeaderTimeout: t.head, IdleTimeout: t.idle, MaxHeaderBytes: maxHead,
		ErrorLog: log.New(quiet{}, "", 0),
	}
}

type serverTimes struct{ head, idle time.Duration }

func (p *process) loadedTimeouts() serverTimes {
	t := serverTimes{head: 5 * time.Second, idle: time.Minute}
	if l := p.loaded.Load(); l != nil {
		if d := l.policy.Timeouts.Head.Value; d > 0 {
			t.head = d
		}
		if d := l.policy.Timeouts.Idle.Value; d > 0 {
			t.idle = d
		}
	}
	return t
}

// quiet drops what net/http logs of each bad handshake: an attacker writes it.
type quiet struct{}

func (quiet) Write(b []byte) (int, error) { return len(b), nil }

// openAdmin opens the admin plane: plain HTTP on loopback, TLS elsewhere.
func (p *process) openAdmin(ctx context.Context, first *loaded) error {
	bind := first.policy.Admin.Bind
	l, err := netx.ParseBind(bind.Value)
	if err != nil {
		return usage([]policy.Text{bind}, err)
	}
	if !l.Loopback() && p.certs == nil {
		return usage([]policy.Text{bind}, source.Diagnostic{
			At: bind.At, Code: CodeAdminOpen, Text: "the admin plane leaves the machine only over TLS, and no listener has a certificate",
			Hint: "bind it to 127.0.0.1:9443, or let a listener speak https",
		})
	}
	socket, err := l.Open(ctx)
	if err != nil {
		return adminFault(bind, err)
	}
	p.end.add(func(context.Context) error { _ = socket.Close(); return nil }) //nolint:errcheck // the server closed it
	if a, ok := socket.Addr().(*net.TCPAddr); ok {
		l.Port = uint16(a.Port) //nolint:gosec // ports fit
	}
	scheme := "http://"
	srv := p.plane(api.Handler(api.Config{Health: p.health, Ready: p.ready, Metrics: p.metrics.Handler()}))
	if !l.Loopback() {
		scheme = "https://"
		srv.TLSConfig = certs.Config(certs.Options{Source: p.certs})
		socket = tls.NewListener(socket, srv.TLSConfig)
	}
	p.admin = &listener{url: scheme + l.Address(), socket: socket, server: srv}
	return nil
}

// adminFault says in terms of the admin plane why its port cannot be had.
func adminFault(bind policy.Text, err error) error {
	var d source.Diagnostic
	if !errors.As(err, &d) {
		return err
	}
	if d.At = bind.At; d.At.IsZero() {
		d.At = source.Span{File: "admin"}
	}
	d.Text = "the admin plane " + strings.Replace(d.Text, "https://", "", 1)
	d.Hint = "stop what listens there, or choose another port: --admin 127.0.0.1:0 takes any free one"
	return d
}

// upstreamTLS makes an upstream.TLSConfig.
func upstreamTLS(c clock.Clock) upstream.TLSConfig {
	return func(host, ca, cert, key string) (*tls.Config, error) {
		o := certs.UpstreamOptions{Name: host, CAFile: ca, Clock: c}
		if cert != "" {
			o.Client = &certs.Pair{Cert: cert, Key: key}
		}
		return certs.Upstream(o) //nolint:wrapcheck // the caller names the upstream
	}
}

// hangups delivers SIGHUP until stop is called.
func hangups() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}

func values(list []policy.Text) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Value
	}
	return out
}

// usage makes err a mistake of the user, at the place of the first text.
func usage(list []policy.Text, err error) error {
	var at source.Span
	if len(list) > 0 {
		at = list[0].At
	}
	return fmt.Errorf("%w: %w", ErrUsage, placed(at, err))
}

// placed gives a diagnostic without a place one.
func placed(at source.Span, err error) error {
	var d source.Diagnostic
	if errors.As(err, &d) && d.At.IsZero() {
		d.At = at
		return d
	}
	return err
}

// pathOf makes a path of the state folder readable for people.
func pathOf(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) && filepath.IsLocal(rel) {
			return rel
		}
	}
	return path
}
