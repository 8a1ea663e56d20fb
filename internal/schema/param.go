package schema

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// A param is one compiled parameter, or a header of a reply or part.
type param struct {
	of      *contract.Parameter
	schema  *root
	shape   *shape
	content bool   // the value is a text of the media type in Content
	json    bool   // which is JSON
	array   bool   // the value is a list
	object  bool   // the value is an object
	lead    string // deepObject: the name and "["
	open    bool   // the schema of the object welcomes other names
	beside  *queryNames
}

// param compiles one parameter.
func (c *compiler) param(p *contract.Parameter) param {
	x := param{of: p, schema: &root{in: c.programs, from: p.Schema}}
	if p.Content != nil {
		x.content, x.json = true, formOf(p.Content.Type) == jsonForm
		x.schema.from = p.Content.Schema
	}
	c.judge(x.schema.from)
	x.shape = c.shape(x.schema.from)
	if !x.content {
		x.object = x.shape.types&contract.ObjectType != 0 && !x.scalar()
		x.array = !x.object && x.shape.types&contract.ArrayType != 0
		x.open = welcomes(p.Schema)
	}
	if p.Style == contract.DeepObject && p.In == contract.InQuery {
		x.object, x.array = true, false
		x.lead = p.Name + "["
	}
	return x
}

// scalar tells whether the value may be a simple one.
func (p *param) scalar() bool {
	return p.shape.types == 0 ||
		p.shape.types&(contract.BooleanType|contract.NumericType|contract.IntegerType|contract.StringType) != 0
}

// deep tells whether the parameter is a deepObject.
func (p *param) deep() bool { return p.lead != "" }

// spread tells whether the members of an object stand as pairs of their own.
func (p *param) spread() bool { return p.object && !p.deep() && p.of.Explode }

// param checks one parameter of a request.
func (r *run) param(dst *risk.Reading, p *param, m *HeadView) {
	switch p.of.In {
	case contract.InPath:
		for i := range m.Path {
			if m.Path[i].Name == p.of.Name {
				r.pathParam(dst, p, written{text: m.Path[i].Text, raw: m.Path[i].Raw})
				return
			}
		}
		r.absent(dst, p)
	case contract.InQuery:
		r.queryParam(dst, p, m.Query)
	case contract.InHeader:
		r.header(dst, p, m.Fields)
	case contract.InCookie:
		r.cookieParam(dst, p, m.Fields)
	case contract.InBody:
	}
}

// wrong notes a violation of the parameter as a whole.
func wrong(dst *risk.Reading, p *param, class risk.Class, rule string) {
	dst.Violate(risk.Violation{Class: class, In: p.of.In, Name: p.of.Name, Rule: rule, At: p.of.At})
}

// absent notes that the parameter is not there.
func (r *run) absent(dst *risk.Reading, p *param) {
	if p.of.Required {
		wrong(dst, p, risk.BadValue, "required")
	}
}

// judge checks the JSON text in r.value as the value of p.
func (r *run) judge(dst *risk.Reading, p *param) {
	r.value = append(r.value, ' ') // so that a number has an end
	if program := p.schema.program(); program != nil && r.machine.passes(program, r.value) {
		return
	}
	marks := len(dst.Marks)
	if !r.read(dst, r.value, where{in: p.of.In, name: p.of.Name, to: p.schema.program()}) {
		wrong(dst, p, risk.BadSyntax, "syntax")
	}
	dst.Marks = dst.Marks[:marks] // of a parameter nothing is cut
}

// single checks a value that is one text: a simple one, or one of a media type.
func (r *run) single(dst *risk.Reading, p *param, text string) {
	r.value = r.value[:0]
	switch {
	case p.json:
		r.value = append(r.value, text...)
	case p.content && formOf(p.of.Content.Type) != textForm:
		dst.Unchecked = true
		return
	default:
		r.value = appendScalar(r.value, text, p.shape.types)
	}
	r.judge(dst, p)
}

// written is the text of a value that has parts.
type written struct {
	text string // decoded
	raw  string // as it was sent
	plus bool   // '+' in raw is a space

	separator string // between the parts
	equals    string // between the name and value of a member; "": they are two parts
}

// split is the text to look for a separator in, and whether its parts are
// still encoded. A comma that is encoded belongs to a part (RFC 6570), unless
// there is no other: many clients encode the whole list.
func (w written) split() (text string, encoded bool) {
	if w.separator == "," && w.raw != w.text && strings.Contains(w.raw, ",") {
		return w.raw, true
	}
	return w.text, false
}

// decode decodes a part. The whole text has been decoded before, so it is well
// formed.
func (w written) decode(part string, encoded bool) string {
	if !encoded || strings.IndexByte(part, '%') < 0 && (!w.plus || strings.IndexByte(part, '+') < 0) {
		return part
	}
	out := make([]byte, 0, len(part))
	for i := 0; i < len(part); i++ {
		c := part[i]
		switch {
		case c == '+' && w.plus:
			c = ' '
		case c == '%' && i+2 < len(part):
			c = unhex(part[i+1])<<4 | unhex(part[i+2])
			i += 2
		}
		out = append(out, c)
	}
	return string(out)
}

// list checks the elements of w. An empty text has none.
func (r *run) list(dst *risk.Reading, p *param, w written) {
	types := itemTypes(p.shape)
	text, encoded := w.split()
	out := append(r.value[:0], '[')
	for more, n := text != "", 0; more; n++ {
		var part string
		part, text, more = strings.Cut(text, w.separator)
		if n > 0 {
			out = append(out, ',')
		}
		if p.of.In == contract.InHeader {
			part = strings.Trim(part, " \t")
		}
		out = appendScalar(out, w.decode(part, encoded), types)
	}
	r.value = append(out, ']')
	r.judge(dst, p)
}

func itemTypes(h *shape) contract.Types {
	if h.items == nil {
		return 0
	}
	return h.items.types
}

// pairs checks an object that is one text.
func (r *run) pairs(dst *risk.Reading, p *param, w written) {
	text, encoded := w.split()
	out := append(r.value[:0], '{')
	for more, n := text != "", 0; more; n++ {
		var name, value string
		ok := true
		name, text, more = strings.Cut(text, w.separator)
		if w.equals != "" {
			name, value, ok = strings.Cut(name, w.equals)
		} else if ok = more; ok {
			value, text, more = strings.Cut(text, w.separator)
		}
		if !ok {
			wrong(dst, p, risk.BadSyntax, "style")
			return
		}
		if n > 0 {
			out = append(out, ',')
		}
		name = w.decode(strings.Trim(name, " \t"), encoded)
		out = append(appendString(out, name), ':')
		out = appendScalar(out, w.decode(value, encoded), p.shape.typesOf(name))
	}
	r.value = append(out, '}')
	r.judge(dst, p)
}

// typesOf are the types of a member.
func (h *shape) typesOf(name string) contract.Types {
	if m := h.member(name); m != nil {
		return m.types
	}
	return 0
}

// pathParam checks a parameter of the path: simple, label or matrix.
func (r *run) pathParam(dst *risk.Reading, p *param, w written) {
	w.separator = ","
	if p.of.Explode {
		w.equals = "="
	}
	var ok bool
	switch p.of.Style {
	case contract.Label:
		if w, ok = w.cut('.'); !ok {
			wrong(dst, p, risk.BadSyntax, "style")
			return
		}
		if p.of.Explode {
			w.separator = "."
		}
	case contract.Matrix:
		r.matrix(dst, p, w)
		return
	case contract.SpaceDelimited:
		w.separator = " "
	case contract.PipeDelimited:
		w.separator = "|"
	case contract.TSV:
		w.separator = "\t"
	case contract.Simple, contract.Form, contract.DeepObject:
	}
	r.styled(dst, p, w)
}

// cut removes c from the front.
func (w written) cut(c byte) (written, bool) {
	var ok, also bool
	w.text, ok = cutByte(w.text, c)
	w.raw, also = cutByte(w.raw, c)
	if !also {
		w.raw = w.text
	}
	return w, ok
}

// styled checks w as what p is: an object, a list or one value.
func (r *run) styled(dst *risk.Reading, p *param, w written) {
	switch {
	case p.object:
		r.pairs(dst, p, w)
	case p.array && (!p.scalar() || strings.Contains(w.text, w.separator)):
		r.list(dst, p, w)
	default:
		r.single(dst, p, w.text)
	}
}

// matrix checks ;name=value, ;name=a,b, ;name=a;name=b and ;a=1;b=2 (RFC 6570
// section 3.2.7).
func (r *run) matrix(dst *risk.Reading, p *param, w written) {
	w, ok := w.cut(';')
	switch {
	case !ok:
	case p.object && p.of.Explode:
		w.separator = ";"
		r.pairs(dst, p, w)
		return
	case p.array && p.of.Explode:
		if ok = r.matrixList(p, w.text); ok {
			r.judge(dst, p)
			return
		}
	default:
		if w, ok = p.unnamed(w); ok {
			r.styled(dst, p, w)
			return
		}
	}
	wrong(dst, p, risk.BadSyntax, "style")
}

// matrixList writes name=a;name=b to r.value.
func (r *run) matrixList(p *param, text string) bool {
	types := itemTypes(p.shape)
	r.value = append(r.value[:0], '[')
	for more, n := true, 0; more; n++ {
		var part string
		part, text, more = strings.Cut(text, ";")
		w, ok := p.unnamed(written{text: part, raw: part})
		if !ok {
			return false
		}
		if n > 0 {
			r.value = append(r.value, ',')
		}
		r.value = appendScalar(r.value, w.text, types)
	}
	r.value = append(r.value, ']')
	return true
}

// unnamed removes the name of p, and the equals sign where there is one.
func (p *param) unnamed(w written) (written, bool) {
	rest, ok := strings.CutPrefix(w.text, p.of.Name)
	if !ok || rest != "" && rest[0] != '=' {
		return w, false
	}
	rest, _ = cutByte(rest, '=')
	if _, raw, found := strings.Cut(w.raw, "="); found {
		w.raw = raw
	} else {
		w.raw = rest
	}
	w.text = rest
	return w, true
}
