package request

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// A mutant is a lawful body with one member that breaks the contract.
type mutant struct {
	code  fault.Code
	what  string // for the proof
	name  string // of the member
	value string // its JSON text
	at    source.Span

	before, after string // the body around the value
}

// with is the body with a value in the place of the mutant's.
func (m *mutant) with(value string) []byte { return []byte(m.before + value + m.after) }

// maxLong bounds the length of a text that is sent to be too long, in bytes.
const maxLong = 8 << 10

// mutants makes at most one body for each kind of breach.
func mutants(s *contract.Schema, lawful []byte, canary string) []mutant {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(lawful) != nil || doc.Kind(0) != jsonx.Object {
		return nil
	}
	var out []mutant
	if m, ok := badValue(s, doc, canary); ok {
		out = append(out, m)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Never {
		m := mutant{code: CodeBody, what: "a member that the schema refuses", name: "x" + canary, value: quoted(canary), at: s.At}
		m.add(doc)
		out = append(out, m)
	}
	return out
}

// badValue breaks the first member whose schema is strict enough to be broken.
func badValue(s *contract.Schema, doc *jsonx.Doc, canary string) (mutant, bool) {
	for c := range doc.Children(0) {
		p := s.Property(string(doc.Key(c)))
		if p == nil || p.ReadOnly || resolve(p).ReadOnly {
			continue
		}
		what, text := breach(resolve(p), canary)
		if what == "" {
			continue
		}
		m := mutant{code: CodeBody, what: what, name: string(doc.Key(c)), value: quoted(text), at: p.At}
		n, src := doc.Node(c), doc.Source()
		m.before, m.after = string(src[:n.Start]), string(src[n.End:])
		return m, true
	}
	return mutant{}, false
}

// breach finds a text that s refuses, and says why.
func breach(s *contract.Schema, canary string) (what, text string) {
	switch {
	case s.Types != 0 && s.Types&contract.StringType == 0:
		return "a text where the schema has none", canary
	case s.Enum != nil:
		return "a value that the enum does not list", canary
	case s.MaxLength != contract.Unset && s.MaxLength < maxLong:
		return "a text over maxLength", strings.Repeat(canary, s.MaxLength/len(canary)+1)
	}
	switch s.Format {
	case "uuid", "date", "date-time", "email", "ipv4", "ipv6":
		return "a text that is no " + s.Format, canary
	}
	return "", ""
}

// add puts the member at the end of the object.
func (m *mutant) add(doc *jsonx.Doc) {
	n, src := doc.Node(0), doc.Source()
	m.before = string(src[:n.End-1])
	if n.Count > 0 {
		m.before += ","
	}
	m.before += quoted(m.name) + ":"
	m.after = "}"
}

// quoted writes letters, digits and the names of a contract as JSON text.
func quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			b.WriteString(`\u00` + string("0123456789abcdef"[r>>4]) + string("0123456789abcdef"[r&15]))
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// holds tells whether a body has, at any depth, a member with this name and
// exactly this value. An error that quotes the value has it elsewhere.
func holds(body []byte, name, value string) bool {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil {
		return false
	}
	for i := 1; i < doc.Len(); i++ {
		n := doc.Node(i)
		if n.Parent >= 0 && doc.Kind(int(n.Parent)) == jsonx.Object && string(doc.Raw(i)) == value && string(doc.Key(i)) == name {
			return true
		}
	}
	return false
}

// member is the JSON text of a member of an object, or "".
func member(body []byte, name string) string {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil {
		return ""
	}
	if i := doc.Member(0, name); i >= 0 {
		return string(doc.Raw(i))
	}
	return ""
}

// idOf is the member id of an object: a text or a whole number.
func idOf(body []byte) string {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil || doc.Kind(0) != jsonx.Object {
		return ""
	}
	i := doc.Member(0, "id")
	switch {
	case i < 0:
		return ""
	case doc.Kind(i) == jsonx.String:
		return string(doc.Text(i))
	case doc.Kind(i) == jsonx.Number:
		return string(doc.Raw(i))
	}
	return ""
}

// resolve follows references that stand alone.
func resolve(s *contract.Schema) *contract.Schema {
	for n := 0; n < 16 && s.Ref != nil && s.Types == 0 && len(s.Properties) == 0; n++ {
		s = s.Ref
	}
	return s
}
