package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/gateway/upstream"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// Faults of replies, made once.
var (
	replyTooLarge = fault.New(fault.ReplyTooLarge, http.StatusBadGateway, "the reply cannot be checked")
	replyCoded    = fault.New(fault.ReplyEncoding, http.StatusBadGateway, "the reply cannot be checked")
	replyBroken   = fault.New(fault.Upstream, http.StatusBadGateway, "the service behind the gateway broke off")
)

var (
	errPartial = errors.New("a part was sent where the whole was asked for")
	errStatus  = errors.New("the status is none of HTTP")
)

// takeReply looks at the head of the reply, runs the guards and sends it on.
func (e *exchange) takeReply() {
	back := &e.back
	if back.Status < 200 || back.Status > 599 { // RFC 9110 section 15
		e.fail(replyBroken.Because(errStatus))
		return
	}
	hop := hopFields(back.Fields)
	fields := back.Fields[:0]
	for _, f := range back.Fields {
		if len(hop) > 0 && hop.names(f.Name) {
			continue
		}
		f.Value = e.public(f.Name, f.Value)
		fields = append(fields, f)
	}
	e.response = risk.Response{Status: back.Status, Length: back.Length, Fields: fields}
	e.response.Media = mediaType(e.response.Fields)
	e.facts.Response = &e.response
	how := e.readReplyHead()
	if e.run(risk.Reply) {
		return
	}
	switch {
	case e.hides() != nil:
		e.sendHidden()
	case e.unit.ReadsReply && e.unit.Op != nil && how != schema.Stream:
		e.sendWhole()
	default:
		e.sendStream()
	}
}

// hides returns the edit that hides the body, or nil.
func (e *exchange) hides() *risk.Edit {
	edits := e.x.Edits()
	for i := range edits {
		if edits[i].Do == risk.HideBody {
			return &edits[i]
		}
	}
	return nil
}

// sendHidden sends a problem document in place of the reply's body, with the
// reply's status and none of its fields but Retry-After and those of edits.
func (e *exchange) sendHidden() {
	hide := e.hides()
	e.ev.Decision = event.Allow
	var h risk.Fields
	for _, f := range e.response.Fields {
		switch f.Name {
		case "Retry-After", "Www-Authenticate", "Allow": // what clients need to act on the status
			h = append(h, f)
		}
	}
	e.putHead(editFields(h, e.x.Edits(), risk.OnReply))
	e.noteEdits()
	e.writeProblem(&fault.Problem{Code: hide.Code, Status: e.back.Status, Title: hide.Value, ID: e.facts.ID})
}

// putHead adds the fields to the head that goes to the client.
func (e *exchange) putHead(fields risk.Fields) { e.head = append(e.head, fields...) }

// sendWhole reads the reply's body, lets the guards decide on it, edits it and
// sends it. One that is too large, or may have no end, is checked while it
// passes.
func (e *exchange) sendWhole() {
	if e.back.Status == http.StatusPartialContent {
		e.fail(replyBroken.Because(errPartial))
		return
	}
	from, coded := e.source()
	var body []byte
	f := replyTooLarge
	if !e.endless() {
		body, f = e.readReply(from, coded)
	}
	if f == replyTooLarge {
		var p *passing
		if p, f = e.filterReply(from); f == nil {
			e.sendFiltered(p)
			if !e.endless() && (e.ev.Decision != event.Allow || e.hides() != nil) {
				e.back.Blame() // so much was read for nothing
			}
			return
		}
		if f.Code == fault.ReplyTooLarge {
			e.back.Blame()
		}
	}
	e.whole.r = nil
	_ = e.back.Body.Close() //nolint:errcheck // it has none; another exchange may have the connection
	if f != nil {
		e.fail(f)
		return
	}
	e.response.Body = body
	if f := e.takeTurn(body); f != nil {
		e.fail(f)
		return
	}
	e.readReplyContent(body)
	if e.run(risk.ReplyBody) {
		return
	}
	if e.hides() != nil {
		e.sendHidden()
		return
	}
	final := e.editBody(body, risk.OnReply)
	e.ev.Decision = event.Allow
	h := dropField(dropField(e.replyFields(), "Content-Encoding"), "Accept-Ranges")
	if coded || !bytes.Equal(final, body) {
		h = withoutDigests(h) // those of a coded body are over its coded form (RFC 9530)
	}
	status := e.back.Status
	if tag := h.Get("Etag"); tag != "" && status == http.StatusOK {
		tag = wrapTag(final, tag)
		h = setField(h, "Etag", tag)
		if list := e.facts.Request.Fields.Get("If-None-Match"); list != "" && !e.unsafe() && matchesTag(list, tag) {
			status = http.StatusNotModified
			h = dropField(h, "Content-Type")
		}
	}
	e.putReply(h)
	e.write(status, final)
}

// withoutDigests removes what vouches for a body that was changed.
func withoutDigests(h risk.Fields) risk.Fields {
	for _, name := range [...]string{"Content-Md5", "Digest", "Content-Digest", "Repr-Digest", "Signature", "Signature-Input"} {
		h = dropField(h, name)
	}
	return h
}

// source is what the body of the reply is read from, with its coding undone,
// and whether it had one.
func (e *exchange) source() (from io.Reader, coded bool) {
	e.whole = wholeReader{r: e.back.Body}
	if !e.response.Fields.Has("Content-Encoding") {
		return &e.whole, false
	}
	list := codings(e.response.Fields)
	if len(list) == 0 {
		return &e.whole, false
	}
	return decode(list, &e.whole, e.hold), true
}

// readReply reads the body of a reply whole. On replyTooLarge, e.reply is its
// beginning, or empty where its length says it all.
func (e *exchange) readReply(from io.Reader, coded bool) ([]byte, *fault.Fault) {
	limit := e.unit.Limits.MaxReply
	e.reply = e.reply[:0]
	length := e.back.Length
	switch {
	case coded:
		length = -1
	case length > limit:
		return nil, replyTooLarge
	}
	body, f := e.slurp(from, e.reply, length, limit)
	e.reply = body
	switch {
	case f == nil:
		return body, nil
	case f.Code == fault.BodyTooLarge:
		return nil, replyTooLarge
	case f.Code == fault.Overloaded:
		return nil, f
	}
	return nil, replyFault(f.Unwrap())
}

// replyFault is what an error of reading a reply makes of the exchange.
func replyFault(err error) *fault.Fault {
	var bad *codingError
	switch {
	case errors.As(err, &bad):
		return replyCoded.Because(err)
	case errors.Is(err, errNoRoom):
		return overloaded.Because(err)
	}
	if kind, _ := upstream.KindOf(err); kind == upstream.Late {
		return upstreamLate.Because(err)
	}
	return replyBroken.Because(err)
}

// sendStream passes a reply on as it comes.
func (e *exchange) sendStream() {
	back := &e.back
	e.ev.Decision = event.Allow
	e.putReply(e.replyFields())
	e.sent, e.ev.Status = true, back.Status
	if err := e.in.Begin(back.Status, e.head, back.Length); err != nil {
		e.gone(err)
		e.abort = true
		return
	}
	if e.in.Method == http.MethodHead || bodyless(back.Status) {
		return
	}
	live := back.Length < 0
	if live || back.Length > longReply {
		e.openStream()
		body := back.Body
		stop := e.g.streams.add(e, func() { _ = body.Close() }) //nolint:errcheck // the read behind it tells
		defer stop()
		_ = e.in.Flush() //nolint:errcheck // the write that follows tells
	}
	e.pump(back.Body, live)
}

// longReply is the length from which a download counts as a stream, whose right
// to go on is looked at: 1 MiB.
const longReply = 1 << 20

// A piece is the room for what a stream passes on at once.
type piece [32 << 10]byte

// A piecePool lends pieces to streams.
type piecePool struct{ p sync.Pool }

func (p *piecePool) get() *piece {
	if b, ok := p.p.Get().(*piece); ok {
		return b
	}
	return new(piece)
}

func (p *piecePool) put(b *piece) { p.p.Put(b) }

// pump copies a body to the client. An upstream that breaks off, or a stream
// that was ended for cause, must not look complete.
func (e *exchange) pump(from io.Reader, flush bool) {
	room := e.g.pieces.get()
	defer e.g.pieces.put(room)
	buf := room[:]
	for {
		n, err := from.Read(buf)
		if n > 0 {
			m, werr := e.in.Write(buf[:n])
			e.ev.BytesOut += int64(m)
			if werr != nil {
				e.gone(werr)
				e.abort = true
				return
			}
			if flush {
				_ = e.in.Flush() //nolint:errcheck // the next write tells
			}
		}
		switch {
		case err == io.EOF: //nolint:errorlint // readers return it bare
			return
		case err != nil:
			e.brokeOff(err)
			return
		}
	}
}

// brokeOff ends a stream of which the rest does not come.
func (e *exchange) brokeOff(err error) {
	var bad *codingError
	switch {
	case e.in.Context().Err() != nil:
		e.gone(err)
	case errors.As(err, &bad):
		e.ev.Decision, e.ev.Code, e.ev.Reason = event.Failed, string(fault.ReplyEncoding), bad.Error()
	default:
		e.ev.Decision, e.ev.Code, e.ev.Reason = event.Failed, string(fault.Upstream), "the upstream broke off"
	}
	e.abort = true
}

// replyFields are the fields of the reply that may pass, with the edits
// applied.
func (e *exchange) replyFields() risk.Fields {
	hop := hopFields(e.response.Fields)
	h := e.head[:0]
	for _, f := range e.response.Fields {
		if hop.drops(f.Name) || strings.HasPrefix(f.Name, "Sallyport-") {
			continue
		}
		h = append(h, f)
	}
	h = editFields(h, e.x.Edits(), risk.OnReply)
	e.head = h
	return h
}

// putReply makes fields the head of the reply to the client.
func (e *exchange) putReply(fields risk.Fields) {
	e.noteEdits()
	e.head = fields
	e.say("Sallyport-Decision", e.facts.ID)
}

// noteEdits writes what was changed into the record: what was taken away, or
// put in the place of something. Fields that are set on every reply would only
// crowd that out.
func (e *exchange) noteEdits() { e.noteEditsOf(e.x.Edits()) }

func (e *exchange) noteEditsOf(edits []risk.Edit) {
	for i := range edits {
		d := &edits[i]
		if len(e.ev.Edits) >= event.MaxEdits {
			return
		}
		if d.Do == risk.SetField || d.Do == risk.RemoveField && d.On == risk.OnReply && !e.response.Fields.Has(d.Name) {
			continue
		}
		what := d.Pointer
		if what == "" {
			what = d.Name
		}
		e.ev.Edits = append(e.ev.Edits, event.Edit{Kind: e.plan.EditKind(d.Risk, d.Do), Pointer: what})
	}
}

// A wholeReader gives up on an upstream that drips, while the reply is held.
// Most replies come with the first read, which the upstream's own limits bound:
// the clock is asked from the second one on.
type wholeReader struct {
	r     io.Reader
	read  bool
	free  bool // the reply is not held any more
	until time.Time
}

// wholeTime is how long an upstream may take over a reply that is held back
// until it is whole, whatever it drips.
const wholeTime = 2 * time.Minute

var errDrips = errors.New("the reply comes too slowly")

func (w *wholeReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	switch {
	case err != nil:
		return n, err //nolint:wrapcheck // io.EOF has to stay bare
	case !w.read, w.free:
		w.read = true
		return n, nil
	}
	now := time.Now()
	if w.until.IsZero() {
		w.until = now.Add(wholeTime)
	}
	if now.After(w.until) {
		return n, errDrips
	}
	return n, nil
}
