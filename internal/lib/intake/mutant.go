package intake

import (
	"strings"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// A Mutant is a lawful body with one member that an API should refuse. Put or
// Add completes it.
type Mutant struct {
	Code  string      // of the finding
	What  string      // for the proof: "a value over maxLength"
	Name  string      // of the member
	Value string      // its JSON text
	At    source.Span // line of the contract

	before, after string // the body around the value
}

// Put gives the mutant its place: that of member i of the lawful body, whose
// name it takes.
func (m *Mutant) Put(lawful *jsonx.Doc, i int) {
	n, src := lawful.Node(i), lawful.Source()
	m.Name = string(lawful.Key(i))
	m.before, m.after = string(src[:n.Start]), string(src[n.End:])
}

// Add gives the mutant its place: the end of the lawful body.
func (m *Mutant) Add(lawful *jsonx.Doc) {
	n, src := lawful.Node(0), lawful.Source()
	m.before = string(src[:n.End-1])
	if n.Count > 0 {
		m.before += ","
	}
	m.before += Quote(m.Name) + ":"
	m.after = "}"
}

// With is the body with the JSON text value in the place of the mutant's.
func (m *Mutant) With(value string) []byte { return []byte(m.before + value + m.after) }

// In tells whether a body has, at any depth, a member with the mutant's name
// and exactly its value. An error that quotes the value has it elsewhere.
func (m *Mutant) In(body []byte) bool {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil {
		return false
	}
	for i := 1; i < doc.Len(); i++ {
		inObject := doc.Kind(int(doc.Node(i).Parent)) == jsonx.Object
		if inObject && string(doc.Raw(i)) == m.Value && string(doc.Key(i)) == m.Name {
			return true
		}
	}
	return false
}

// Quote writes valid UTF-8 as a JSON string.
func Quote(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			b.WriteString(`\u00`)
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&15])
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
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

// idOf is the member id of an object, where it is a text or a number, or "".
func idOf(body []byte) string {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(body) != nil {
		return ""
	}
	i := doc.Member(0, "id")
	if i < 0 {
		return ""
	}
	return string(doc.Text(i)) + string(doc.Number(i))
}
