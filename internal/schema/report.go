package schema

import (
	"cmp"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// where says what a checked value is a part of.
type where struct {
	in     contract.In
	name   string // of the parameter
	prefix string // of pointers
	offset int    // of the value's text in the body
	spans  bool   // the text is that of the body, so that marks can be made
	to     *program
}

// report moves what a machine has found to dst.
func (m *machine) report(dst *risk.Reading, w where) {
	if m.broken {
		// What was found up to here is chance.
		dst.Violate(risk.Violation{Class: risk.BadValue, In: w.in, Name: w.name, Pointer: w.prefix, Rule: "budget", At: w.to.schema.At})
		return
	}
	if m.acts[0].failed {
		m.violations(dst, w)
	}
	dst.Unseen = dst.Unseen || w.spans && m.unseen
	dst.Overflow = dst.Overflow || w.spans && (m.over || m.cells.spilled || m.lost)
	if len(m.marks) > 0 {
		m.putMarks(dst, w)
	}
}

func (m *machine) violations(dst *risk.Reading, w where) {
	slices.SortStableFunc(m.final, func(a, b found) int { return cmp.Compare(a.node, b.node) })
	if len(m.final) == 0 {
		// Every list of violations was full: what is refused stays refused.
		dst.Violate(risk.Violation{Class: risk.BadValue, In: w.in, Name: w.name, Pointer: w.prefix, Rule: "schema", At: w.to.schema.At})
	}
	for k := range m.final {
		if len(dst.Violations) >= risk.MaxViolations {
			return
		}
		f := &m.final[k]
		pointer := m.text[f.ptr : f.ptr+f.len]
		if k > 0 {
			last := &m.final[k-1]
			if last.node == f.node && last.rule == f.rule && last.at == f.at && last.name == f.name && string(m.text[last.ptr:last.ptr+last.len]) == string(pointer) {
				continue
			}
		}
		v := risk.Violation{Class: risk.BadValue, In: w.in, Name: w.name, Pointer: w.prefix + string(pointer), Rule: f.rule}
		if f.name != "" && len(f.name)+len(pointer) < maxPointer {
			v.Pointer += "/" + escapePointer(f.name)
		}
		if f.at != nil {
			v.At = f.at.At
		}
		dst.Violate(v)
	}
}

// putMarks moves the marks to dst in the order of the text, without those
// within what is marked as a whole.
func (m *machine) putMarks(dst *risk.Reading, w where) {
	slices.SortStableFunc(m.marks, func(a, b risk.Mark) int { return cmp.Compare(a.Start, b.Start) })
	covered := 0
	for _, x := range m.marks {
		if x.Start < covered {
			continue
		}
		if x.Kind == risk.UndeclaredClosed || x.Kind == risk.UndeclaredSilent {
			covered = x.End
		}
		x.Pointer = w.prefix + x.Pointer
		if !w.spans {
			x.Start, x.Value, x.End = 0, 0, 0
		} else {
			x.Start, x.Value, x.End = x.Start+w.offset, x.Value+w.offset, x.End+w.offset
		}
		dst.Mark(x)
	}
}

// escapePointer is name as a part of a pointer (RFC 6901 section 3).
func escapePointer(name string) string { return string(appendPointer(nil, name)) }

func appendPointer(dst []byte, name string) []byte {
	for k := range len(name) {
		switch c := name[k]; c {
		case '~':
			dst = append(dst, "~0"...)
		case '/':
			dst = append(dst, "~1"...)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
