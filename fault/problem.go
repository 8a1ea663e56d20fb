package fault

import (
	"strconv"
	"unicode/utf8"
)

// MediaType is the media type of a problem document.
const MediaType = "application/problem+json"

// MaxDetails is the most details that one problem document lists.
const MaxDetails = 10

// TypePrefix stands before the code in the problem's type.
const TypePrefix = "urn:sallyport:"

// A Problem is what a client learns of a refusal (RFC 9457). It never holds a
// value of the request.
type Problem struct {
	Code    Code
	Status  int
	Title   string
	ID      string // decision id
	Details []Detail
}

// A Detail names one place that breaks one rule.
type Detail struct {
	In      string // path, query, header, cookie, body
	Name    string // of a parameter; empty for a body
	Pointer string // JSON pointer into the body (RFC 6901)
	Rule    string // the keyword that is broken
}

// Append writes the problem document to dst and returns it. Only names,
// pointers and rules that the contract knows should be in p; they are escaped
// all the same.
func (p *Problem) Append(dst []byte) []byte {
	dst = append(dst, `{"type":`...)
	dst = appendString(dst, TypePrefix+string(p.Code))
	dst = append(dst, `,"title":`...)
	dst = appendString(dst, p.Title)
	dst = append(dst, `,"status":`...)
	dst = strconv.AppendInt(dst, int64(p.Status), 10)
	if p.ID != "" {
		dst = append(dst, `,"instance":`...)
		dst = appendString(dst, "urn:sallyport:decision:"+p.ID)
	}
	dst = append(dst, `,"code":`...)
	dst = appendString(dst, string(p.Code))
	for i := range p.Details[:min(len(p.Details), MaxDetails)] {
		if i == 0 {
			dst = append(dst, `,"errors":[`...)
		} else {
			dst = append(dst, ',')
		}
		dst = p.Details[i].append(dst)
	}
	if len(p.Details) > 0 {
		dst = append(dst, ']')
	}
	return append(dst, "}\n"...)
}

func (d *Detail) append(dst []byte) []byte {
	dst = append(dst, `{"in":`...)
	dst = appendString(dst, d.In)
	if d.Name != "" {
		dst = append(dst, `,"name":`...)
		dst = appendString(dst, d.Name)
	}
	if d.Name == "" || d.Pointer != "" {
		dst = append(dst, `,"pointer":`...)
		dst = appendString(dst, d.Pointer)
	}
	dst = append(dst, `,"rule":`...)
	dst = appendString(dst, d.Rule)
	return append(dst, '}')
}

// appendString writes s as a JSON string. What could be markup is escaped too,
// so that a client that ignores the media type still cannot run it.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				dst = append(dst, '\\', c)
			case c < 0x20 || c == 0x7f || c == '<' || c == '>' || c == '&' || c == '\'':
				dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			default:
				dst = append(dst, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r < 0xa0 {
			dst = append(dst, `\ufffd`...)
		} else {
			dst = append(dst, s[i:i+n]...)
		}
		i += n
	}
	return append(dst, '"')
}
