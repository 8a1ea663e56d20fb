package schema

import (
	"bytes"
	"hash/maphash"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// Bounds of one check.
const (
	// baseSteps and stepsPerNode bound the work of one check. A step is a
	// schema applied to a value, or a comparison. Real contracts take 2 to 30
	// for each value.
	baseSteps    = 1 << 16
	stepsPerNode = 256
)

// A tape is one check of one value: the room that it needs and how far it is.
// It belongs to one goroutine, and is reused.
type tape struct {
	doc   jsonx.Doc
	nodes []jsonx.Node
	src   []byte

	direction direction
	state     []state // by node
	trail     []was   // states as they were, for undo
	found     []tapeFound
	seq       uint32 // counts evaluations
	choice    int    // depth of alternatives that may fail without harm
	quiet     int    // depth of checks whose violations nobody asks for
	depth     int
	steps     int
	limit     int
	broken    bool // out of steps
	dropped   bool // violations were lost
	odd       bool // something may have to be marked

	active []activeDispatch
	path   []step // where report stands

	sub *tape // of member names

	text, text2, key []byte
	digits, digits2  []byte
	idle             []byte
	seed             maphash.Seed
}

// state is what is known of one node.
type state struct {
	seq   uint32 // when it was last evaluated; 0: never
	flags flags
	owner *program // of an object: the first program that speaks of its members
	by    *program // the program that has traits
}

type flags uint8

const (
	isDeclared flags = 1 << iota // by properties or patternProperties
	isOpen                       // by additionalProperties or unevaluatedProperties
	isAnything                   // the same, and the schema is true
	isClosed                     // refused by one of these
	hasReadOnly
	hasWriteOnly
	hasSensitive
	isLost // what is below was not looked at, or by failing alternatives only
)

type was struct {
	node int32
	state
}

// tapeFound is a violation on its way.
type tapeFound struct {
	node   int32
	depth  int32 // of the node in the message
	rule   string
	name   string // a missing member, added to the pointer
	at     *contract.Schema
	closed bool // node is a member that the schema refuses
}

func newTape() *tape { return &tape{seed: maphash.MakeSeed(), idle: []byte("0")} }

// forget drops all references to the message.
func (r *tape) forget() {
	if r.src != nil {
		_ = r.doc.Parse(r.idle) // a lawful text, so that the document lets go of the other
	}
	r.nodes, r.src = nil, nil
}

// parse makes r ready for text.
func (r *tape) parse(text []byte) error {
	if err := r.doc.Parse(text); err != nil {
		return err
	}
	r.nodes, r.src = r.doc.Nodes(), text
	n := len(r.nodes)
	if cap(r.state) < n {
		r.state = make([]state, n+n/4)
	}
	r.state = r.state[:n]
	clear(r.state)
	r.trail, r.found, r.active = r.trail[:0], r.found[:0], r.active[:0]
	r.seq, r.choice, r.quiet, r.depth, r.steps = 0, 0, 0, 0, 0
	r.limit = baseSteps + stepsPerNode*n
	r.broken, r.dropped, r.odd = false, false, false
	return nil
}

// check tells whether the parsed value is one that p accepts, and leaves what
// it saw in r. A nil program accepts everything.
func (r *tape) check(p *program) bool {
	if p == nil {
		return true
	}
	ok := r.apply(p, 0)
	if r.broken {
		// What was found up to here is chance.
		r.found = append(r.found[:0], tapeFound{rule: "budget", at: p.schema})
		r.state[0].flags |= isLost
		return false
	}
	if !ok && len(r.found) == 0 {
		// Every list of violations was full: what is refused stays refused.
		r.failAs(tapeFound{rule: "schema", at: p.schema})
	}
	return ok
}

// spend counts n steps and tells whether the budget is used up.
func (r *tape) spend(n int) bool {
	r.steps += n
	if r.steps > r.limit {
		r.broken = true
	}
	return r.broken
}

// textOf is the decoded text of string i, good until the next call.
func (r *tape) textOf(i int) []byte {
	n := &r.nodes[i]
	raw := r.src[n.Start+1 : n.End-1]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	r.text = r.doc.AppendText(r.text[:0], i)
	return r.text
}

// keyOf is the decoded name of member i, good until the next call.
func (r *tape) keyOf(i int) []byte {
	n := &r.nodes[i]
	raw := r.src[n.KeyStart:n.KeyEnd]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	r.key = r.doc.AppendKey(r.key[:0], i)
	return r.key
}

// fail records that node i breaks a rule of p. It is always false.
func (r *tape) fail(i int, rule string, p *program) bool {
	return r.failAs(tapeFound{node: int32(i), rule: rule, at: p.schema})
}

func (r *tape) failAs(f tapeFound) bool {
	if r.quiet > 0 {
		return false
	}
	if len(r.found) >= maxFound*(1+r.choice) {
		r.dropped = true
		return false
	}
	f.depth = r.level(f.node)
	if f.name != "" {
		f.depth++
	}
	r.found = append(r.found, f)
	return false
}

// level is how deep node i stands.
func (r *tape) level(i int32) int32 {
	var n int32
	for i = r.nodes[i].Parent; i >= 0; i = r.nodes[i].Parent {
		n++
	}
	return n
}

// touch gives the state of node i for a change that a failing alternative
// takes back.
func (r *tape) touch(i int) *state {
	s := &r.state[i]
	if r.choice > 0 {
		r.trail = append(r.trail, was{int32(i), *s})
	}
	return s
}

// undo takes changes back to the given length of the trail.
func (r *tape) undo(to int) {
	for k := len(r.trail) - 1; k >= to; k-- {
		r.state[r.trail[k].node] = r.trail[k].state
	}
	r.trail = r.trail[:to]
}

// evaluated notes that a schema has evaluated node i.
func (r *tape) evaluated(i int, f flags) {
	s := r.touch(i)
	r.seq++
	s.seq = r.seq
	s.flags |= f
}
