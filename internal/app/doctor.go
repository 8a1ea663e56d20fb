package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/sallyport/sallyport/internal/certs"
	"github.com/sallyport/sallyport/internal/ledger"
	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/internal/store/sqlite"
)

// Doctor looks at everything that a gateway needs here and now, and prints one
// line for each: what is well, what is not, and what to do. It changes nothing.
func Doctor(ctx context.Context, opt Options, w io.Writer) (failures int, err error) {
	d := &doctor{w: w}
	dir := opt.State
	if dir == "" {
		dir = DefaultState(func(name string) string { return (&process{opt: opt}).getenv(name) })
	}
	l, err := load(ctx, opt, nil)
	if err != nil {
		d.say("policy", err)
	} else {
		for _, a := range l.plan.APIs {
			d.say("api "+a.Name+": "+describe(a.Contract), nil)
			for _, u := range a.Upstream.All() {
				d.say("upstream "+u.Host, reach(ctx, u))
			}
			if a.Upstream.URL.Scheme == "https" {
				_, err := upstreamTLS(opt.Clock)(a.Upstream.URL.Hostname(), a.Upstream.CA, a.Upstream.Cert, a.Upstream.Key)
				d.say("upstream certificates", err)
			}
		}
		d.listens(ctx, l)
		if c := l.policy.TLS; c.Cert.Value != "" {
			_, err := certs.OpenFiles(certs.FileOptions{
				Pairs: []certs.Pair{{Cert: l.policy.Path(c.Cert.Value), Key: l.policy.Path(c.Key.Value)}}, Clock: opt.Clock, Fault: func(error) {},
			})
			d.say("certificate "+c.Cert.Value, err)
		}
	}
	d.state(ctx, dir)
	return d.failures, nil
}

type doctor struct {
	w        io.Writer
	failures int
}

func (d *doctor) say(what string, err error) {
	if err == nil {
		fmt.Fprintf(d.w, "ok    %s\n", what)
		return
	}
	d.failures++
	fmt.Fprintf(d.w, "FAIL  %s\n", what)
	list := Diagnostics(err)
	for _, x := range list {
		fmt.Fprintf(d.w, "      %s\n", x.String())
	}
	if len(list) == 0 {
		fmt.Fprintf(d.w, "      %v\n", err)
	}
}

// reach tells whether something accepts connections there.
func reach(ctx context.Context, u *url.URL) error {
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	dialer := net.Dialer{Timeout: 3 * time.Second}
	c, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return fmt.Errorf("nothing answers there: %w", err)
	}
	return c.Close() //nolint:wrapcheck // it answered
}

// listens tells whether the gateway could open its ports now.
func (d *doctor) listens(ctx context.Context, l *loaded) {
	trusted, err := netx.ParseTrusted(values(l.policy.TrustedProxies))
	if err != nil {
		d.say("trusted_proxies", err)
		return
	}
	for _, text := range l.policy.Listen {
		x, err := netx.ParseListenBehind(text.Value, trusted)
		if err == nil && x.Socket == "" {
			var ln net.Listener
			if ln, err = x.Open(ctx); err == nil {
				err = ln.Close()
			}
		}
		d.say("listen "+text.Value, placed(text.At, err))
	}
}

// state looks at the folder without changing it.
func (d *doctor) state(ctx context.Context, dir string) {
	if _, err := os.Stat(dir); err != nil {
		if errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(d.w, "ok    state %s is not there yet: the first run makes it\n", dir)
			return
		}
		d.say("state "+dir, stateFault(dir, err))
		return
	}
	s, err := OpenState(dir)
	d.say("state "+dir, err)
	if err == nil {
		defer s.Close()
	}
	if _, err := os.Stat(KeysPath(dir)); err == nil {
		store, err := sqlite.Open(ctx, KeysPath(dir))
		if err == nil {
			err = errors.Join(store.Verify(ctx), store.Close())
		}
		d.say("keys "+KeysPath(dir), err)
	}
	if _, err := os.Stat(LogPath(dir)); err == nil {
		report, err := ledger.Verify(LogPath(dir), ledger.VerifyOptions{})
		if err == nil && !report.OK() {
			err = fmt.Errorf("the audit log is not as it was written: %s", report.Problems[0])
		}
		d.say("audit log "+LogPath(dir), err)
	}
}
