package netx

import (
	"net/netip"
	"strings"
)

const (
	// MaxHops is the longest chain of proxies that is followed.
	MaxHops = 32
	// maxElement bounds one element of a field, in bytes: the longest lawful
	// one is an address beside a few parameters.
	maxElement = 1024
)

// Fields are the values of the fields in which proxies write about earlier
// hops, one string a field line, in the order of the message.
type Fields struct {
	XForwardedFor   []string
	XForwardedProto []string
	Forwarded       []string
}

// ClientAddr is the address of the client: the right-most hop that is no
// proxy of ours, or the left-most hop where all are. It reads from the right
// and stops at the first hop that is not trusted, so nothing that a client
// writes itself is ever looked at.
//
// peer is the other end of the connection (see PeerAddr). ClientAddr returns
// peer, in its plain form, when peer is not trusted, when the field is absent,
// when an element that a proxy wrote cannot be read (an RFC 7239 "unknown" or
// obfuscated name included) and when the chain is longer than MaxHops. The
// zero Addr means that the client is unknown, behind a Unix socket.
func ClientAddr(peer netip.Addr, f Fields, t Trusted) netip.Addr {
	peer = plainAddr(peer)
	if !t.peer(peer) {
		return peer
	}
	client, walk := peer, newWalk(f, t.Field)
	for range MaxHops {
		hop, state := walk.next()
		switch {
		case state == ended:
			return client
		case state == broken:
			return peer
		case !t.hop(hop.addr):
			return hop.addr
		}
		client = hop.addr
	}
	return peer
}

// ForwardedProto is TLS when each proxy of ours on the way says that it was
// called over TLS, and Plain otherwise: also when peer is not trusted, when
// nothing is said, and when what is said cannot be read. Of X-Forwarded-Proto
// as many values from the right are read as there are trusted hops, and at
// least one; a proxy that replaces the field instead of appending to it is
// understood.
func ForwardedProto(peer netip.Addr, f Fields, t Trusted) Scheme {
	peer = plainAddr(peer)
	if !t.peer(peer) {
		return Plain
	}
	walk := newWalk(f, t.Field)
	protos := newSplit(f.XForwardedProto)
	for said := 0; said < MaxHops; said++ {
		hop, state := walk.next()
		if state == broken || state == ended && t.Field == Forwarded {
			return answer(state, said)
		}
		proto, ok := hop.proto, true
		if t.Field == XForwarded {
			proto, ok = protos.last()
		}
		if !ok {
			return answer(ended, said)
		}
		if !strings.EqualFold(proto, "https") {
			return Plain
		}
		if state == ended || !t.hop(hop.addr) {
			return TLS
		}
	}
	return Plain
}

// answer is the scheme at the end of a walk on which said hops spoke of TLS.
func answer(s state, said int) Scheme {
	if s == ended && said > 0 {
		return TLS
	}
	return Plain
}

// A hop is what one proxy says about the hop before it.
type hop struct {
	addr  netip.Addr
	proto string
}

// state says how a step of a walk ended.
type state uint8

const (
	found state = iota
	ended
	broken
)

// A walk yields the hops of one field from right to left.
type walk struct {
	field Field
	rest  split
}

func newWalk(f Fields, which Field) walk {
	if which == Forwarded {
		return walk{which, newSplit(f.Forwarded)}
	}
	return walk{which, newSplit(f.XForwardedFor)}
}

func (w *walk) next() (hop, state) {
	if w.field == Forwarded {
		return w.forwarded()
	}
	text, ok := w.rest.last()
	if !ok {
		return hop{}, ended
	}
	addr, ok := parseNode(text)
	if !ok {
		return hop{}, broken
	}
	return hop{addr: addr}, found
}

// A split yields the elements of comma-separated lines from right to left,
// without the blanks around them. It copies nothing.
type split struct {
	lines []string // not yet begun
	text  string   // what is left of the current line
	open  bool     // text still holds an element, which may be empty
}

func newSplit(lines []string) split { return split{lines: lines} }

// last takes the right-most element off.
func (s *split) last() (string, bool) {
	if !s.line() {
		return "", false
	}
	i := strings.LastIndexByte(s.text, ',')
	element := s.text[i+1:]
	s.cut(i)
	return strings.Trim(element, " \t"), true
}

// line makes sure that there is a current line.
func (s *split) line() bool {
	if s.open {
		return true
	}
	if len(s.lines) == 0 {
		return false
	}
	n := len(s.lines) - 1
	s.text, s.lines, s.open = s.lines[n], s.lines[:n], true
	return true
}

// cut drops everything from the comma at i; -1 ends the line.
func (s *split) cut(i int) {
	if i < 0 {
		s.text, s.open = "", false
		return
	}
	s.text = s.text[:i]
}

// parseNode reads an address as proxies write it: 192.0.2.1, 192.0.2.1:80,
// 2001:db8::1, [2001:db8::1] or [2001:db8::1]:80, each with an optional zone
// on IPv6. The result is in plain form.
func parseNode(s string) (netip.Addr, bool) {
	if len(s) > maxElement {
		return netip.Addr{}, false
	}
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 || !portSuffix(s[end+1:]) {
			return netip.Addr{}, false
		}
		addr, err := netip.ParseAddr(s[1:end])
		if err != nil || !addr.Is6() {
			return netip.Addr{}, false
		}
		return plainAddr(addr), true
	}
	if host, suffix, ok := strings.Cut(s, ":"); ok && !strings.Contains(suffix, ":") {
		if _, ok := port(suffix); !ok {
			return netip.Addr{}, false
		}
		s = host
	}
	addr, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}, false
	}
	return plainAddr(addr), true
}

// portSuffix tells whether s is empty or a colon and a port.
func portSuffix(s string) bool {
	if s == "" {
		return true
	}
	_, ok := port(strings.TrimPrefix(s, ":"))
	return ok && s[0] == ':'
}
