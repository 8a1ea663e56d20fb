package schema

import (
	"bytes"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// encoding is how one member of a form is written.
type encoding struct {
	of      *contract.Encoding
	types   []string // lower-case media types that a part may have; nil: any
	headers []param
	xml     *xmlRoot // of parts that may be XML; nil: no XML is declared
}

// encodings compiles the encodings of m by name.
func (c *compiler) encodings(m *contract.Media) map[string]*encoding {
	out := map[string]*encoding{}
	for i := range m.Encoding {
		e := &m.Encoding[i]
		x := &encoding{of: e}
		for t := range strings.SplitSeq(e.ContentType, ",") {
			if t = strings.ToLower(strings.Trim(t, " \t")); t != "" {
				t, _, _ = strings.Cut(t, ";")
				x.types = append(x.types, strings.TrimRight(t, " \t"))
			}
		}
		if slices.ContainsFunc(x.types, func(t string) bool { return formOf(t) == xmlForm }) {
			x.xml = newPartXML(m.Schema, e.Name)
		}
		for _, h := range e.Headers {
			if !risk.EqualFold(h.Name, "Content-Type") {
				x.headers = append(x.headers, c.param(h))
			}
		}
		out[e.Name] = x
	}
	return out
}

// urlBody checks application/x-www-form-urlencoded.
func (r *run) urlBody(dst *risk.Reading, m *compiledMedia, t mediaType, body []byte) {
	if !t.utf8() {
		badBody(dst, m, "charset")
		return
	}
	h := m.shape
	if h == nil {
		h = &shape{}
	}
	r.tree.reset()
	n := 0
	for more := len(body) > 0; more; n++ {
		var pair []byte
		pair, body, more = bytes.Cut(body, []byte("&"))
		rawName, rawValue, _ := bytes.Cut(pair, []byte("="))
		name, ok1 := formText(rawName)
		value, ok2 := formText(rawValue)
		if !ok1 || !ok2 || name == "" || n == maxPairs {
			badBody(dst, m, "syntax")
			return
		}
		if rule := r.formPair(m, h, name, value); rule != "" {
			badAt(dst, m, rule, "/"+escapePointer(name))
			return
		}
	}
	r.judgeForm(dst, m, h)
}

// formPair puts one pair into the tree, as its encoding says.
func (r *run) formPair(m *compiledMedia, h *shape, name, value string) (rule string) {
	member := h.names[name]
	e := m.encoding[name]
	if member == nil {
		if base, path, ok := strings.Cut(name, "["); ok && h.names[base] != nil {
			// base[…]: the form of deepObject, and of lists in many frameworks
			if path = "[" + path; !brackets(path) {
				return "syntax"
			}
			r.tree.add(base, path, value)
			return ""
		}
		r.tree.add(name, "", value)
		return ""
	}
	switch {
	case e != nil && e.of.Styled && member.is(contract.ArrayType) && !e.of.Explode:
		p := param{of: &contract.Parameter{Style: e.of.Style}}
		for more := value != ""; more; {
			var part string
			part, value, more = strings.Cut(value, p.separator())
			r.tree.add(name, "", part)
		}
		return ""
	case (e == nil || !e.of.Styled) && member.is(contract.ObjectType),
		e != nil && len(e.types) == 1 && formOf(e.types[0]) == jsonForm:
		if r.doc.Parse([]byte(value)) != nil {
			return "syntax"
		}
		r.tree.put(leaf{name: name, value: value, json: true})
		return ""
	}
	r.tree.add(name, "", value)
	return ""
}

// judgeForm checks what the tree holds against the schema of m.
func (r *run) judgeForm(dst *risk.Reading, m *compiledMedia, h *shape) {
	out, rule := r.tree.appendObject(r.value[:0], h, shapeDepth)
	switch rule {
	case "":
	case "duplicate":
		dst.Violate(risk.Violation{Class: risk.BadValue, In: contract.InBody, Rule: rule, At: m.media.At})
		return
	default:
		badBody(dst, m, rule)
		return
	}
	r.value = out
	r.one(dst, m, r.value, where{in: contract.InBody, to: m.schema.program()})
}

// formText decodes a name or value of a form: '+' is a space, triplets are
// UTF-8. Raw bytes that no form sends, such as quotes and braces, are refused:
// the body is something else.
func formText(s []byte) (string, bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%':
			if i+2 >= len(s) || !hexDigit(s[i+1]) || !hexDigit(s[i+2]) {
				return "", false
			}
			c = unhex(s[i+1])<<4 | unhex(s[i+2])
			i += 2
		case c <= ' ' || c >= 0x7f || strings.IndexByte("{}\"<>\\^`", c) >= 0:
			return "", false
		}
		out = append(out, c)
	}
	return string(out), validText(string(out))
}

func unhex(c byte) byte {
	if c-'0' <= 9 {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
