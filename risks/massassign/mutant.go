package massassign

import (
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// A mutant is a lawful body with one member that only the server should set.
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

// tried are the names that frameworks most often bind, of what the contract
// does not list.
var tried = [...]string{"role", "owner_id", "balance"}

// mutants makes one body for the first readOnly member, and one for each
// undeclared name that the schema does not refuse.
func mutants(s *contract.Schema, lawful []byte, canary func() string) []mutant {
	doc := jsonx.New(jsonx.Limits{})
	if doc.Parse(lawful) != nil || doc.Kind(0) != jsonx.Object {
		return nil
	}
	var out []mutant
	if m, ok := readOnly(s, doc, canary()); ok {
		out = append(out, m)
	}
	if !silent(s, 0) {
		return out
	}
	for _, name := range tried {
		if doc.Member(0, name) >= 0 {
			continue
		}
		m := mutant{code: CodeServerOwned, what: "an undeclared member", name: name, value: quoted(canary()), at: s.At}
		if name == "balance" {
			m.value = number(canary())
		}
		m.add(doc)
		out = append(out, m)
	}
	return out
}

// silent tells whether nothing that s is put together from says what becomes
// of other members, and none of the tried names is listed.
func silent(s *contract.Schema, depth int) bool {
	const deepest = 8
	if s == nil {
		return true
	}
	if depth > deepest || s.AdditionalProperties != nil || s.Rare != nil || len(s.PatternProperties) > 0 || len(s.AnyOf) > 0 || len(s.OneOf) > 0 {
		return false
	}
	for _, name := range tried {
		if s.Property(name) != nil {
			return false
		}
	}
	for _, part := range s.AllOf {
		if !silent(part, depth+1) {
			return false
		}
	}
	return silent(s.Ref, depth+1)
}

// readOnly sets the first member that only the server may set.
func readOnly(s *contract.Schema, doc *jsonx.Doc, canary string) (mutant, bool) {
	for _, p := range s.Properties {
		r := resolve(p.Schema)
		if !p.Schema.ReadOnly && !r.ReadOnly || doc.Member(0, p.Name) >= 0 {
			continue
		}
		m := mutant{code: CodeReadOnly, what: "a value of the client", name: p.Name, at: p.NameAt}
		switch {
		case r.Enum != nil || r.Pattern != "" || r.Format != "" && r.Format != "int32" && r.Format != "int64":
			continue // it would be refused for another reason
		case r.Types == 0 || r.Types&contract.StringType != 0:
			m.value = quoted(canary)
		case r.Types&(contract.IntegerType|contract.NumericType) != 0:
			m.value = number(canary)
		default:
			continue
		}
		m.add(doc)
		return m, true
	}
	return mutant{}, false
}

// number makes seven digits of a canary, so that a value is its own mark.
func number(canary string) string {
	n := uint32(2166136261)
	for i := range len(canary) {
		n = (n ^ uint32(canary[i])) * 16777619
	}
	return strconv.Itoa(1_000_000 + int(n%9_000_000))
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
