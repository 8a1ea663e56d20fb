package schema

import (
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
