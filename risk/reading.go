package risk

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// MaxViolations is the most violations that a Reading keeps.
const MaxViolations = 16

// MaxMarks is the most marks that a Reading keeps; a body with more is too
// complex to be edited, and Overflow is set.
const MaxMarks = 4096

// A Class groups violations by what was broken, so that one guard speaks for
// each.
type Class uint8

// The classes.
const (
	BadValue         Class = iota + 1 // a value breaks its schema, or is missing
	BadSyntax                         // a body or parameter cannot be parsed as what it says it is
	Undeclared                        // a parameter that the operation does not declare
	WrongMedia                        // a media type that the operation does not declare
	UndeclaredStatus                  // a reply with a status that the operation does not declare
	Unchecked                         // declared, but the contract machine cannot check it; see Reading.Unchecked
)

// A Violation is one place that breaks one rule of the contract. It never
// holds a value.
type Violation struct {
	Class   Class
	In      contract.In
	Name    string      // of the parameter or header; "" of a body
	Pointer string      // into the value, RFC 6901; "" is the whole
	Rule    string      // the keyword: "maxLength", "required", "syntax"
	At      source.Span // of the schema or parameter
}

// A MarkKind says why a span of a body is marked.
type MarkKind uint8

// The kinds. The three undeclared ones differ in what the schema says about
// names that it does not list (DESIGN section 6).
const (
	UndeclaredClosed MarkKind = iota + 1 // the schema refuses others; also a violation
	UndeclaredOpen                       // the schema welcomes others: additionalProperties true or a schema
	UndeclaredSilent                     // the schema says nothing
	ReadOnlyMember                       // readOnly, seen in a request
	WriteOnlyMember                      // writeOnly, seen in a reply
	SensitiveMember                      // marked x-sallyport-sensitive or of format password
)

// A Mark is a span of a JSON body that guards may want to see or edit: a
// member with its name, or an element.
type Mark struct {
	Kind    MarkKind
	Start   int // of the member's name or the element
	Value   int // of the value
	End     int // after the value
	Pointer string
	Schema  *contract.Schema // that marks it; the enclosing one for an undeclared member
}

// A Reading is what one pass of the contract machine over a message saw. The
// zero Reading is of a message that nothing was declared for and nothing was
// read of.
type Reading struct {
	Violations []Violation // at most MaxViolations, in the order of the message
	Marks      []Mark      // at most MaxMarks, in the order of the body
	Overflow   bool        // marks were dropped: treat the body as one that breaks the contract
	Unseen     bool        // a value matched no schema, so that nothing was said of its members
	Unchecked  bool        // the media type is declared, but its body was not checked against a schema
	Media      *contract.Media
	Reply      *contract.Reply // of a reply
}

// Reset empties r and keeps its buffers.
func (r *Reading) Reset() {
	*r = Reading{Violations: r.Violations[:0], Marks: r.Marks[:0]}
}

// Violate appends v unless r is full. The first MaxViolations are kept.
func (r *Reading) Violate(v Violation) {
	if len(r.Violations) < MaxViolations {
		r.Violations = append(r.Violations, v)
	}
}

// Mark appends m, or sets Overflow.
func (r *Reading) Mark(m Mark) {
	if len(r.Marks) >= MaxMarks {
		r.Overflow = true
		return
	}
	r.Marks = append(r.Marks, m)
}

// Has tells whether r holds a violation of class c.
func (r *Reading) Has(c Class) bool {
	for i := range r.Violations {
		if r.Violations[i].Class == c {
			return true
		}
	}
	return false
}
