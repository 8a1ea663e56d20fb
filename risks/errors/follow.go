package errors

import "github.com/sallyport/sallyport/risk"

// A follower is bodies for one reply that comes in pieces. It finds what bodies
// would find in the whole, wherever the pieces end. What has left cannot be
// hidden, so that the whole reply goes: before its head is sent a problem
// document stands in its place, behind that the stream is broken off.
type follower struct {
	bodies
	began   bool
	json    bool // the escapes of JSON stand in it
	outside bool // the contract does not know it
	stirred bool // it is not calm
	behind  []byte
	texts   walker
	all     tally // of the whole, where no JSON can be told apart
	undo    undoer
}

// Follow returns the guard for one reply in pieces.
func (bodies) Follow() risk.Guard { return &follower{} }

// Check always lets the exchange pass.
func (f *follower) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if r == nil || len(r.Body) == 0 || !f.begin(x, r) {
		return nil
	}
	if !r.End {
		f.read(x, r)
	}
	switch {
	case r.Status >= 500 && f.all.leaks():
		hide(x, CodeUpstream, titleUpstream)
	case r.Status >= 300 && f.all.leaks(), r.Status < 300 && f.leaks(r):
		hide(x, CodeLeak, titleRefused)
	}
	return nil
}

// begin finds out, once something came, how the reply is to be read.
func (f *follower) begin(x *risk.Exchange, r *risk.Response) bool {
	if f.began {
		return true
	}
	if f.began = first(r.Body) != 0; !f.began {
		f.texts.at = r.Offset + len(r.Body)
		return false
	}
	f.json = isJSON(r.Media) || value(r.Body)
	f.outside = outside(x.ReplyReading())
	f.undo.to.a = leaks()
	f.texts.at, f.texts.many = r.Offset, manyTexts(r.Media)
	return true
}

func (f *follower) read(x *risk.Exchange, r *risk.Response) {
	f.stir(r.Body)
	if r.Status < 300 && f.json && !f.texts.odd && !f.texts.lost {
		f.texts.walk(r.Body, x.ReplyReading().Marks, r.Settled)
	}
	switch {
	case r.Status < 300 && !f.outside:
	case f.json:
		f.undo.feed(&f.all, r.Body)
	default:
		f.undo.to.feed(&f.all, r.Body)
	}
}

// overlap is how much of a piece is looked at again with the next, so that a
// sieve sees what lies across both: a core, or an escape.
const overlap = 8

// stir finds out whether a sieve lets the reply through.
func (f *follower) stir(piece []byte) {
	if f.stirred {
		return
	}
	head := append(f.behind, piece[:min(overlap, len(piece))]...)
	f.stirred = !cores().calm(head) || !cores().calm(piece)
	if len(piece) >= overlap {
		head = append(head[:0], piece[len(piece)-overlap:]...)
	}
	f.behind = append(f.behind[:0], head[max(0, len(head)-overlap):]...)
}

// leaks tells whether a success shows the inside of the service. Where it is no
// JSON, only what the contract does not know counts.
func (f *follower) leaks(r *risk.Response) bool {
	if !f.stirred {
		return false
	}
	if f.json && !f.texts.odd {
		if f.texts.lost || f.texts.told.inside() {
			return true
		}
		if !r.End || f.texts.whole() {
			return false
		}
	}
	return f.outside && f.all.total() >= 2 && f.all.proofs > 0
}
