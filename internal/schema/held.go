package schema

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// A Held is one body of a success that cannot be checked while it passes, so
// that one larger than the buffer is refused.
type Held struct {
	At    source.Span
	Media string
	Why   string
}

// Reasons for which a body is held.
const (
	heldForm  = "a form is known as a whole, and nothing can be cut from it"
	heldXML   = "the elements of a list may stand anywhere in XML, and nothing can be cut from it"
	heldOpen  = "only its end tells which of the alternatives of the schema it is"
	heldRange = "a range of media types; of those, forms and XML are known as wholes"
)

// Held lists the bodies of successes that can only be read whole. It may
// compile schemas; use it outside the hot path. It looks at what applies to the
// whole body: a member that may be large and has open alternatives is not told.
func (r *Reply) Held() []Held {
	var out []Held
	for i := range r.replies {
		if !r.replies[i].of.Success() {
			continue
		}
		for k := range r.replies[i].media {
			m := &r.replies[i].media[k]
			if why := m.held(); why != "" {
				out = append(out, Held{m.media.At, m.media.Type, why})
			}
		}
	}
	return out
}

// held is why a body is read whole, or "".
func (m *compiledMedia) held() string {
	if m.media.Schema == nil || m.plan(m.media.Type) == Stream {
		return ""
	}
	switch formOf(m.media.Type) {
	case urlForm, partsForm:
		return heldForm
	case xmlForm:
		return heldXML
	case jsonForm:
		if mayStayOpen(m.media.Schema) && m.schema.program().open(nil) {
			return heldOpen
		}
	case otherForm:
		if strings.HasSuffix(m.media.Type, "/*") && !m.plain {
			return heldRange
		}
	case linesForm, sequenceForm, textForm, binaryForm, eventsForm: // one value at a time, or as they come
	}
	return ""
}

// mayStayOpen tells whether some keyword may leave open what a value is.
func mayStayOpen(s *contract.Schema) bool {
	found := false
	eachInPlace(s, func(s *contract.Schema) bool {
		found = len(s.AnyOf)+len(s.OneOf) > 0 || s.Not != nil || s.Rare != nil && (s.Rare.If != nil || len(s.Rare.DependentSchemas) > 0)
		return !found
	})
	return found
}

// open tells whether the machine may have to wait for the end of an object or
// array to know what applies to it.
func (p *program) open(above []*program) bool {
	for p.alias != nil {
		p = p.alias
	}
	for _, q := range above {
		if q == p {
			return false
		}
	}
	above = append(above, p)
	if p.ref != nil && p.ref.open(above) {
		return true
	}
	for _, q := range p.allOf {
		if q.open(above) {
			return true
		}
	}
	for _, kind := range [...]jsonx.Kind{jsonx.Object, jsonx.Array} {
		if !p.accepts.has(kind) {
			continue
		}
		q := p.rare
		if p.not != nil || q != nil && (q.cond != nil || kind == jsonx.Object && dependsOn(q.dependent)) {
			return true
		}
		if kind == jsonx.Object && p.tags != nil {
			continue // the member that tells them apart comes early, or the value waits for it
		}
		if openAmong(p.anyOf, kind, above) || openAmong(p.oneOf, kind, above) {
			return true
		}
	}
	return false
}

func dependsOn(list []dependent) bool {
	for i := range list {
		if list[i].then != nil {
			return true
		}
	}
	return false
}

// openAmong tells whether several alternatives take values of a kind, or the
// only one that does is open.
func openAmong(list []*program, kind jsonx.Kind, above []*program) bool {
	var only *program
	for _, q := range list {
		if !q.accepts.has(kind) {
			continue
		}
		if only != nil {
			return true
		}
		only = q
	}
	return only != nil && only.open(above)
}
