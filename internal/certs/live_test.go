package certs

import (
	"crypto/tls"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/internal/lib/netx"
)

func TestALiveConfigurationIsReplacedWithItsSessions(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	first := Config(Options{Source: filesOf(t, issue(t, ca, []string{"a.acme.com"}, nil))})
	second := Config(Options{Source: filesOf(t, issue(t, ca, []string{"a.acme.com"}, nil))})
	var live Live
	addr := serve(t, live.Config(first))
	client := &tls.Config{RootCAs: pool(ca), ServerName: "a.acme.com", ClientSessionCache: tls.NewLRUClientSessionCache(1), NextProtos: []string{"h2"}}
	if _, err := call(t, addr, client); err == nil {
		t.Fatal("served without a configuration")
	}
	for i, c := range []struct {
		set    *tls.Config
		resume bool
	}{{first, false}, {first, true}, {second, false}, {second, true}} {
		live.Set(c.set)
		st, err := call(t, addr, client)
		if err != nil || st.DidResume != c.resume || st.NegotiatedProtocol != "h2" {
			t.Errorf("step %d: resumed %t, protocol %q, %v", i, st.DidResume, st.NegotiatedProtocol, err)
		}
	}
}

// The parts as a gateway puts them together: listener, gate, TLS, server.
func TestAServerBehindAGateServesBothProtocolsAndDrains(t *testing.T) {
	t.Parallel()
	ca := issue(t, nil, nil, asCA)
	config := Config(Options{Source: filesOf(t, issue(t, ca, []string{"127.0.0.1"}, nil))})
	var live Live
	live.Set(config)
	l, err := netx.ParseListen("https://127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln, err := l.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	gate := netx.NewGate(ln, netx.Limits{})
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(tls.NewListener(gate, live.Config(config))) }()
	for want, protocols := range map[string][]string{"HTTP/2.0": {"h2"}, "HTTP/1.1": {"http/1.1"}} {
		tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool(ca), NextProtos: protocols}, ForceAttemptHTTP2: want == "HTTP/2.0"}
		resp, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get("https://" + gate.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || string(body) != want {
			t.Errorf("got %q, %v; want %s", body, err, want)
		}
		_ = resp.Body.Close()
		t.Cleanup(tr.CloseIdleConnections)
	}
	if gate.Open() != 2 {
		t.Errorf("%d connections are open, want the two idle ones", gate.Open())
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := gate.Drain(t.Context()); err != nil || gate.Open() != 0 {
		t.Errorf("Drain: %v, %d open", err, gate.Open())
	}
	<-done
}
