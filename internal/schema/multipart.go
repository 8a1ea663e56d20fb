package schema

import (
	"bytes"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// Bounds of multipart/form-data.
const (
	maxParts       = 100
	maxPartHead    = 8 << 10 // bytes of the head of one part
	maxPartHeaders = 16
)

// part is one part of a form.
type part struct {
	foreign bool // its Content-Type names no UTF-8, or is malformed
	name    string
	file    bool // it has a file name
	media   string
	fields  risk.Fields
	body    []byte
}

// partsBody checks multipart/form-data (RFC 7578) by a strict reading: no
// preamble, no epilogue, CRLF everywhere.
func (r *run) partsBody(dst *risk.Reading, m *compiledMedia, t mediaType, body []byte) {
	if !validBoundary(t.boundary) {
		badBody(dst, m, "boundary")
		return
	}
	h := m.shape
	if h == nil {
		h = &shape{}
	}
	r.tree.reset()
	delimiter := "\r\n--" + t.boundary
	rest, ok := bytes.CutPrefix(body, []byte(delimiter[2:]))
	for n := 0; ok; n++ {
		if string(rest) == "--" || string(rest) == "--\r\n" {
			r.judgeForm(dst, m, h)
			return
		}
		rest, ok = bytes.CutPrefix(rest, []byte("\r\n"))
		if !ok || n == maxParts {
			break
		}
		var p part
		if p, rest, ok = cutPart(rest, delimiter); !ok {
			break
		}
		if rule := r.addPart(dst, m, h, &p); rule != "" {
			badAt(dst, m, rule, "/"+escapePointer(p.name))
			return
		}
	}
	badBody(dst, m, "syntax")
}

// validBoundary is boundary of RFC 2046 section 5.1.1.
func validBoundary(s string) bool {
	if s == "" || len(s) > 70 || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if !letterOrDigit(s[i]) && strings.IndexByte("'()+_,-./:=? ", s[i]) < 0 {
			return false
		}
	}
	return true
}

// cutPart reads the part that s starts with, up to its delimiter.
func cutPart(s []byte, delimiter string) (p part, rest []byte, ok bool) {
	// The head of a part may be followed by the delimiter at once, so the
	// empty line is looked for before the body is.
	end := bytes.Index(s[:min(len(s), maxPartHead)], []byte("\r\n\r\n"))
	if end < 0 {
		return p, nil, false
	}
	head, s := string(s[:end]), s[end+2:]
	p.body, rest, ok = bytes.Cut(s, []byte(delimiter))
	if !ok {
		return p, nil, false
	}
	if len(p.body) >= 2 {
		p.body = p.body[2:] // the CRLF of the empty line
	} else {
		p.body = nil
	}
	for line := range strings.SplitSeq(head, "\r\n") {
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !found || name == "" || tokenLength(name) != len(name) || !fieldText(value) || len(p.fields) == maxPartHeaders {
			return p, nil, false
		}
		if p.fields.Has(name) {
			return p, nil, false
		}
		p.fields = append(p.fields, risk.Field{Name: name, Value: value})
	}
	return p, rest, p.disposition()
}

func fieldText(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return validText(s)
}

// disposition reads Content-Disposition (RFC 7578 section 4.2) and
// Content-Type.
func (p *part) disposition() bool {
	kind, rest, more := strings.Cut(p.fields.Get("Content-Disposition"), ";")
	if !risk.EqualFold(strings.Trim(kind, " \t"), "form-data") {
		return false
	}
	named := false
	for more {
		var name, value string
		var ok bool
		name, value, rest, more, ok = parameter(rest)
		switch {
		case !ok:
			return false
		case risk.EqualFold(name, "name"):
			if named {
				return false
			}
			named, p.name = true, value
		case risk.EqualFold(name, "filename"), risk.EqualFold(name, "filename*"):
			p.file = true
		case strings.IndexByte(name, '*') >= 0:
			return false // to some readers, name* wins over name (RFC 7578 section 4.2 forbids it)
		}
	}
	if transfer := p.fields.Get("Content-Transfer-Encoding"); transfer != "" &&
		!risk.EqualFold(transfer, "binary") && !risk.EqualFold(transfer, "8bit") && !risk.EqualFold(transfer, "7bit") {
		return false
	}
	t := parseType(p.fields.Get("Content-Type"))
	p.media, p.foreign = strings.ToLower(t.media), !t.ok || !t.utf8()
	return named && p.name != ""
}

// addPart puts a part into the tree, as its encoding and schema say.
func (r *run) addPart(dst *risk.Reading, m *compiledMedia, h *shape, p *part) (rule string) {
	member := h.names[p.name]
	if member == nil {
		if base := strings.TrimSuffix(p.name, "[]"); h.names[base] != nil {
			p.name, member = base, h.names[base]
		} else if member = h.extra; member == nil {
			member = &shape{}
		}
	}
	e := m.encoding[p.name]
	if e != nil {
		for i := range e.headers {
			r.header(dst, &e.headers[i], p.fields)
		}
		if len(e.types) > 0 && !p.oneOf(e.types) {
			dst.Violate(risk.Violation{Class: risk.WrongMedia, In: contract.InBody, Pointer: "/" + escapePointer(p.name), Rule: "contentType", At: e.of.At})
		}
	}
	of := member
	if member.items != nil && member.is(contract.ArrayType) {
		of = member.items
	}
	l := leaf{name: p.name}
	switch {
	case of.from != nil && of.binary():
		l.binary = true
		r.byteLimits(dst, of.from, len(p.body), "/"+escapePointer(p.name))
	case formOf(p.media) == jsonForm, p.media == "" && of.is(contract.ObjectType):
		if p.foreign {
			return "charset"
		}
		if r.doc.Parse(p.body) != nil {
			return "syntax"
		}
		l.json, l.value = true, string(p.body)
	case e != nil && e.xml != nil && formOf(p.media) == xmlForm:
		if p.foreign || !wellFormed(p.body) {
			return "syntax"
		}
		out, rule := e.xml.appendJSON(nil, p.body)
		if rule != "" {
			return rule
		}
		l.json, l.value = true, string(out)
	case p.media == "" || formOf(p.media) == textForm || !p.file:
		l.value = string(p.body)
		if p.foreign || !validText(l.value) {
			return "charset"
		}
	default:
		l.binary = true
	}
	r.tree.put(l)
	return ""
}

// oneOf tells whether the part's media type is one of those listed. A part
// without one is text (RFC 7578 section 4.4).
func (p *part) oneOf(list []string) bool {
	media := p.media
	if media == "" {
		media = "text/plain"
	}
	for _, t := range list {
		if t == media || t == "*/*" || strings.HasSuffix(t, "/*") && strings.HasPrefix(media, t[:len(t)-1]) {
			return true
		}
	}
	return false
}

// binary tells whether the schema is of binary data.
func (h *shape) binary() bool {
	return says(h.from, func(s *contract.Schema) bool {
		return s.Format == "binary" || s.Rare != nil && s.Rare.ContentMediaType == "application/octet-stream"
	}, maxFollow)
}
