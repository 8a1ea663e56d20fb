package schema

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// body checks a whole body of the declared media type m.
func (r *run) body(dst *risk.Reading, m *compiledMedia, b *Body) {
	t := parseType(b.Type)
	if !t.ok {
		badBody(dst, m, "contentType")
		return
	}
	switch formOf(string(lowerASCII(r.text[:0], t.media))) {
	case jsonForm:
		r.jsonBody(dst, m, t, b.Bytes)
	case linesForm:
		r.lines(dst, m, t, b.Bytes)
	case sequenceForm:
		r.sequence(dst, m, t, b.Bytes)
	case urlForm:
		r.urlBody(dst, m, t, b.Bytes)
	case partsForm:
		r.partsBody(dst, m, t, b.Bytes)
	case textForm:
		r.textBody(dst, m, t, b.Bytes)
	case xmlForm:
		r.xmlBody(dst, m, t, b.Bytes)
	case binaryForm:
		r.binaryBody(dst, m, b.Bytes)
	case otherForm, eventsForm:
		if m.binary {
			r.binaryBody(dst, m, b.Bytes)
			return
		}
		dst.Unchecked = m.media.Schema != nil
	}
}

// badBody notes that a body is not what it says it is.
func badBody(dst *risk.Reading, m *compiledMedia, rule string) { badAt(dst, m, rule, "") }

// badAt is badBody for a part of a body. It is noted even where dst is full:
// what is malformed has not been looked into.
func badAt(dst *risk.Reading, m *compiledMedia, rule, pointer string) {
	v := risk.Violation{Class: risk.BadSyntax, In: contract.InBody, Pointer: pointer, Rule: rule, At: m.media.At}
	if n := len(dst.Violations); n >= risk.MaxViolations {
		dst.Violations[n-1] = v
		return
	}
	dst.Violate(v)
}

// jsonBody checks one JSON value.
func (r *run) jsonBody(dst *risk.Reading, m *compiledMedia, t mediaType, body []byte) {
	if !t.utf8() {
		badBody(dst, m, "charset")
		return
	}
	r.one(dst, m, body, where{in: contract.InBody, spans: true, to: m.schema.program()})
}

// one checks one JSON text of a body.
func (r *run) one(dst *risk.Reading, m *compiledMedia, text []byte, w where) {
	if !r.read(dst, text, w) {
		badAt(dst, m, "syntax", w.prefix)
		return
	}
	dst.Unchecked = dst.Unchecked || w.to == nil
}

// maxValues bounds the values of a stream that is read whole.
const maxValues = 100_000

// itemProgram is what each value of a stream has to keep: where the schema is
// of an array, that of its elements, since the stream stands for it.
func (m *compiledMedia) itemProgram() *program {
	p := m.schema.program()
	for k := 0; p != nil && k < maxFollow; k++ {
		if p.array != nil && p.array.items != nil && p.kinds == kindsOf(contract.ArrayType) {
			return p.array.items
		}
		if p.ref == nil {
			break
		}
		p = p.ref
	}
	return m.schema.program()
}

// lines checks NDJSON: one value a line, no empty ones but the last.
func (r *run) lines(dst *risk.Reading, m *compiledMedia, t mediaType, body []byte) {
	if !t.utf8() {
		badBody(dst, m, "charset")
		return
	}
	w := where{in: contract.InBody, spans: true, to: m.itemProgram()}
	for at, n := 0, 0; at < len(body); n++ {
		line, _, _ := bytes.Cut(body[at:], []byte("\n"))
		r.one(dst, m, line, w.nth(at, n))
		at += len(line) + 1
		if n == maxValues {
			badBody(dst, m, "budget")
			return
		}
	}
}

// nth is the place of the nth value of a stream, which starts at a byte.
func (w where) nth(at, n int) where {
	w.prefix, w.offset = "/"+strconv.Itoa(n), at
	return w
}

// sequence checks a JSON text sequence (RFC 7464). Unlike its section 2.3, a
// value that is cut off is refused.
func (r *run) sequence(dst *risk.Reading, m *compiledMedia, t mediaType, body []byte) {
	if !t.utf8() || body[0] != recordSeparator {
		badBody(dst, m, "syntax")
		return
	}
	w := where{in: contract.InBody, spans: true, to: m.itemProgram()}
	for at, n := 1, 0; at <= len(body); n++ {
		text, _, _ := bytes.Cut(body[at:], []byte{recordSeparator})
		if len(text) == 0 || text[len(text)-1] != '\n' || n == maxValues {
			badAt(dst, m, "syntax", "/"+strconv.Itoa(n))
			return
		}
		r.one(dst, m, text, w.nth(at, n))
		at += len(text) + 1
	}
}

// textBody checks text: its encoding, and its schema where that is a string.
func (r *run) textBody(dst *risk.Reading, m *compiledMedia, t mediaType, body []byte) {
	if !t.utf8() || !utf8.Valid(body) {
		badBody(dst, m, "charset")
		return
	}
	if m.media.Schema == nil || m.binary {
		return
	}
	if m.schema.from != nil && wants(m.schema.from)&contract.StringType == 0 {
		dst.Unchecked = true
		return
	}
	r.value = appendString(r.value[:0], string(body))
	r.one(dst, m, r.value, where{in: contract.InBody, to: m.schema.program()})
}

// binaryBody checks the length of what is no text.
func (r *run) binaryBody(dst *risk.Reading, m *compiledMedia, body []byte) {
	r.byteLimits(dst, m.media.Schema, len(body), "")
	if !m.plain {
		dst.Unchecked = true
	}
}

// byteLimits checks minLength and maxLength, which count bytes in binary data.
func (r *run) byteLimits(dst *risk.Reading, s *contract.Schema, n int, pointer string) {
	for k := 0; s != nil && k < maxFollow; k, s = k+1, s.Ref {
		rule := ""
		switch {
		case n < s.MinLength:
			rule = "minLength"
		case s.MaxLength >= 0 && n > s.MaxLength:
			rule = "maxLength"
		default:
			continue
		}
		dst.Violate(risk.Violation{Class: risk.BadValue, In: contract.InBody, Pointer: pointer, Rule: rule, At: s.At})
	}
}
