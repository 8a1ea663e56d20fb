package event

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"
)

// A Memo keeps parts of canonical forms that come again: from node to tls, and
// the list of the risks that passed, which are the same for most requests to
// one operation. Make it with NewMemo; it is safe for concurrent use. It holds
// copies of at most memoSize parts, and what it holds never changes.
type Memo struct {
	seed   maphash.Seed
	misses atomic.Uint64
	parts  [memoSize]atomic.Pointer[part]
}

// memoSize bounds a Memo: some 256 KB. An API with more operations than that
// has records that are encoded as without it.
const memoSize = 256

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

// NewMemo returns an empty Memo.
func NewMemo() *Memo { return &Memo{seed: maphash.MakeSeed()} }

// AppendCanonical appends what the function of that name does, faster for
// records like those before.
func (m *Memo) AppendCanonical(dst []byte, e *Event) []byte {
	at := &m.parts[maphash.String(m.seed, e.Operation)%memoSize]
	p := at.Load()
	if p == nil || !p.like(e) || !slices.Equal(p.passed, e.Passed) {
		if p == nil || m.misses.Add(1)%rareKeep == 0 {
			if p = newPart(e); p != nil {
				at.Store(p)
			}
		} else {
			p = nil
		}
	}
	return appendCanonical(dst, e, p)
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
