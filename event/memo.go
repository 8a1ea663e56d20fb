package event

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A Memo keeps parts of canonical forms that come again: from node to tls, and
// the list of the risks that passed, which are the same for most requests to
// one operation; the caller, for those of one caller; and the last second. Make
// it with NewMemo; it is safe for concurrent use. It holds copies of at most
// memoSize parts and memoCallers callers, and what it holds never changes.
type Memo struct {
	seed    maphash.Seed
	misses  atomic.Uint64
	parts   [memoSize]atomic.Pointer[part]
	callers [memoCallers]atomic.Pointer[known]
	second  atomic.Pointer[second]
}

// memoSize and memoCallers bound a Memo: some 256 KB each. An API with more
// operations, or callers, has records that are encoded as without it.
const (
	memoSize    = 256
	memoCallers = 1024
)

// rareKeep lets only one miss of so many be kept, so that requests that take
// turns at one place do not allocate each time.
const rareKeep = 32

// A part is what one operation's records have in common.
type part struct {
	node, plan, api, op, method, template, proto string
	tls                                          TLS
	head                                         []byte
	passed                                       []string
	list                                         []byte
}

// A known is what the records of one caller have in common: the caller, and
// the beginning of the box, up to its data.
type known struct {
	caller Caller
	box    string
	text   []byte
}

// A second is the text of one, from the year up to the point.
type second struct {
	unix int64
	text [20]byte
}

// NewMemo returns an empty Memo.
func NewMemo() *Memo { return &Memo{seed: maphash.MakeSeed()} }

// AppendCanonical appends what the function of that name does, faster for
// records like those before.
func (m *Memo) AppendCanonical(dst []byte, e *Event) []byte {
	return appendCanonical(dst, e, m)
}

// part returns the part of e, or nil.
func (m *Memo) part(e *Event) *part {
	if m == nil {
		return nil
	}
	at := &m.parts[maphash.String(m.seed, e.Operation)%memoSize]
	p := at.Load()
	if p != nil && p.like(e) && slices.Equal(p.passed, e.Passed) {
		return p
	}
	if p != nil && m.misses.Add(1)%rareKeep != 0 {
		return nil
	}
	if p = newPart(e); p != nil {
		at.Store(p)
	}
	return p
}

// caller returns the caller of e, or nil. A record without a box has none.
func (m *Memo) caller(e *Event) *known {
	if m == nil || len(e.Box.Data) == 0 {
		return nil
	}
	at := &m.callers[maphash.String(m.seed, e.Caller.Pseudonym)%memoCallers]
	k := at.Load()
	if k != nil && k.caller == e.Caller && k.box == e.Box.Key {
		return k
	}
	if k != nil && m.misses.Add(1)%rareKeep != 0 {
		return nil
	}
	if k = newKnown(e); k != nil {
		at.Store(k)
	}
	return k
}

// newKnown makes what is known of the caller of e, or nil where a bound would
// cut it. It copies the text.
func newKnown(e *Event) *known {
	k := &known{caller: e.Caller, box: strings.Clone(e.Box.Key)}
	k.caller.KeyID, k.caller.Tier, k.caller.Pseudonym = strings.Clone(e.Caller.KeyID), strings.Clone(e.Caller.Tier), strings.Clone(e.Caller.Pseudonym)
	var w writer
	w.callerHead(e)
	if w.cut != 0 {
		return nil
	}
	k.text = slices.Clip(w.b)
	return k
}

// clock returns the second of t, which is in UTC and in the years 0 to 9999. A
// new one is kept where it is later, so at most one a second allocates.
func (m *Memo) clock(t time.Time) *second {
	unix := t.Unix()
	if m == nil {
		return nil
	}
	last := m.second.Load()
	if last != nil && last.unix >= unix {
		if last.unix > unix {
			return nil
		}
		return last
	}
	s := &second{unix: unix}
	appendSecond(s.text[:0], t)
	m.second.Store(s)
	return s
}

// like tells whether the head of e is that of p.
func (p *part) like(e *Event) bool {
	return p.op == e.Operation && p.method == e.Method && p.template == e.Template && p.api == e.API && p.plan == e.Plan &&
		p.node == e.Node && p.proto == e.Proto && p.tls == e.TLS
}

// newPart makes the part of e, or nil where a bound would cut it. It copies the
// text: that of a request may be overwritten later.
func newPart(e *Event) *part {
	p := &part{
		node: strings.Clone(e.Node), plan: strings.Clone(e.Plan), api: strings.Clone(e.API), op: strings.Clone(e.Operation),
		method: strings.Clone(e.Method), template: strings.Clone(e.Template), proto: strings.Clone(e.Proto),
		tls: TLS{strings.Clone(e.TLS.Version), strings.Clone(e.TLS.Suite)},
	}
	for _, s := range e.Passed {
		p.passed = append(p.passed, strings.Clone(s))
	}
	var head, list writer
	head.head(e)
	list.words(`,"passed":`, e.Passed, MaxPassed, CutPassed)
	if head.cut != 0 || list.cut != 0 {
		return nil
	}
	p.head, p.list = slices.Clip(head.b), slices.Clip(list.b)
	return p
}
