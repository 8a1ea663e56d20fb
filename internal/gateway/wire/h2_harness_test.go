package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A got is one frame that came from the server, or the end of the connection.
type got struct {
	what string // "HEADERS", "DATA", ...; "end" of the connection
	id   uint32
	end  bool // of the stream; of SETTINGS and PING: an acknowledgement
	code http2.ErrCode
	text string // the data; of HEADERS the status
	n    uint32 // of WINDOW_UPDATE, and the last stream of GOAWAY
	all  []hpack.HeaderField
}

func (g got) String() string {
	return fmt.Sprintf("%s id=%d end=%t code=%s n=%d %.60q", g.what, g.id, g.end, g.code, g.n, g.text)
}

// A peer is a client that speaks frame by frame over a pipe, and reads all the
// time.
type peer struct {
	t    testing.TB
	s    *Server
	mux  *mux // the other end
	c    net.Conn
	f    *http2.Framer
	head bytes.Buffer
	enc  *hpack.Encoder
	next uint32
	came chan got

	mu      sync.Mutex
	refused []string
}

// newPeer serves h to a client at the other end of a pipe, and exchanges the
// prefaces. settings are the client's.
func newPeer(t testing.TB, h HandlerFunc, conf Config, settings ...http2.Setting) *peer {
	t.Helper()
	p := &peer{t: t, next: 1, came: make(chan got, 100_000)}
	conf.Handler = HandlerFunc(func(x *Exchange) {
		if x.Refused != nil {
			p.mu.Lock()
			p.refused = append(p.refused, string(x.Refused.Code))
			p.mu.Unlock()
			_ = x.Reply(x.Refused.Status, nil, []byte(x.Refused.Code))
			return
		}
		h(x)
	})
	p.s = New(conf)
	near, far := net.Pipe()
	p.c = near
	c := newConn(p.s, far)
	p.s.mu.Lock()
	p.s.conns[c] = struct{}{}
	p.s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.s.forget(c)
		defer c.cancel(ErrClosed)
		c.serveH2()
	}()
	p.f = http2.NewFramer(near, near)
	p.f.AllowIllegalWrites = true
	p.f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.enc = hpack.NewEncoder(&p.head)
	go p.read()
	t.Cleanup(func() {
		_ = near.Close()
		_ = p.s.Close()
		<-done
	})
	if _, err := io.WriteString(near, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	p.must(p.f.WriteSettings(settings...))
	p.until(func(g got) bool { return g.what == "SETTINGS" && !g.end })
	p.must(p.f.WriteSettingsAck())
	p.until(func(g got) bool { return g.what == "SETTINGS" && g.end })
	p.mux = c.mux
	return p
}

// read turns frames into gots until the connection ends.
func (p *peer) read() {
	defer close(p.came)
	for {
		frame, err := p.f.ReadFrame()
		if err != nil {
			p.came <- got{what: "end"}
			return
		}
		g := got{what: frame.Header().Type.String(), id: frame.Header().StreamID}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			g.text, g.end, g.all = f.PseudoValue("status"), f.StreamEnded(), slices.Clone(f.Fields)
		case *http2.DataFrame:
			g.text, g.end = string(f.Data()), f.StreamEnded()
		case *http2.RSTStreamFrame:
			g.code = f.ErrCode
		case *http2.GoAwayFrame:
			g.code, g.n = f.ErrCode, f.LastStreamID
		case *http2.WindowUpdateFrame:
			g.n = f.Increment
		case *http2.SettingsFrame:
			g.end = f.IsAck()
		case *http2.PingFrame:
			g.end, g.text = f.IsAck(), string(f.Data[:])
		}
		p.came <- g
	}
}

func (p *peer) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// until reads to the frame that is wanted.
func (p *peer) until(want func(got) bool) got {
	p.t.Helper()
	var seen []got
	for {
		select {
		case g, ok := <-p.came:
			if !ok {
				p.t.Fatalf("the connection ended after %v", seen)
			}
			if want(g) {
				return g
			}
			seen = append(seen, g)
		case <-time.After(10 * time.Minute):
			p.t.Fatalf("it did not come; %v did", seen)
		}
	}
}

// of reads to the next HEADERS, DATA or RST_STREAM of a stream.
func (p *peer) of(id uint32) got {
	p.t.Helper()
	return p.until(func(g got) bool {
		return g.id == id && (g.what == "HEADERS" || g.what == "DATA" || g.what == "RST_STREAM") || g.what == "GOAWAY" || g.what == "end"
	})
}

// ping waits until the server has seen everything.
func (p *peer) ping() {
	p.t.Helper()
	p.must(p.f.WritePing(false, [8]byte{1}))
	p.until(func(g got) bool { return g.what == "PING" && g.end })
}

// answer is the reply on a stream: its status and body, and how it ended.
func (p *peer) answer(id uint32) string {
	p.t.Helper()
	out := ""
	for {
		g := p.of(id)
		switch g.what {
		case "RST_STREAM", "GOAWAY":
			return out + " " + g.code.String()
		case "end":
			return out + " end"
		case "HEADERS":
			out += g.text
		case "DATA":
			out += " " + g.text
		}
		if g.end {
			return out
		}
	}
}

// block encodes pairs of names and values.
func (p *peer) block(fields ...string) []byte {
	p.head.Reset()
	for i := 0; i < len(fields); i += 2 {
		_ = p.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	return bytes.Clone(p.head.Bytes())
}

// ask begins a stream. end says whether that is all.
func (p *peer) ask(end bool, fields ...string) uint32 {
	p.t.Helper()
	id := p.next
	p.next += 2
	p.must(p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(fields...), EndHeaders: true, EndStream: end}))
	return id
}

// soundly are the fields of a request, with more behind them.
func soundly(method string, more ...string) []string {
	return append([]string{":method", method, ":scheme", "https", ":authority", "example.com", ":path", "/"}, more...)
}

func (p *peer) codes() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.refused)
}

// meanwhile calls f until it returns false. What it returns ends the connection
// and waits.
func (p *peer) meanwhile(f func() bool) func() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		for f() {
		}
	}()
	return func() {
		_ = p.c.Close()
		<-done
	}
}
