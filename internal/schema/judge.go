package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/ecma"
	"github.com/sallyport/sallyport/source"
)

// An Unchecked is one thing that a contract declares and that is not checked.
type Unchecked struct {
	At   source.Span
	What string // "pattern", or a media type
}

// compiler prepares one side of one operation.
type compiler struct {
	programs *Programs
	list     source.List
}

func newCompiler(o Options) *compiler {
	if o.Programs == nil {
		o.Programs = NewPrograms()
	}
	return &compiler{programs: o.Programs}
}

// shape returns the shape of s.
func (c *compiler) shape(s *contract.Schema) *shape {
	c.programs.mu.Lock()
	defer c.programs.mu.Unlock()
	return c.programs.shapes.of(s, shapeDepth)
}

// Costly is the code of the warning about schemas of which more apply to one
// value than are held to it in one go.
const Costly source.Code = "schema/costly"

// judge looks for what is wrong with s and everything below it, without
// compiling it. Schemas that were judged before are passed over.
func (c *compiler) judge(s *contract.Schema) {
	c.programs.mu.Lock()
	defer c.programs.mu.Unlock()
	contract.Walk(s, func(s *contract.Schema) bool {
		if c.programs.judged[s] {
			return false
		}
		c.programs.judged[s] = true
		if s.Rare == nil && s.Discriminator == nil && len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0 {
			return true
		}
		if inPlace := beside(nil, s); len(inPlace) > maxNodes {
			c.list.Add(source.Diagnostic{
				At: s.At, Severity: source.Warning, Code: Costly,
				Text: fmt.Sprintf("more than %d schemas apply to one value, so that hostile ones take long; a body that takes too long is refused", maxNodes),
				Hint: "write constants as one enum, put what alternatives share beside them, or split the schema",
			})
		}
		return true
	})
}

// beside adds s, and the schemas that may apply with it to the same value, to a
// list of those that say something; it stops above maxNodes.
func beside(list []*contract.Schema, s *contract.Schema) []*contract.Schema {
	for k := 0; s != nil && refers(s) && k < maxFollow; k++ {
		s = s.Ref
	}
	if s == nil || len(list) > maxNodes || slices.Contains(list, s) {
		return list
	}
	list = append(list, s)
	list = beside(beside(list, s.Ref), s.Not)
	for _, of := range [][]*contract.Schema{s.AllOf, s.AnyOf, s.OneOf} {
		for _, c := range of {
			list = beside(list, c)
		}
	}
	if d := s.Discriminator; d != nil {
		for i := range d.Mapping {
			list = beside(list, d.Mapping[i].Schema)
		}
	}
	if r := s.Rare; r != nil {
		list = beside(beside(beside(list, r.If), r.Then), r.Else)
		for i := range r.DependentSchemas {
			list = beside(list, r.DependentSchemas[i].Schema)
		}
		if r.DynamicRef != nil {
			list = beside(list, r.DynamicRef.Schema)
		}
	}
	return list
}

// refers tells whether s says little more than that another schema applies.
func refers(s *contract.Schema) bool {
	return s.Ref != nil && s.Types == 0 && s.Enum == nil && s.Const == nil && s.Rare == nil && s.Not == nil && s.Items == nil &&
		len(s.Properties)+len(s.Required)+len(s.AllOf)+len(s.AnyOf)+len(s.OneOf) == 0
}

func patternsOf(s *contract.Schema) []string {
	var out []string
	if s.Pattern != "" {
		out = append(out, s.Pattern)
	}
	for i := range s.PatternProperties {
		out = append(out, s.PatternProperties[i].Pattern)
	}
	return out
}

// unchecked collects what is not checked.
type unchecked struct{ list []Unchecked }

func (u *unchecked) schema(s *contract.Schema) {
	contract.Walk(s, func(s *contract.Schema) bool {
		for _, text := range patternsOf(s) {
			if _, err := ecma.Translate(text); err != nil {
				u.list = append(u.list, Unchecked{s.At, "pattern"})
			}
		}
		return true
	})
}

func (u *unchecked) media(list []compiledMedia) {
	for i := range list {
		m := &list[i]
		u.schema(m.media.Schema)
		if m.media.Schema == nil || strings.Contains(m.media.Type, "*") {
			continue
		}
		switch formOf(m.media.Type) {
		case xmlForm:
			if !m.xml.checked() {
				u.list = append(u.list, Unchecked{m.media.At, m.media.Type})
			}
		case eventsForm:
			u.list = append(u.list, Unchecked{m.media.At, m.media.Type})
		case otherForm, textForm, binaryForm:
			if !m.plain {
				u.list = append(u.list, Unchecked{m.media.At, m.media.Type})
			}
		case jsonForm, linesForm, sequenceForm, urlForm, partsForm:
		}
	}
}
