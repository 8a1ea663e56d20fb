package wire

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"time"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/fault"
)

// guarded counts the frames of a connection of HTTP/2 while they are read. A
// client that sends more of one kind than any use could have is cut off: resets
// and empty frames cost the server more than the client (RFC 9113 section
// 10.5).
type guarded struct {
	net.Conn
	told func(*fault.Fault) // called for what is refused, maxTold times at most
	out  outward
	tell int // what was told

	preface int     // bytes of the preface that were read
	head    [9]byte // of the frame that comes in
	have    int     // bytes of it
	body    int     // bytes of the frame's payload to come
	runs    int     // continuations in a row
	since   time.Time
	budget  [kinds]int
	over    bool
}

// kinds are those of frames that are counted.
type kind uint8

const (
	resets kind = iota
	settings
	pings
	priorities
	windows
	empties
	heads
	kinds
)

// Budgets of frames in each period of frameTime. Browsers reset some ten
// streams when a page is left, and open windows once for each 32 KiB.
const frameTime = 10 * time.Second

func budgets() [kinds]int {
	return [kinds]int{resets: 200, settings: 20, pings: 50, priorities: 500, windows: 20_000, empties: 200, heads: 20_000}
}

// maxContinuations is how many frames one head may take: a head of 32 KiB fits
// two.
const maxContinuations = 8

// The length of the connection preface (RFC 9113 section 3.4).
const prefaceBytes = 24

// ConnectionState lets golang.org/x/net see that this is TLS.
func (g *guarded) ConnectionState() tls.ConnectionState {
	if t, ok := g.Conn.(*tls.Conn); ok {
		return t.ConnectionState()
	}
	return tls.ConnectionState{}
}

// Read reads and counts.
func (g *guarded) Read(p []byte) (int, error) {
	n, err := g.Conn.Read(p)
	if !g.over && !g.count(p[:n]) {
		g.over = true
		g.told(flood)
	}
	if g.over {
		_ = g.Conn.Close() //nolint:errcheck // it is cut off
		return 0, net.ErrClosed
	}
	return n, err //nolint:wrapcheck // io.EOF has to stay bare
}

// count walks over frames and reports whether they keep to their budgets.
func (g *guarded) count(b []byte) bool {
	if skip := min(prefaceBytes-g.preface, len(b)); skip > 0 {
		g.preface += skip
		b = b[skip:]
	}
	for len(b) > 0 {
		if g.body > 0 {
			skip := min(g.body, len(b))
			g.body -= skip
			b = b[skip:]
			continue
		}
		n := copy(g.head[g.have:], b)
		g.have += n
		b = b[n:]
		if g.have < len(g.head) {
			return true
		}
		g.have = 0
		g.body = int(binary.BigEndian.Uint32(g.head[:4]) >> 8)
		if !g.frame(g.head[3], g.head[4]) {
			return false
		}
	}
	return true
}

// frame counts one frame by its type and flags (RFC 9113 section 6).
func (g *guarded) frame(typ, flags byte) bool {
	const endStream, endHeaders = 1, 4
	switch typ {
	case 0:
		return g.body > 0 || flags&endStream != 0 || g.spend(empties)
	case 1:
		g.runs = 0
		return g.spend(heads)
	case 2:
		return g.spend(priorities)
	case 3:
		return g.spend(resets)
	case 4:
		return g.spend(settings)
	case 6:
		return g.spend(pings)
	case 8:
		return g.spend(windows)
	case 9:
		g.runs++
		return g.runs <= maxContinuations && (g.body > 0 || flags&endHeaders != 0 || g.spend(empties))
	}
	return g.spend(priorities) // of a type that nobody knows
}

func (g *guarded) spend(k kind) bool {
	if now := time.Now(); now.Sub(g.since) > frameTime {
		g.since, g.budget = now, budgets()
	}
	g.budget[k]--
	return g.budget[k] >= 0
}

// maxTold bounds the refusals of one connection that are told.
const maxTold = 8

// Write writes, and tells of streams and connections that golang.org/x/net ends
// because the client broke the protocol: it has no other word for them.
func (g *guarded) Write(p []byte) (int, error) {
	for _, code := range g.out.walk(p) {
		switch code {
		case http2.ErrCodeProtocol, http2.ErrCodeFlowControl, http2.ErrCodeFrameSize, http2.ErrCodeCompression, http2.ErrCodeEnhanceYourCalm:
			if g.tell++; g.tell <= maxTold {
				g.told(badFrames.Because(errors.New(code.String())))
			}
		}
	}
	return g.Conn.Write(p) //nolint:wrapcheck // a pass-through
}

// outward walks over the frames that are sent.
type outward struct {
	head [17]byte // of the frame that goes out, and of its payload what holds an error
	have int
	body int // bytes of the payload to come behind head
}

// walk returns the errors of the frames that end streams or the connection (RFC
// 9113 sections 6.4 and 6.8).
func (o *outward) walk(b []byte) (codes []http2.ErrCode) {
	for len(b) > 0 {
		if skip := min(o.body, len(b)); skip > 0 {
			o.body -= skip
			b = b[skip:]
			continue
		}
		n := copy(o.head[o.have:o.want()], b)
		o.have += n
		b = b[n:]
		if o.have < o.want() {
			continue
		}
		length := int(binary.BigEndian.Uint32(o.head[:4]) >> 8)
		switch o.have {
		case 13:
			codes = append(codes, http2.ErrCode(binary.BigEndian.Uint32(o.head[9:])))
		case 17:
			codes = append(codes, http2.ErrCode(binary.BigEndian.Uint32(o.head[13:])))
		}
		o.body, o.have = length-(o.have-9), 0
	}
	return codes
}

// want is how much of the frame is kept.
func (o *outward) want() int {
	if o.have < 9 {
		return 9
	}
	switch o.head[3] {
	case 3:
		return 13
	case 7:
		return 17
	}
	return 9
}
