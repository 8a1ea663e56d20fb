package wire

//lint:file-ignore SA1019 net/http's own HTTP/2 takes no connection but that of crypto/tls, whose frames cannot be counted

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// Limits of HTTP/2 (RFC 9113 sections 6.5.2 and 10.5).
const (
	maxStreams   = 100
	maxFrame     = 16 << 10
	streamWindow = 64 << 10
	connWindow   = 1 << 20
	tableSize    = 4 << 10
	pingAfter    = 30 * time.Second
	pingTime     = 15 * time.Second
)

// openH2 prepares the server of HTTP/2.
func (s *Server) openH2() {
	s.h2 = &http2.Server{
		MaxConcurrentStreams: maxStreams, MaxReadFrameSize: maxFrame, MaxDecoderHeaderTableSize: tableSize, MaxEncoderHeaderTableSize: tableSize,
		MaxUploadBufferPerConnection: connWindow, MaxUploadBufferPerStream: streamWindow,
		IdleTimeout: s.conf.Idle, ReadIdleTimeout: pingAfter, PingTimeout: pingTime, WriteByteTimeout: s.conf.Write,
	}
	base := &http.Server{
		MaxHeaderBytes: s.conf.MaxHead, IdleTimeout: s.conf.Idle, ReadHeaderTimeout: s.conf.Head,
		ErrorLog: log.New(io.Discard, "", 0), // an attacker writes it
	}
	if err := http2.ConfigureServer(base, s.h2); err != nil {
		panic("wire: HTTP/2 cannot be had: " + err.Error()) // a broken invariant of ours: the limits above are lawful
	}
	s.goodH = func() { _ = base.Shutdown(context.Background()) } //nolint:errcheck // it has no listeners to close
	s.base = base
}

// serveH2 serves a connection of HTTP/2 until it ends.
func (c *conn) serveH2(t *tls.Conn) {
	g := &guarded{Conn: t, told: func(f *fault.Fault) { c.tell(&Exchange{Proto: "HTTP/2.0", Refused: f}) }}
	c.s.h2.ServeConn(g, &http2.ServeConnOpts{Context: c.ctx, BaseConfig: c.s.base, Handler: (*streams)(c)})
}

// tell gives the Handler a refusal that nobody is there to hear.
func (c *conn) tell(x *Exchange) {
	x.Peer, x.Local, x.TLS, x.ctx, x.side = c.peer, c.local, c.tls, c.ctx, nowhere{}
	c.call(x)
}

// streams hands the streams of one connection to its Handler.
type streams conn

// ServeHTTP serves one stream. It runs in a goroutine of its own, of which the
// connection has maxStreams at most.
func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := (*conn)(s)
	x := exchanges.Get().(*Exchange) //nolint:errcheck // the pool holds nothing else
	fill(x, w, r)
	x.Peer, x.Local, x.TLS = c.peer, c.local, c.tls
	if x.Refused = x.check2(r, &c.s.conf); x.Refused == nil {
		x.Refused = x.checkEmpty()
	}
	if x.Refused != nil {
		x.Body, x.Length = nil, 0
	}
	abort := serve2(x, c)
	x.reset()
	exchanges.Put(x)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// serve2 runs the Handler and reports whether the stream must be reset.
func serve2(x *Exchange, c *conn) bool {
	c.call(x)
	if x.Body != nil {
		x.Body.end()
	}
	return x.abort || !x.begun || x.left > 0 && !x.bare
}

// fill takes over what golang.org/x/net read.
func fill(x *Exchange, w http.ResponseWriter, r *http.Request) {
	ctl := http.NewResponseController(w)
	x.Method, x.Target, x.Proto, x.Host, x.ctx = r.Method, r.RequestURI, "HTTP/2.0", r.Host, r.Context()
	x.side = &stream{w: w, ctl: ctl}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, v := range r.Header[name] {
			x.Fields = append(x.Fields, risk.Field{Name: name, Value: v})
		}
	}
	if x.Length = r.ContentLength; x.Length != 0 || r.Header["Content-Length"] != nil {
		x.Body = &Body{h2: r.Body, ctl: ctl, length: x.Length}
	}
}

// checkEmpty waits for the end of a stream whose body is announced to be empty,
// and drops that body.
func (x *Exchange) checkEmpty() *fault.Fault {
	if x.Length != 0 || x.Body == nil {
		return nil
	}
	_, err := x.Body.Read(make([]byte, 1))
	x.Body = nil
	if err == io.EOF { //nolint:errorlint // Read returns it bare
		return nil
	}
	return badLength.Because(err)
}

// check2 judges what golang.org/x/net lets through (RFC 9113 section 8.3).
func (x *Exchange) check2(r *http.Request, conf *Config) *fault.Fault {
	switch {
	case notToken([]byte(x.Method)) >= 0:
		return badMethod
	case len(x.Method) > maxMethod || x.Method == http.MethodConnect:
		return longMethod
	case len(x.Target) > conf.MaxTarget:
		return longTarget
	case len(x.Fields) > conf.MaxFields:
		return manyFields
	case x.Target == "" || x.Target[0] != '/' && (x.Target != "*" || x.Method != http.MethodOptions):
		return badTarget
	case x.Host == "":
		return noHost
	}
	for i := range len(x.Target) {
		if x.Target[i] <= ' ' || x.Target[i] == 0x7f {
			return ctlTarget
		}
	}
	kept := x.Fields[:0]
	for _, f := range x.Fields {
		switch {
		case f.Name == "Host":
			if !risk.EqualFold(f.Value, x.Host) {
				return otherHost
			}
			continue
		case !lawful(&f):
			return ctlValue
		case padded(f.Value):
			return badPseudo // section 8.2.1: in HTTP/1.1 it would be another value
		case f.Name == "Content-Length":
			if n, ok := decimal(f.Value); !ok || len(r.Header["Content-Length"]) > 1 || n != max(r.ContentLength, 0) {
				return badLength // section 8.1.1
			}
		case f.Name == "Connection" || f.Name == "Transfer-Encoding" || f.Name == "Upgrade" || f.Name == "Keep-Alive" || f.Name == "Proxy-Connection":
			return badPseudo // RFC 9113 section 8.2.2
		case f.Name == "Expect" && !risk.EqualFold(f.Value, "100-continue"):
			return badWish
		}
		kept = append(kept, f)
	}
	clear(x.Fields[len(kept):])
	x.Fields = kept
	return nil
}

// padded tells whether a value begins or ends with white space.
func padded(s string) bool {
	return s != "" && (s[0] == ' ' || s[0] == '\t' || s[len(s)-1] == ' ' || s[len(s)-1] == '\t')
}

// A stream is one of HTTP/2.
type stream struct {
	w   http.ResponseWriter
	ctl *http.ResponseController
}

func (s *stream) begin(x *Exchange, head risk.Fields, body []byte, flush bool) error {
	h := s.w.Header()
	for i := range head {
		f := &head[i]
		if !lawful(f) || owned(f.Name) {
			continue
		}
		name := http.CanonicalHeaderKey(f.Name)
		h[name] = append(h[name], f.Value)
	}
	if h["Content-Type"] == nil {
		h["Content-Type"] = nil // or one would be guessed
	}
	if x.length >= 0 && !bodyless(x.status) {
		h["Content-Length"] = []string{strconv.FormatInt(x.length, 10)}
	}
	s.w.WriteHeader(x.status)
	if len(body) == 0 {
		return nil
	}
	_, err := s.w.Write(body)
	return err //nolint:wrapcheck // a pass-through
}

func (s *stream) write(_ *Exchange, p []byte) (int, error) { return s.w.Write(p) }             //nolint:wrapcheck // a pass-through
func (s *stream) flush() error                             { return s.ctl.Flush() }            //nolint:wrapcheck // a pass-through
func (s *stream) readBy(t time.Time) error                 { return s.ctl.SetReadDeadline(t) } //nolint:wrapcheck // a pass-through
func (s *stream) upgrade(*Exchange, risk.Fields) (net.Conn, error) {
	return nil, errUpgrade
}

// nowhere is where replies go that nobody hears.
type nowhere struct{}

func (nowhere) begin(*Exchange, risk.Fields, []byte, bool) error { return nil }
func (nowhere) write(_ *Exchange, p []byte) (int, error)         { return len(p), nil }
func (nowhere) flush() error                                     { return nil }
func (nowhere) readBy(time.Time) error                           { return nil }
func (nowhere) upgrade(*Exchange, risk.Fields) (net.Conn, error) { return nil, errUpgrade }
