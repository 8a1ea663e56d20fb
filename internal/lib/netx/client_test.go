package netx

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

func trusted(t testing.TB, texts ...string) Trusted {
	t.Helper()
	tr, err := ParseTrusted(texts)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func TestClientAddr(t *testing.T) {
	t.Parallel()
	tr := trusted(t, "10.0.0.0/8", "fd00::/8", "unix")
	std := tr
	std.Field = Forwarded
	many := strings.Repeat("10.0.0.1, ", MaxHops) + "10.0.0.1"
	for name, c := range map[string]struct {
		peer string
		f    Fields
		t    Trusted
		want string
	}{
		"a stranger is believed nothing":              {"203.0.113.9", Fields{XForwardedFor: []string{"1.1.1.1"}, Forwarded: []string{"for=1.1.1.1"}}, tr, "203.0.113.9"},
		"nobody is trusted by default":                {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1"}}, Trusted{}, "10.0.0.1"},
		"the right-most stranger wins":                {"10.0.0.1", Fields{XForwardedFor: []string{"6.6.6.6, 198.51.100.7"}}, tr, "198.51.100.7"},
		"trusted hops are walked over":                {"10.0.0.1", Fields{XForwardedFor: []string{"6.6.6.6, 198.51.100.7, 10.9.9.9"}}, tr, "198.51.100.7"},
		"field lines are one list":                    {"10.0.0.1", Fields{XForwardedFor: []string{"6.6.6.6", "198.51.100.7", "10.9.9.9"}}, tr, "198.51.100.7"},
		"all trusted gives the left-most":             {"10.0.0.1", Fields{XForwardedFor: []string{"10.1.1.1, 10.2.2.2"}}, tr, "10.1.1.1"},
		"no field gives the peer":                     {"10.0.0.1", Fields{}, tr, "10.0.0.1"},
		"a port is dropped":                           {"10.0.0.1", Fields{XForwardedFor: []string{"198.51.100.7:4711"}}, tr, "198.51.100.7"},
		"IPv6 bare":                                   {"10.0.0.1", Fields{XForwardedFor: []string{"2001:db8::7"}}, tr, "2001:db8::7"},
		"IPv6 in brackets with port":                  {"10.0.0.1", Fields{XForwardedFor: []string{"[2001:db8::7]:80"}}, tr, "2001:db8::7"},
		"IPv6 zone is dropped":                        {"10.0.0.1", Fields{XForwardedFor: []string{"fe80::7%eth0"}}, tr, "fe80::7"},
		"4-in-6 is IPv4":                              {"::ffff:10.0.0.1", Fields{XForwardedFor: []string{"::ffff:198.51.100.7"}}, tr, "198.51.100.7"},
		"a trusted peer with a zone":                  {"fd00::1%eth0", Fields{XForwardedFor: []string{"198.51.100.7"}}, tr, "198.51.100.7"},
		"garbage at the right gives the peer":         {"10.0.0.1", Fields{XForwardedFor: []string{"198.51.100.7, what"}}, tr, "10.0.0.1"},
		"garbage behind a trusted hop gives the peer": {"10.0.0.1", Fields{XForwardedFor: []string{"what, 10.2.2.2"}}, tr, "10.0.0.1"},
		"an empty element gives the peer":             {"10.0.0.1", Fields{XForwardedFor: []string{"198.51.100.7,"}}, tr, "10.0.0.1"},
		"an octal octet is no address":                {"10.0.0.1", Fields{XForwardedFor: []string{"198.051.100.7"}}, tr, "10.0.0.1"},
		"a port out of range is no address":           {"10.0.0.1", Fields{XForwardedFor: []string{"198.51.100.7:99999"}}, tr, "10.0.0.1"},
		"too many hops give the peer":                 {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1, " + many}}, tr, "10.0.0.1"},
		"the other field is not read":                 {"10.0.0.1", Fields{Forwarded: []string{"for=6.6.6.6"}}, tr, "10.0.0.1"},
		"a socket's peer is a proxy when listed":      {"", Fields{XForwardedFor: []string{"198.51.100.7"}}, tr, "198.51.100.7"},
		"Forwarded":                                   {"10.0.0.1", Fields{Forwarded: []string{`for=6.6.6.6, For="198.51.100.7:80";proto=https;by=_x`}}, std, "198.51.100.7"},
		"Forwarded IPv6":                              {"10.0.0.1", Fields{Forwarded: []string{`for="[2001:db8::7]:80"`}}, std, "2001:db8::7"},
		"Forwarded bare IPv6 is refused":              {"10.0.0.1", Fields{Forwarded: []string{`for="2001:db8::7"`}}, std, "10.0.0.1"},
		"Forwarded escapes":                           {"10.0.0.1", Fields{Forwarded: []string{`for="198.51.100\.7"`}}, std, "198.51.100.7"},
		"Forwarded unknown gives the peer":            {"10.0.0.1", Fields{Forwarded: []string{`for=6.6.6.6, for=unknown`}}, std, "10.0.0.1"},
		"Forwarded without for gives the peer":        {"10.0.0.1", Fields{Forwarded: []string{`for=6.6.6.6, proto=https`}}, std, "10.0.0.1"},
		"Forwarded with for twice gives the peer":     {"10.0.0.1", Fields{Forwarded: []string{`for=6.6.6.6;for=6.6.6.7`}}, std, "10.0.0.1"},
		"a comma in a quoted string splits nothing":   {"10.0.0.1", Fields{Forwarded: []string{`for=198.51.100.7;x="a, for=6.6.6.6"`}}, std, "198.51.100.7"},
		"an open quote swallows nothing":              {"10.0.0.1", Fields{Forwarded: []string{`for="6.6.6.6, for=198.51.100.7;host="api"`}}, std, "198.51.100.7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var peer netip.Addr
			if c.peer != "" {
				peer = netip.MustParseAddr(c.peer)
			}
			if got := ClientAddr(peer, c.f, c.t); got != netip.MustParseAddr(c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestForwardedProto(t *testing.T) {
	t.Parallel()
	tr := trusted(t, "10.0.0.0/8")
	std := tr
	std.Field = Forwarded
	for name, c := range map[string]struct {
		peer string
		f    Fields
		t    Trusted
		want Scheme
	}{
		"a stranger is not believed":           {"203.0.113.9", Fields{XForwardedProto: []string{"https"}}, tr, Plain},
		"a proxy is":                           {"10.0.0.1", Fields{XForwardedProto: []string{"https"}}, tr, TLS},
		"case does not matter":                 {"10.0.0.1", Fields{XForwardedProto: []string{"HTTPS"}}, tr, TLS},
		"silence is plain":                     {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1"}}, tr, Plain},
		"wss is not https":                     {"10.0.0.1", Fields{XForwardedProto: []string{"wss"}}, tr, Plain},
		"the client's own value is not read":   {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1"}, XForwardedProto: []string{"https, http"}}, tr, Plain},
		"nor does it hurt":                     {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1"}, XForwardedProto: []string{"http, https"}}, tr, TLS},
		"each trusted hop must say so":         {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1, 10.2.2.2"}, XForwardedProto: []string{"http, https"}}, tr, Plain},
		"two hops that say so":                 {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1, 10.2.2.2"}, XForwardedProto: []string{"https", "https"}}, tr, TLS},
		"one value for two hops":               {"10.0.0.1", Fields{XForwardedFor: []string{"1.1.1.1, 10.2.2.2"}, XForwardedProto: []string{"https"}}, tr, TLS},
		"a broken chain is plain":              {"10.0.0.1", Fields{XForwardedFor: []string{"what"}, XForwardedProto: []string{"https"}}, tr, Plain},
		"Forwarded":                            {"10.0.0.1", Fields{Forwarded: []string{"for=1.1.1.1;proto=https"}}, std, TLS},
		"Forwarded without proto":              {"10.0.0.1", Fields{Forwarded: []string{"for=1.1.1.1"}}, std, Plain},
		"Forwarded, one of two hops":           {"10.0.0.1", Fields{Forwarded: []string{"for=1.1.1.1;proto=http, for=10.2.2.2;proto=https"}}, std, Plain},
		"Forwarded, both hops":                 {"10.0.0.1", Fields{Forwarded: []string{"for=1.1.1.1;proto=https, for=10.2.2.2;proto=https"}}, std, TLS},
		"Forwarded absent":                     {"10.0.0.1", Fields{XForwardedProto: []string{"https"}}, std, Plain},
		"Forwarded, a client's forged element": {"10.0.0.1", Fields{Forwarded: []string{"for=1.1.1.1;proto=https, for=1.1.1.1;proto=http"}}, std, Plain},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := ForwardedProto(netip.MustParseAddr(c.peer), c.f, c.t); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseTrusted(t *testing.T) {
	t.Parallel()
	tr := trusted(t, "10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::ffff:192.0.2.2")
	for addr, want := range map[string]bool{"10.255.0.1": true, "192.0.2.1": true, "192.0.2.2": true, "192.0.2.3": false, "2001:db8::9": true, "::1": false} {
		if got := tr.peer(netip.MustParseAddr(addr)); got != want {
			t.Errorf("%s: trusted %t, want %t", addr, got, want)
		}
	}
	for _, bad := range []string{"", "0.0.0.0/0", "::/0", "10.0.0.1/8", "10.0.0.0/33", "proxy.local", "fe80::1%eth0", "::ffff:10.0.0.0/104"} {
		if _, err := ParseTrusted([]string{bad}); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if _, err := ParseTrusted(make([]string, maxTrusted+1)); err == nil {
		t.Error("an endless list was taken")
	}
}

func TestPeerAddrIsPlain(t *testing.T) {
	t.Parallel()
	if got := PeerAddr(&net.TCPAddr{IP: net.ParseIP("::ffff:192.0.2.1"), Port: 1}); got != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("got %s", got)
	}
	if got := PeerAddr(&net.UnixAddr{Name: "/x", Net: "unix"}); got.IsValid() {
		t.Errorf("a socket has no address, got %s", got)
	}
}

// fields splits a fuzzed text into field lines.
func fields(text string) Fields {
	lines := strings.Split(text, "\n")
	return Fields{XForwardedFor: lines, XForwardedProto: lines, Forwarded: lines}
}

func seed(f *testing.F) {
	for _, s := range []string{"1.1.1.1", "1.1.1.1, 10.0.0.1", `for="`, `for=1.1.1.1;proto=https`, "[::1]:80\nfe80::1%x", `x="\"`, `for="6.6.6.6;x=", `, ",", "https"} {
		f.Add(s)
	}
}

func FuzzAnUntrustedPeerNeverInfluencesTheResult(f *testing.F) {
	seed(f)
	fuzzloop.Run(f, func(t *testing.T, s string) {
		peer := netip.MustParseAddr("203.0.113.9")
		for _, field := range []Field{XForwarded, Forwarded} {
			tr := trusted(t, "10.0.0.0/8", "unix")
			tr.Field = field
			if got := ClientAddr(peer, fields(s), tr); got != peer {
				t.Fatalf("%q made %s of %s", s, got, peer)
			}
			if ForwardedProto(peer, fields(s), tr) != Plain {
				t.Fatalf("%q made TLS of a plain peer", s)
			}
		}
	})
}

// A client may write what it likes: once the proxy has appended its own
// element, in the same line or in one of its own, that element decides.
func FuzzWhatAClientWritesBeforeTheProxyIsNotRead(f *testing.F) {
	seed(f)
	fuzzloop.Run(f, func(t *testing.T, s string) {
		peer, client := netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("198.51.100.7")
		tr := trusted(t, "10.0.0.0/8")
		for field, own := range map[Field]string{XForwarded: "198.51.100.7", Forwarded: `for="198.51.100.7:9";host="a,b";proto=http`} {
			tr.Field = field
			for _, sep := range []string{", ", "\n"} {
				got := fields(s + sep + own)
				got.XForwardedProto = append(fields(s).XForwardedProto, "http")
				if c := ClientAddr(peer, got, tr); c != client {
					t.Fatalf("%q made %s of %s", s, c, client)
				}
				if ForwardedProto(peer, got, tr) != Plain {
					t.Fatalf("%q made TLS of a plain client", s)
				}
			}
		}
	})
}

// On well-formed text, reading from the right must find the element that
// reading from the left finds last.
func FuzzForwardedFromTheRightAgreesWithTheLeft(f *testing.F) {
	seed(f)
	f.Add(`for=1.1.1.1;x="a, for=2.2.2.2;y=\"", for=3.3.3.3`)
	fuzzloop.Run(f, func(t *testing.T, s string) {
		want, ok := leftToRight(s)
		if !ok || !want.addr.IsValid() || len(s) > maxElement {
			return
		}
		w := newWalk(Fields{Forwarded: []string{s}}, Forwarded)
		if got, st := w.next(); st != found || got != want {
			t.Fatalf("%q: %v (%d) from the right, %v from the left", s, got, st, want)
		}
	})
}

// leftToRight is the slow oracle: the grammar as RFC 7239 writes it.
func leftToRight(s string) (last hop, ok bool) {
	for {
		end, inQuotes := len(s), false
		for i := 0; i < len(s); i++ {
			if inQuotes && s[i] == '\\' {
				i++
			} else if s[i] == '"' {
				inQuotes = !inQuotes
			} else if s[i] == ',' && !inQuotes {
				end = i
				break
			}
		}
		last, ok = parseElement(strings.Trim(s[:end], " \t"))
		if !ok || end == len(s) {
			return last, ok
		}
		s = s[end+1:]
	}
}
