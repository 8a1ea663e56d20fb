package gateway

import (
	"errors"
	"io"
	"net/http"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// filterBytes is what a filter may hold of a reply, and the pieces that go
// through it.
const filterBytes = 512 << 10

var errMasked = errors.New("a value in a reply that streams cannot be masked")

// A passing is a reply that is checked and stripped while it passes, since it
// is too large to be held.
type passing struct {
	filter *schema.Filter
	edits  int // those of the head
	out    []byte
}

// filterReply begins to check a reply in pieces; nil where only the whole can
// be checked: what is encoded, a part, or no JSON.
func (e *exchange) filterReply() *passing {
	if e.unit.Reply == nil || e.in.Method == http.MethodHead || e.back.Status >= 300 || e.response.Fields.Has("Content-Encoding") || !e.hold(filterBytes) {
		return nil
	}
	f := e.unit.Reply.Filter(&e.facts.Answered, e.response.Fields.Get("Content-Type"))
	if f == nil {
		return nil
	}
	return &passing{filter: f, edits: len(e.x.Edits())}
}

// sendFiltered sends a reply of which readReply has read the beginning. What is
// wrong with that still makes a problem document; what is wrong later cuts the
// reply off, and never ends it cleanly.
func (e *exchange) sendFiltered(p *passing) {
	defer p.filter.Release()
	body := e.back.Body
	defer func() { _ = body.Close() }() //nolint:errcheck // the reads tell
	e.response.Part = true
	if len(e.reply) == 0 { // its length said that it is too large
		var f *fault.Fault
		if e.reply, f = e.slurp(body, e.reply, filterBytes/2, filterBytes/2); f != nil && f.Code != fault.BodyTooLarge {
			e.fail(replyBroken.Because(f))
			return
		}
	}
	if !e.passPieces(p, e.reply) {
		return
	}
	h := e.replyFields()
	for _, name := range [...]string{"Accept-Ranges", "Etag", "Content-Length"} {
		h = dropField(h, name)
	}
	e.ev.Decision = event.Allow
	e.putReply(withoutDigests(h))
	e.sent, e.ev.Status = true, e.back.Status
	if err := e.in.Begin(e.back.Status, e.head, -1); err != nil {
		e.gone(err)
		e.abort = true
		return
	}
	e.openStream()
	stop := e.g.streams.add(e, func() { _ = body.Close() }) //nolint:errcheck // the read behind it tells
	defer stop()
	room := e.g.pieces.get()
	defer e.g.pieces.put(room)
	buf := room[:pieceBytes]
	for e.putPiece(p) {
		n, err := body.Read(buf)
		if n > 0 && !e.passPiece(p, buf[:n]) {
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
	if piece != nil {
		e.response.Body = piece
		err = p.filter.Feed(&e.facts.Answered, piece)
	} else {
		err = p.filter.Close(&e.facts.Answered)
	}
	if e.run(risk.ReplyBody) {
		return false
	}
	if e.hides() != nil {
		if e.sent {
			e.fail(replyTooLarge)
		} else {
			e.sendHidden()
		}
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
