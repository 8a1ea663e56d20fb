package errors

import "github.com/sallyport/sallyport/risk"

// A hit is a string with marks of which it is not known where it stands.
type hit struct {
	start, end int
	level      int // -1: its object has ended
	tally
}

// outsideMark tells whether the contract does not declare what is marked.
func outsideMark(m *risk.Mark) bool {
	return m.Kind == risk.UndeclaredClosed || m.Kind == risk.UndeclaredSilent
}

// add joins what another text holds.
func (t *tally) add(o *tally) {
	a := leaks()
	for w, bits := range o.seen {
		for id := w * 64; bits != 0; id, bits = id+1, bits>>1 {
			if bits&1 == 0 || t.seen[w]&(1<<(id%64)) != 0 {
				continue
			}
			switch a.of[id].weight {
			case proof:
				t.proofs++
			case hint:
				t.hints++
			case frame, place: // counted below
			}
		}
		t.seen[w] |= o.seen[w]
	}
	t.frames += o.frames
	t.places = max(t.places, o.places)
}

// inside tells whether strings with these marks show the inside of the
// service, in a reply that is no error.
func (t *tally) inside() bool { return t.total() >= 2 && t.proofs+t.frames > 0 }

// besides notes that a name for errors came, beside which other members of the
// object on top stand.
func (w *walker) besides(l *level) {
	l.beside = true
	w.told.add(&l.waiting)
	n := len(w.levels) - 1
	w.tell(func(h *hit) bool { return h.level == n })
}

// tell adds those hits to what is told that are where errors are told.
func (w *walker) tell(are func(h *hit) bool) {
	kept := w.hits[:0]
	for i := range w.hits {
		if are(&w.hits[i]) {
			w.told.add(&w.hits[i].tally)
		} else {
			kept = append(kept, w.hits[i])
		}
	}
	w.hits = kept
}

// mark notes that a value is outside the contract. One that has not ended ends,
// for now, with the piece.
func (w *walker) mark(start, end int) {
	if w.text && !w.name && w.start >= start && end >= w.at {
		w.sure = true
	}
	for k := 1; k < len(w.levels); k++ {
		if w.levels[k].start == start { // all that will come within it
			for ; k < len(w.levels); k++ {
				w.levels[k].tells = true
			}
		}
	}
	if len(w.hits) > 0 {
		w.tell(func(h *hit) bool { return start <= h.start && h.end <= end })
	}
}

// settle lets go of the strings that lie before an offset: only a name beside
// them can still tell of them.
func (w *walker) settle(offset int) {
	kept := w.hits[:0]
	for i := range w.hits {
		h := &w.hits[i]
		if h.start >= offset {
			kept = append(kept, *h)
		} else if h.level > 0 && w.levels[h.level].object {
			w.levels[h.level].waiting.add(&h.tally)
		}
	}
	w.hits = kept
}
