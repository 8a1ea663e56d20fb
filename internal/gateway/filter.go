package gateway

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// filterBytes is what a filter may hold of a reply, and the pieces that go
// through it.
const filterBytes = 512 << 10

var (
	errMasked  = errors.New("a value in a reply that streams cannot be masked")
	errRefusal = errors.New("a refusal is larger than the buffer")
	errWhole   = errors.New("a body of this media type is larger than the buffer, and only the whole of it can be checked")
)

// A passing is a reply that is checked and stripped while it passes, since it
// is too large to be held, or has no end.
type passing struct {
	from   io.Reader
	filter *schema.Filter
	guards []plan.Bound // of phase ReplyBody, with what they keep in mind of this reply
	edits  int          // those of the head
	out    []byte
	fed    int  // bytes that the filter was given
	blank  int  // of them, those of pieces of nothing but white space, since there was more
	ended  bool // nothing more comes
}

// endless tells whether a reply may be without end: values one after the
// other, of no known length. What is held back then would never arrive.
func (e *exchange) endless() bool {
	return e.back.Length < 0 && e.back.Status < 300 && schema.ManyTexts(e.response.Media)
}

// filterReply begins to check a reply in pieces. It fails where only the whole
// can be checked: a refusal, which may have to be hidden, and what
// schema.Reply.Filter leaves out.
func (e *exchange) filterReply(from io.Reader) (*passing, *fault.Fault) {
	switch {
	case e.unit.Reply == nil || e.back.Status >= 300:
		return nil, replyTooLarge.Because(errRefusal)
	case !e.hold(filterBytes):
		return nil, overloaded
	}
	f := e.unit.Reply.Filter(&e.facts.Answered, e.response.Fields.Get("Content-Type"))
	if f == nil {
		return nil, replyTooLarge.Because(errWhole)
	}
	p := &passing{from: from, filter: f, guards: slices.Clone(e.unit.Guards[risk.ReplyBody]), edits: len(e.x.Edits())}
	for i := range p.guards {
		if f, ok := p.guards[i].Guard.(risk.Follower); ok {
			p.guards[i].Guard = f.Follow()
		}
	}
	return p, nil
}

// sendFiltered sends a reply of which readReply has read the beginning. What is
// wrong with that still makes a problem document; what is wrong later cuts the
// reply off, and never ends it cleanly.
func (e *exchange) sendFiltered(p *passing) {
	defer p.filter.Release()
	body := e.back.Body
	defer func() {
		e.whole.r = nil
		_ = body.Close() //nolint:errcheck // the reads tell
	}()
	e.response.Part = true
	if !e.firstPieces(p) {
		return
	}
	h := e.replyFields()
	for _, name := range [...]string{"Accept-Ranges", "Etag", "Content-Encoding"} {
		h = dropField(h, name)
	}
	length := e.back.Length
	if _, plain := p.from.(*wholeReader); !plain || p.filter.Cuts() { // else the client gets what the upstream sent
		length, h = -1, withoutDigests(h)
	}
	e.ev.Decision = event.Allow
	e.putReply(h)
	if p.ended {
		e.write(e.back.Status, p.out)
		return
	}
	e.sent, e.ev.Status = true, e.back.Status
	if err := e.in.Begin(e.back.Status, e.head, length); err != nil {
		e.gone(err)
		e.abort = true
		return
	}
	if e.in.Method == http.MethodHead { // the beginning was checked as for GET; the rest is not asked for
		return
	}
	e.openStream()
	stop := e.g.streams.add(e, func() { _ = body.Close() }) //nolint:errcheck // the read behind it tells
	defer stop()
	e.sendPieces(p)
}

// firstPieces passes the beginning of a reply: what was read of it, or as much
// as a filter may hold. Of one that may have no end it waits for the first
// value that may leave.
func (e *exchange) firstPieces(p *passing) bool {
	if e.endless() {
		return e.firstValue(p)
	}
	if len(e.reply) == 0 { // its length said that it is too large
		var f *fault.Fault
		if e.reply, f = e.slurp(p.from, e.reply, filterBytes/2, filterBytes/2); f != nil && f.Code != fault.BodyTooLarge {
			if f.Code != fault.Overloaded {
				f = replyFault(f.Unwrap())
			}
			e.fail(f)
			return false
		}
	}
	if !e.hold(int64(len(e.reply))) { // it may all have to wait for the head
		e.fail(overloaded)
		return false
	}
	return e.passPieces(p, e.reply)
}

func (e *exchange) firstValue(p *passing) bool {
	e.whole.free = true
	room := e.g.pieces.get()
	defer e.g.pieces.put(room)
	buf := room[:pieceBytes]
	for len(p.out) == 0 && !p.ended {
		n, err := p.from.Read(buf)
		if n > 0 && !e.passPiece(p, buf[:n]) {
			return false
		}
		switch {
		case err == io.EOF: //nolint:errorlint // readers return it bare
			if p.ended = true; !e.passPiece(p, nil) {
				return false
			}
		case err != nil:
			e.fail(replyFault(err))
			return false
		}
	}
	return true
}

// sendPieces sends what firstPieces has passed, and the rest as it comes.
func (e *exchange) sendPieces(p *passing) {
	if !e.putPiece(p) {
		return
	}
	e.giveBeginning(p)
	room := e.g.pieces.get()
	defer e.g.pieces.put(room)
	buf := room[:pieceBytes]
	for {
		n, err := p.from.Read(buf)
		if n > 0 && !(e.passPiece(p, buf[:n]) && e.putPiece(p)) {
			return
		}
		switch {
		case err == io.EOF: //nolint:errorlint // readers return it bare
			if e.passPiece(p, nil) {
				e.putPiece(p)
			}
			return
		case err != nil:
			e.brokeOff(err)
			return
		}
	}
}

// giveBeginning lets go of the beginning of a reply, which has left: a stream
// holds no more than its filter does.
func (e *exchange) giveBeginning(p *passing) {
	if e.endless() {
		return
	}
	e.whole.free = true
	n := int64(cap(e.reply) + len(e.reply))
	e.g.buffers.give(n)
	e.held -= n
	e.response.Body = bytes.Clone(e.response.Body) // its last piece, which guards see again at the end
	e.reply, p.out = nil, nil
}

// putPiece sends what may leave.
func (e *exchange) putPiece(p *passing) bool {
	if len(p.out) == 0 {
		return true
	}
	n, err := e.in.Write(p.out)
	e.ev.BytesOut += int64(n)
	p.out = p.out[:0]
	if err != nil {
		e.gone(err)
		e.abort = true
		return false
	}
	if e.back.Length < 0 {
		_ = e.in.Flush() //nolint:errcheck // the next write tells
	}
	return true
}

// maxBlank is how much white space a reply may hold at a time that is checked
// while it passes. Some send it while they work, so as not to be cut off; without
// end it would be read without end.
const maxBlank = 1 << 20

var errBlank = errors.New("gateway: white space without end")

// pieceBytes bounds a piece, so that a Reading has room for the marks of all
// that it can hold.
const pieceBytes = 16 << 10

// passPieces is passPiece for a text of any length.
func (e *exchange) passPieces(p *passing, text []byte) bool {
	for len(text) > 0 {
		n := min(len(text), pieceBytes)
		if !e.passPiece(p, text[:n]) {
			return false
		}
		text = text[n:]
	}
	return true
}

// passPiece checks a piece of the reply, nil at its end, lets the guards decide
// on what became known with it, and adds to p.out what may leave. False ends
// the exchange.
func (e *exchange) passPiece(p *passing, piece []byte) bool {
	var err error
	r := &e.response
	if piece != nil {
		if p.blank += len(piece); len(bytes.TrimLeft(piece, " \t\r\n")) > 0 {
			p.blank = 0
		}
		if p.blank > maxBlank {
			e.fail(replyTooLarge.Because(errBlank))
			return false
		}
		r.Body = piece
		err = p.filter.Feed(&e.facts.Answered, piece)
		r.Offset, r.Settled = p.fed, p.filter.Settled()
		p.fed += len(piece)
	} else {
		r.End = true
		err = p.filter.Close(&e.facts.Answered)
		r.Settled = p.fed
	}
	for i := range p.guards {
		if e.check(&p.guards[i]) {
			return false
		}
	}
	if hide := e.hides(); hide != nil {
		if !e.sent {
			e.sendHidden()
			return false
		}
		e.ev.Decision, e.ev.Risk, e.ev.Code, e.ev.Reason = event.Deny, hide.Risk, string(hide.Code), "the rest of the reply was withheld"
		e.abort = true
		return false
	}
	if err == nil {
		err = e.cutPiece(p)
	}
	if err == nil {
		p.out, err = p.filter.Take(p.out)
	}
	if err != nil {
		e.fail(replyTooLarge.Because(err))
		return false
	}
	return true
}

// cutPiece tells the filter what the guards want cut.
func (e *exchange) cutPiece(p *passing) error {
	edits := e.x.Edits()[p.edits:]
	for i := range edits {
		switch d := &edits[i]; {
		case d.On != risk.OnReply:
		case d.Do == risk.ReplaceSpan:
			return errMasked
		case d.Do == risk.CutMember:
			if err := p.filter.Cut(d.Start); err != nil {
				return err //nolint:wrapcheck // says all there is
			}
		}
	}
	e.noteEditsOf(edits)
	e.x.Truncate(p.edits)
	return nil
}
