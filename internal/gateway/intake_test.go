package gateway

import "testing"

func TestAHostIsANameOrAnAddressAndAPort(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"": true, "api.example.com": true, "API.example.com:8443": true, "127.0.0.1": true, "127.0.0.1:80": true, "[::1]": true, "[::1]:8443": true,
		"my_service:80": true, "a.": true, "a:": true,
		"a:b": false, ":80": false, "a:80abc": false, "a:123456": false, "::1": false, "[::1": false, "[": false, "[]": false, "[127.0.0.1]": false, "[::1]x": false,
		"a,b": false, "a b": false, "a/b": false, "a@b": false, "a%2e": false, "a?b": false, "a\\b": false, "é": false, "<a>": false,
	} {
		if got := lawfulHost(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestNoChangeToAProtocolThatCarriesRequests(t *testing.T) {
	t.Parallel()
	for protocol, want := range map[string]bool{
		"websocket": false, "WebSocket": false, "echo": false,
		"": true, "h2c": true, "H2C": true, "h2": true, "HTTP/2.0": true, "TLS/1.0": true, "websocket, h2c": true, "h2c,websocket": true, "websocket h2c": true,
	} {
		if got := carriesHTTP(protocol); got != want {
			t.Errorf("%q: %v", protocol, got)
		}
	}
}
