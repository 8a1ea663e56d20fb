package schema

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
)

// xmlSchemaInstance is the namespace of xsi:nil and its like.
const xmlSchemaInstance = "http://www.w3.org/2001/XMLSchema-instance"

// xmlValues writes elements as the JSON that their schema describes. What no
// schema names keeps its name: an attribute with "@" before it, an element with
// "<" where a property that is written otherwise has its name, and text beside
// elements or attributes as "#text". None can pass for a declared member.
type xmlValues struct {
	tree *xmlTree
	out  []byte
	rule string // that is broken, "" for none: only what JSON cannot say
}

const (
	simpleTypes = contract.BooleanType | contract.NumericType | contract.IntegerType | contract.StringType
	xmlTrue     = "true"
)

// value writes element i as a value of type t.
func (v *xmlValues) value(i int32, t *xmlType) {
	n := &v.tree.nodes[i]
	switch {
	case v.isNil(i):
		v.out = append(v.out, "null"...)
	case t.types&contract.ArrayType != 0 && t.types&(simpleTypes|contract.ObjectType) == 0:
		v.list(i, t)
	case n.first >= 0, t.types&contract.ObjectType != 0 && t.types&simpleTypes == 0 && !n.text, v.attributed(i):
		v.object(i, t)
	default:
		v.scalar(v.tree.textOf(i), t.types)
	}
}

// scalar writes a text. White space around anything but a string is no part
// of it, and an empty element may be null.
func (v *xmlValues) scalar(text string, types contract.Types) {
	if types != 0 && types&contract.StringType == 0 {
		text = strings.Trim(text, " \t\r\n")
		if text == "" && types&contract.NullType != 0 {
			text = "null"
		}
		if text == "1" && types == contract.BooleanType { // xs:boolean
			text = xmlTrue
		} else if text == "0" && types == contract.BooleanType {
			text = "false"
		}
	}
	v.out = appendScalar(v.out, text, types)
}

// list writes the children of element i as an array. A child of another name,
// text or an attribute makes it an object, which the schema then refuses.
func (v *xmlValues) list(i int32, t *xmlType) {
	items := t.items
	if items == nil {
		items = &xmlType{}
	}
	if v.tree.nodes[i].text || v.attributed(i) {
		v.object(i, &xmlType{})
		return
	}
	for c := v.tree.nodes[i].first; c >= 0; c = v.tree.nodes[c].next {
		if !t.itemName.fits(v.tree.local(c), v.tree.space(c)) {
			v.object(i, &xmlType{})
			return
		}
	}
	v.out = append(v.out, '[')
	for c := v.tree.nodes[i].first; c >= 0; c = v.tree.nodes[c].next {
		if c != v.tree.nodes[i].first {
			v.out = append(v.out, ',')
		}
		v.value(c, items)
	}
	v.out = append(v.out, ']')
}

// xmlGroup is the elements that are one member.
type xmlGroup struct {
	key      string
	member   *xmlMember // nil: no schema names it
	elements []int32
	text     *string // of an attribute
}

// object writes the attributes and children of element i.
func (v *xmlValues) object(i int32, t *xmlType) {
	groups, at := []xmlGroup{}, map[string]int{}
	enter := func(g xmlGroup) {
		k, there := at[g.key]
		switch {
		case !there:
			at[g.key] = len(groups)
			groups = append(groups, g)
		case g.text != nil || groups[k].text != nil:
			v.rule = "duplicate" // an attribute and an element, or two attributes
		default:
			groups[k].elements = append(groups[k].elements, g.elements...)
		}
	}
	v.attributes(i, func(name, space, text string) {
		_, local := cutPrefix(name)
		if m := t.find(local, space, true); m != nil {
			enter(xmlGroup{key: m.key, member: m, text: &text})
			return
		}
		enter(xmlGroup{key: "@" + name, text: &text})
	})
	if v.tree.nodes[i].text {
		text := v.tree.textOf(i)
		enter(xmlGroup{key: "#text", text: &text})
	}
	for c := v.tree.nodes[i].first; c >= 0; c = v.tree.nodes[c].next {
		name := v.tree.local(c)
		m := t.find(name, v.tree.space(c), false)
		switch {
		case m != nil:
			name = m.key
		case t.declared[name]:
			name = "<" + name
		}
		enter(xmlGroup{key: name, member: m, elements: []int32{c}})
	}
	v.out = append(v.out, '{')
	for k := range groups {
		if k > 0 {
			v.out = append(v.out, ',')
		}
		v.out = append(appendString(v.out, groups[k].key), ':')
		v.group(&groups[k], t)
	}
	v.out = append(v.out, '}')
}

// group writes one member.
func (v *xmlValues) group(g *xmlGroup, t *xmlType) {
	m, of := g.member, t.extra
	if m != nil {
		of = m.of
	}
	if of == nil {
		of = &xmlType{}
	}
	switch {
	case g.text != nil:
		v.scalar(*g.text, of.types)
	case m != nil && m.array:
		items := of.items
		if items == nil {
			items = &xmlType{}
		}
		v.items(g.elements, items)
	case len(g.elements) > 1 && m == nil:
		v.items(g.elements, of)
	case len(g.elements) > 1:
		v.rule = "duplicate"
		v.out = append(v.out, "null"...)
	default:
		v.value(g.elements[0], of)
	}
}

func (v *xmlValues) items(list []int32, of *xmlType) {
	v.out = append(v.out, '[')
	for k, i := range list {
		if k > 0 {
			v.out = append(v.out, ',')
		}
		v.value(i, of)
	}
	v.out = append(v.out, ']')
}

// attributes visits the attributes of element i with their whole names, without those that XML itself
// gives a meaning: xmlns, xml:… and those of XML Schema instances.
func (v *xmlValues) attributes(i int32, visit func(name, space, text string)) {
	for at := int(v.tree.nodes[i].nameEnd); ; {
		a, next, ok := v.tree.attribute(at)
		if !ok {
			return
		}
		at = next
		prefix, _ := cutPrefix(a.name)
		space := v.tree.spaceAt(i, prefix)
		if prefix != "xmlns" && prefix != "xml" && a.name != "xmlns" && space != xmlSchemaInstance {
			visit(a.name, space, a.value())
		}
	}
}

// attributed tells whether element i has attributes of its own.
func (v *xmlValues) attributed(i int32) bool {
	found := false
	v.attributes(i, func(string, string, string) { found = true })
	return found
}

// isNil tells whether element i says xsi:nil.
func (v *xmlValues) isNil(i int32) bool {
	for at := int(v.tree.nodes[i].nameEnd); ; {
		a, next, ok := v.tree.attribute(at)
		if !ok {
			return false
		}
		at = next
		if prefix, local := cutPrefix(a.name); local == "nil" && prefix != "" && v.tree.spaceAt(i, prefix) == xmlSchemaInstance {
			return a.value() == xmlTrue || a.value() == "1"
		}
	}
}
