package schema

import (
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// A Programs holds the compiled schemas of one contract, so that operations
// share them. A schema is compiled when a message first needs it. Safe for
// concurrent use.
type Programs struct {
	pool sync.Pool // of *run

	seeds *seeds

	mu     sync.Mutex
	fresh  []*program // not yet finished
	around *scope     // the resources on the way to what is being compiled
	scopes map[scope]*scope
	byNode map[nodeKey]*program // complete once mu is free
	sieves map[string]*sieve
	blank  *program            // accepts everything and says nothing
	regexp map[string]*matcher // by ECMA-262 text; nil: cannot be translated
	shapes shapes
	judged map[*contract.Schema]bool // already looked at by judge
}

// NewPrograms returns an empty set.
func NewPrograms() *Programs {
	p := &Programs{
		byNode: map[nodeKey]*program{},
		regexp: map[string]*matcher{},
		seeds:  newSeeds(),
		scopes: map[scope]*scope{},
		sieves: map[string]*sieve{},
		shapes: shapes{},
		judged: map[*contract.Schema]bool{},
	}
	p.blank = anything()
	p.blank.home = p
	p.pool.New = func() any { return newRun() }
	return p
}

// borrow returns a run that is ready for one message.
func (p *Programs) borrow(d direction) *run {
	r, _ := p.pool.Get().(*run)
	r.direction = d
	return r
}

// giveBack takes a run again, without what it holds of the message. A run that
// a huge message has swollen is left to the garbage collector.
func (p *Programs) giveBack(r *run) {
	if r.swollen() {
		return
	}
	r.forget()
	p.pool.Put(r)
}

// A root is a schema that is compiled on first use.
type root struct {
	once sync.Once
	in   *Programs
	from *contract.Schema
	to   *program
}

// program returns what r compiles to; nil where there is no schema.
func (r *root) program() *program {
	if r == nil || r.from == nil {
		return nil
	}
	r.once.Do(func() { r.to = r.in.compile(r.from) })
	return r.to
}

type direction uint8

const (
	asRequest direction = iota
	asReply
)

// traits are the reasons for which a value that a program accepts is marked.
type traits uint8

const (
	readOnly traits = 1 << iota
	writeOnly
	sensitive
)

// A program is one compiled schema. It is immutable once Programs.compile has
// returned, and may refer to itself.
type program struct {
	schema *contract.Schema
	kinds  kinds // what the schema accepts
	never  bool
	traits traits
	types  contract.Types

	enum, constant *values
	number         *numberRules
	text           *textRules
	object         *objectRules
	array          *arrayRules

	ref                 *program
	allOf, anyOf, oneOf []*program
	not                 *program
	branch              *dispatch
	joins               bool // any of these six
	rare                *rareRules

	id      int // among those of home
	home    *Programs
	alone   [2]atomic.Pointer[sieve] // by direction
	alias   *program                 // says nothing itself but that this one applies
	accepts kinds                    // what the schemas that it joins leave of kinds
	tags    *tags                    // tell the alternatives of an object apart; nil: no member does
	plain   bool                     // a scalar needs no more than its kind, number and text
	simple  bool                     // an object or array needs one act
	reads   bool                     // of a string more than its length
	spoken  kinds                    // kinds within which it says which members there are
	covered kinds                    // kinds within which it does, or what it joins
}

// kinds is a set of jsonx.Kind.
type kinds uint8

func (k kinds) has(x jsonx.Kind) bool { return k&(1<<x) != 0 }

const anyKind = kinds(0xff)

// dispatch is a discriminator.
type dispatch struct {
	name   string
	to     map[string]*program
	closed bool // oneOf or anyOf stands beside it, so every value must be known
}

type rareRules struct {
	cond, then, other *program
	dependent         []dependent
	items, members    *program // unevaluatedItems, unevaluatedProperties
}

type dependent struct {
	name  string
	need  []string
	place int // of name among the names of the object
	needs []int
	then  *program
}

type objectRules struct {
	names    names
	required [2][]string // by direction
	need     [2][]uint64 // the same as a set over names
	patterns []patternRule
	extra    *program // additionalProperties; nil: silent
	keys     *program // propertyNames
	min, max int
	speaks   bool // has properties, patternProperties or additionalProperties
}

type patternRule struct {
	re *matcher // nil: cannot be checked, matches every name
	to *program
}

type arrayRules struct {
	prefix   []*program
	items    *program
	contains *program
	least    int // minContains
	most     int // maxContains
	min, max int
	unique   bool
}

type textRules struct {
	min, max int
	re       *matcher
	format   textFormat
}
