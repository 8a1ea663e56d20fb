package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/sallyport/sallyport/internal/lib/turns"
)

// Limits of a call.
const (
	// directBytes is the largest body that goes out before anything is read. It
	// fits into what kernels hold for both ends, so that the write does not wait
	// for an upstream that answers early.
	directBytes = 32 << 10
	// copyBytes is the largest body that is copied behind the head, which is
	// cheaper than a second part.
	copyBytes   = 8 << 10
	maxInterim  = 16
	expectTime  = time.Second // RFC 9110 section 10.1.1: no longer than that for a 100
	trailerSize = 8 << 10
)

// A call is one request and its reply on one connection. It is the body of the
// reply: Read and Close may be called by different goroutines.
type call struct {
	end    *address
	c      *conn
	b      *buffers
	w      wait
	vigil  vigil
	head   time.Duration // that the reply's head may take
	up     *upload       // nil where the body went out with the head
	method string
	idle   time.Duration
	till   time.Time

	frame  frame
	left   int64 // bytes of the body, or of the chunk, that are to come
	taken  int   // bytes of the body in this turn
	turn   turns.Turn
	tiny   int   // chunks of under tinyChunk bytes
	waste  int64 // bytes of lines of chunks beyond what the body explains
	chunk  chunkState
	single bool // the connection ends with this call
	whole  bool // the body was read to its end
	reused bool // the connection had served before
	heard  bool // something of the reply came

	mu     sync.Mutex
	busy   bool // a Read is under way
	closed bool
}

// run sends r over x.c and fills p. After an error the call is over.
func (x *call) run(r *Request, p *Response) error {
	x.method, x.head, x.idle, x.till = r.Method, r.Head, r.Idle, r.Till
	x.w.listens = true
	if err := x.send(r); err != nil {
		return x.fail(err)
	}
	h, err := x.reply(r, p)
	x.w.listens = false
	if err != nil {
		return x.fail(err)
	}
	x.end.heads(x.vigil.lane, x.w.sentAt())
	p.Status, p.Address, p.Body = h.status, x.end.host, x
	x.frame, p.Length = h.framing(r.Method)
	x.left, x.single = p.Length, x.single || h.close || x.frame == untilClose
	if h.rest > 0 {
		x.c.rest = min(idleTime, h.rest-early)
	}
	if x.frame == noBody {
		x.whole = true
		if r.Method == "HEAD" {
			p.Length = h.length
		}
	}
	if h.status == 101 {
		return x.change(p)
	}
	return nil
}

// change makes the connection a tunnel, without a limit of time.
func (x *call) change(p *Response) error {
	x.single = true
	if !x.w.watched {
		x.w.watched = true
		x.w.unwatch = context.AfterFunc(x.w.ctx, func() { _ = x.c.nc.Close() }) //nolint:errcheck // it is to end
	}
	if err := x.c.nc.SetReadDeadline(time.Time{}); err != nil {
		return x.fail(err)
	}
	p.Tunnel = &tunnel{x: x, rest: bytes.Clone(x.b.in[x.b.r:x.b.w])}
	return nil
}

// send writes the head, and the body or its beginning.
func (x *call) send(r *Request) error {
	out, err := appendHead(x.b.out[:0], r, x.end.host)
	x.b.out = out
	if err != nil {
		return err
	}
	x.w.until(x.earlier(x.w.start, r.Head))
	if err := x.put(r, out); err != nil {
		return err
	}
	if x.up == nil && !(r.Expect && r.hasBody()) {
		x.w.out(x.w.start)
		x.listen()
	}
	return nil
}

// put writes out, and the body or its beginning.
func (x *call) put(r *Request, out []byte) error {
	switch {
	case r.Expect && r.hasBody():
		return x.c.write(out, r.Head)
	case r.Body != nil || len(r.Whole) > directBytes:
		x.startUpload(r, out)
		return nil
	case len(r.Whole) == 0:
		return x.c.ask(out, r.Head)
	case len(r.Whole) <= copyBytes:
		x.b.out = append(out, r.Whole...)
		return x.c.ask(x.b.out, r.Head)
	}
	if err := x.c.armWrite(r.Head); err != nil {
		return err
	}
	x.b.two = [2][]byte{out, r.Whole}
	x.b.vec = x.b.two[:]
	_, err := x.b.vec.WriteTo(x.c.nc)
	return err //nolint:wrapcheck // fail does
}

// before is d from now, or when all must be over, if that is sooner.
func (x *call) before(d time.Duration) time.Time { return x.earlier(time.Now(), d) }

// earlier is before, reckoned from now.
func (x *call) earlier(now time.Time, d time.Duration) time.Time {
	t := x.till
	if d > 0 {
		if in := now.Add(d); t.IsZero() || in.Before(t) {
			t = in
		}
	}
	return t
}

// reply reads the head of the final reply, or of a change of the protocol.
func (x *call) reply(r *Request, p *Response) (head, error) {
	asked := r.Expect && r.hasBody() // the body waits
	if asked {
		x.w.until(x.before(min(expectTime, r.Head)))
	}
	for n := 0; ; {
		h, err := x.readHead(p)
		switch {
		case errors.Is(err, errLate) && asked && (x.till.IsZero() || time.Now().Before(x.till)):
			h.status = 100 // as if it had asked
		case err != nil:
			return h, err
		case h.status >= 200:
			x.single = x.single || asked // the body stays out, and the upstream cannot know that
			return h, nil
		case h.status == 101 && r.Upgrade != "":
			return h, nil
		case h.status == 101:
			return h, UnaskedSwitch
		}
		x.w.listens = asked // what said something is not silent
		if n++; n > maxInterim {
			return h, TooManyInterim
		}
		if asked && h.status == 100 {
			asked = false
			x.w.until(x.before(r.Head))
			x.startUpload(r, nil)
		}
	}
}

// readHead reads one head, be it interim.
func (x *call) readHead(p *Response) (head, error) {
	end, err := x.findHead()
	if err != nil {
		return head{}, err
	}
	x.heard = true
	text := string(x.b.in[x.b.r:end])
	x.b.r = end
	h, fields, err := parseHead(text, p.Fields[:0])
	p.Fields = fields
	return h, err
}

// findHead reads until a whole head is in the buffer and returns its end. What
// cannot become one is refused as soon as it shows.
func (x *call) findHead() (int, error) {
	b := x.b
	line := b.r // where the line begins that is being looked at
	for seen := b.r; ; {
		for {
			i := bytes.IndexByte(b.in[seen:b.w], '\n')
			if i < 0 {
				seen = b.w
				break
			}
			at := seen + i
			if at == b.r || b.in[at-1] != '\r' {
				return 0, BareLF
			}
			if seen = at + 1; at-1 == line && line > b.r {
				return seen, nil
			}
			line = seen
		}
		if start := b.in[b.r:b.w]; !bytes.HasPrefix(start, []byte("HTTP/1.")[:min(7, len(start))]) {
			return 0, BadStatusLine
		}
		if b.w-b.r >= maxHead {
			return 0, HeadTooLarge
		}
		back, begun := seen-b.r, line-b.r // fill may move what is in the buffer
		if err := x.fill(); err != nil {
			return 0, err
		}
		seen, line = b.r+back, b.r+begun
	}
}

// fill reads more behind what is in the buffer, and makes room for it.
func (x *call) fill() error {
	b := x.b
	switch {
	case b.r == b.w:
		b.r, b.w = 0, 0
	case b.w == len(b.in) && b.r > 0:
		b.w = copy(b.in, b.in[b.r:b.w])
		b.r = 0
	}
	if b.w == len(b.in) {
		b.in = append(b.in, make([]byte, len(b.in))...)
	}
	x.yield()
	n, err := x.c.readBytes(&x.w, b.in[b.w:])
	for err == errRing { //nolint:errorlint // ours, bare
		x.listen()
		n, err = x.c.readBytes(&x.w, b.in[b.w:])
	}
	b.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// listen judges the silence of the address.
func (x *call) listen() {
	sent := x.w.sentAt()
	if x.vigil.next == 0 {
		x.vigil.begin(sent, x.head)
	} else {
		x.vigil.listen(sent, time.Now())
	}
	x.w.ring = x.vigil.next
}

// fail ends the call and says what went wrong.
func (x *call) fail(err error) error {
	e := &Error{Kind: x.kindOf(err), Address: x.end.host, Err: err, Asked: true, reused: x.reused}
	e.silent = e.Kind == Broken && !x.heard && x.b.r == x.b.w
	if e.silent && errors.Is(err, io.EOF) {
		e.Err = errNoAnswer
	}
	if e.Kind == BodyFailed && x.up != nil { // it is why the rest failed
		e.Err = x.up.failed.Load().err
	}
	x.single = true
	_ = x.Close() //nolint:errcheck // it has none
	return e
}

// kindOf sorts what ended a call.
func (x *call) kindOf(err error) Kind {
	var reason Reason
	switch {
	case x.up != nil && x.up.failed.Load() != nil:
		return BodyFailed
	case errors.As(err, &reason):
		return Malformed
	case errors.Is(err, errHead):
		return Refused
	case x.w.ctx.Err() != nil:
		return kindOfContext(x.w.ctx)
	case errors.Is(err, errLate) || isTimeout(err):
		return Late
	case isTLS(err):
		return Untrusted
	}
	return Broken
}

// kindOfContext is Late where time ran out, and else Gone.
func kindOfContext(ctx context.Context) Kind {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Late
	}
	return Gone
}

// Close ends the exchange. A Read under way returns soon.
func (x *call) Close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.closed {
		return nil
	}
	x.closed = true
	if x.busy {
		_ = x.c.nc.Close() //nolint:errcheck // it is over
		return nil
	}
	x.settle()
	return nil
}

// settle gives everything back. It runs once, when nobody reads any more.
func (x *call) settle() {
	x.end.set.opt.Turns.Leave(&x.turn)
	whole := x.whole && !x.single && x.b.r == x.b.w
	if x.up != nil && !(whole && x.up.finished()) && !x.up.over() {
		whole = false
		_ = x.c.nc.Close() //nolint:errcheck // the upload ends with it
		x.up.stop()
	}
	if x.up != nil && !x.up.sent {
		whole = false
	}
	whole = x.w.rest() && whole
	if x.whole {
		x.vigil.lane.bodies.whole()
	}
	x.end.set.buffers.put(x.b)
	x.b = nil
	if whole {
		x.end.keep(x.c)
	} else {
		x.end.drop(x.c)
	}
	x.end.release()
}
