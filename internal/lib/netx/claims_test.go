package netx

import "testing"

func TestIsClaim(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"X-Forwarded-For": true, "x_forwarded_for": true, "X-FORWARDED-HOST": true, "X-Forwarded-Tls-Client-Cert-Info-Of-Great-Length": true,
		"Forwarded": true, "X-Real-IP": true, "X-Client-Cert-Subject": true, "Client-Cert": true, "X_Original_URL": true,
		"": false, "X-Forward": false, "Host": false, "X-API-Key": false, "Client-Certainly": false, "Forwarded-": false, "Via": false,
	} {
		if got := IsClaim(name); got != want {
			t.Errorf("IsClaim(%q) = %t", name, got)
		}
	}
}

// Not parallel: the count is that of the whole process.
func TestTheHotPathAllocatesNothing(t *testing.T) {
	tr := trusted(t, "10.0.0.0/8")
	peer := PeerAddr(nil)
	tr.Sockets = true
	f := Fields{XForwardedFor: []string{"198.51.100.7, 10.0.0.2"}, XForwardedProto: []string{"https"}}
	if n := testing.AllocsPerRun(100, func() { ClientAddr(peer, f, tr); ForwardedProto(peer, f, tr); IsClaim("X-Some-Other-Field-Of-The-API") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
