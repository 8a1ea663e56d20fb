package certs

import (
	"crypto/tls"
	"testing"
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
