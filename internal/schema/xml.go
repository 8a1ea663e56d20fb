package schema

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// Bounds of XML.
const (
	maxXMLDepth      = 64
	maxXMLAttributes = 64
)

// xmlBody checks that a body is well-formed XML 1.0 without a document type
// declaration, and so without entities of its own, and what it says against
// the schema by the OpenAPI xml object.
func (r *run) xmlBody(dst *risk.Reading, m *compiledMedia, t mediaType, body []byte) {
	mapped := m.xml != nil && m.xml.checked()
	dst.Unchecked = m.media.Schema != nil && !mapped
	if !t.utf8() || !wellFormed(body) {
		badBody(dst, m, "syntax")
		return
	}
	if !mapped {
		return
	}
	out, rule := m.xml.appendJSON(r.value[:0], body)
	r.value = out
	switch rule {
	case "":
		r.one(dst, m, r.value, where{in: contract.InBody, to: m.schema.program()})
	case "syntax":
		badBody(dst, m, rule)
	default:
		dst.Violate(risk.Violation{Class: risk.BadValue, In: contract.InBody, Rule: rule, At: m.media.At})
	}
}

// wellFormed tells whether a body is XML as this package takes it.
func wellFormed(body []byte) bool {
	x := xmlReader{rest: body}
	return utf8.Valid(body) && x.document()
}

// appendJSON appends what a well-formed body says as the JSON that the schema
// describes. Where that cannot be, it returns the rule that is broken.
func (x *xmlRoot) appendJSON(dst, body []byte) (out []byte, rule string) {
	of, name := x.of()
	tree := xmlTree{}
	if !tree.parse(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))) {
		return dst, "syntax"
	}
	if !name.fits(tree.local(0), tree.space(0)) {
		return dst, "xml"
	}
	v := xmlValues{tree: &tree, out: dst}
	v.value(0, of)
	return v.out, v.rule
}

// xmlReader checks one document.
type xmlReader struct {
	rest []byte
	open []string // names of the open elements
}

func (x *xmlReader) skip(prefix string) bool {
	rest, ok := bytes.CutPrefix(x.rest, []byte(prefix))
	x.rest = rest
	return ok
}

// until skips to behind the next end; false where there is none.
func (x *xmlReader) until(end string) ([]byte, bool) {
	before, rest, ok := bytes.Cut(x.rest, []byte(end))
	x.rest = rest
	return before, ok
}

func (x *xmlReader) space() bool {
	n := len(x.rest)
	x.rest = bytes.TrimLeft(x.rest, " \t\r\n")
	return len(x.rest) < n
}

// document reads [1] of the XML recommendation, without doctypedecl.
func (x *xmlReader) document() bool {
	x.skip("\xef\xbb\xbf")
	if x.skip("<?xml ") {
		text, ok := x.until("?>")
		if !ok || !declaration(string(text)) {
			return false
		}
	}
	root := false
	for {
		if len(x.open) == 0 {
			x.space()
		}
		switch {
		case len(x.rest) == 0:
			return root && len(x.open) == 0
		case x.skip("<!--"):
			text, ok := x.until("-->")
			if !ok || bytes.Contains(text, []byte("--")) || bytes.HasSuffix(text, []byte("-")) || !xmlChars(text) {
				return false
			}
		case len(x.open) > 0 && x.skip("<![CDATA["):
			if text, ok := x.until("]]>"); !ok || !xmlChars(text) {
				return false
			}
		case bytes.HasPrefix(x.rest, []byte("<?")), bytes.HasPrefix(x.rest, []byte("<!")):
			return false // instructions and DTDs
		case x.skip("</"):
			if !x.end() {
				return false
			}
		case x.skip("<"):
			if root && len(x.open) == 0 || !x.start() {
				return false
			}
			root = true
		case len(x.open) == 0 || !x.text():
			return false
		}
	}
}

// declaration checks what stands in <?xml …?>: version 1.0, and UTF-8.
func declaration(s string) bool {
	s = strings.ReplaceAll(s, "'", `"`)
	rest, ok := strings.CutPrefix(strings.TrimLeft(s, " \t\r\n"), `version="1.0"`)
	if !ok {
		return false
	}
	rest = strings.Trim(rest, " \t\r\n")
	if encoding, ok := strings.CutPrefix(rest, `encoding="`); ok {
		name, after, found := strings.Cut(encoding, `"`)
		if !found || !risk.EqualFold(name, "utf-8") && !risk.EqualFold(name, "us-ascii") {
			return false
		}
		rest = strings.Trim(after, " \t\r\n")
	}
	return rest == "" || rest == `standalone="yes"` || rest == `standalone="no"`
}

// name reads a QName ([7] of Namespaces in XML): one colon at most, between
// two names.
func (x *xmlReader) name() (string, bool) {
	n, colons, first := 0, 0, true
	for n < len(x.rest) {
		r, size := utf8.DecodeRune(x.rest[n:])
		if r == ':' && !first {
			colons++
		} else if !nameRune(r, first) {
			break
		}
		first = r == ':'
		n += size
	}
	name := string(x.rest[:n])
	x.rest = x.rest[n:]
	return name, n > 0 && !first && colons <= 1
}

func nameRune(r rune, first bool) bool {
	switch {
	case r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z':
		return true
	case r == '-' || r == '.' || r >= '0' && r <= '9' || r == 0xb7 || r >= 0x300 && r <= 0x36f || r == 0x203f || r == 0x2040:
		return !first
	}
	return r >= 0xc0 && r != 0xd7 && r != 0xf7 && r != 0x37e && (r < 0x2000 || r == 0x200c || r == 0x200d ||
		r >= 0x2070 && r <= 0x218f || r >= 0x2c00 && r <= 0x2fef || r >= 0x3001 && r <= 0xd7ff ||
		r >= 0xf900 && r <= 0xfdcf || r >= 0xfdf0 && r <= 0xfffd || r >= 0x10000 && r <= 0xeffff)
}

// start reads a start tag behind its "<".
func (x *xmlReader) start() bool {
	name, ok := x.name()
	if !ok {
		return false
	}
	var seen [maxXMLAttributes]string
	for n := 0; ; n++ {
		spaced := x.space()
		switch {
		case x.skip("/>"):
			return true
		case x.skip(">"):
			x.open = append(x.open, name)
			return len(x.open) <= maxXMLDepth
		case !spaced || n == maxXMLAttributes:
			return false
		}
		attribute, ok := x.attribute()
		if !ok {
			return false
		}
		for _, other := range seen[:n] {
			if other == attribute {
				return false
			}
		}
		seen[n] = attribute
	}
}

// attribute reads name="value".
func (x *xmlReader) attribute() (string, bool) {
	name, ok := x.name()
	x.space()
	if !ok || !x.skip("=") {
		return "", false
	}
	x.space()
	quote := `"`
	if !x.skip(quote) {
		if quote = "'"; !x.skip(quote) {
			return "", false
		}
	}
	value, ok := x.until(quote)
	return name, ok && bytes.IndexByte(value, '<') < 0 && xmlChars(value) && references(value)
}

// end reads an end tag behind its "</".
func (x *xmlReader) end() bool {
	name, ok := x.name()
	x.space()
	n := len(x.open)
	if !ok || !x.skip(">") || n == 0 || x.open[n-1] != name {
		return false
	}
	x.open = x.open[:n-1]
	return true
}

// text reads character data up to the next tag.
func (x *xmlReader) text() bool {
	n := bytes.IndexByte(x.rest, '<')
	if n < 0 {
		return false
	}
	text := x.rest[:n]
	x.rest = x.rest[n:]
	return !bytes.Contains(text, []byte("]]>")) && xmlChars(text) && references(text)
}

// xmlChars tells whether all characters are lawful ([2] of the recommendation).
func xmlChars(s []byte) bool {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if !xmlChar(r) {
			return false
		}
		s = s[n:]
	}
	return true
}

func xmlChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= utf8.MaxRune
}

// references checks that every & starts one of the five entities or a lawful
// character.
func references(s []byte) bool {
	for {
		_, rest, found := bytes.Cut(s, []byte("&"))
		if !found {
			return true
		}
		name, after, ended := bytes.Cut(rest, []byte(";"))
		if !ended || len(name) > 8 {
			return false
		}
		switch string(name) {
		case "amp", "lt", "gt", "quot", "apos":
		default:
			if !charReference(string(name)) {
				return false
			}
		}
		s = after
	}
}

// charReference checks #38 or #x26.
func charReference(s string) bool {
	digitsOf, ok := strings.CutPrefix(s, "#")
	if !ok || digitsOf == "" {
		return false
	}
	base := rune(10)
	if rest, hex := strings.CutPrefix(digitsOf, "x"); hex {
		base, digitsOf = 16, rest
	}
	var r rune
	for i := range len(digitsOf) {
		c := digitsOf[i]
		if !hexDigit(c) || base == 10 && c-'0' > 9 {
			return false
		}
		r = r*base + rune(unhex(c))
		if r > utf8.MaxRune {
			return false
		}
	}
	return digitsOf != "" && xmlChar(r)
}
