package canon

import (
	"strings"
	"unicode/utf8"
)

// Bounds of a query where Options says nothing.
const (
	// DefaultQueryBytes is as DefaultPathBytes, for the same reason.
	DefaultQueryBytes = 8 << 10
	// DefaultPairs is above what any declared operation needs and bounds the
	// search for duplicates, which is quadratic.
	DefaultPairs = 256
)

// Pair is one name and value of a query.
type Pair struct {
	// Name and Value are decoded once; '+' means a space.
	Name, Value string
	// RawName and RawValue are the same parts as they go upstream.
	RawName, RawValue string
	// Bare: there was no '=' (Value is empty).
	Bare bool
	// Nth counts pairs of the same name from 0: above 0 it is a duplicate.
	Nth int
}

// QueryString is a parsed query.
type QueryString struct {
	// Text goes upstream: the raw text with upper-case triplets and with every
	// ';' encoded, since some upstreams still split at it.
	Text string
	// Pairs are in the order of the text.
	Pairs []Pair
	// Duplicates counts the pairs whose name came before.
	Duplicates int
}

// Query parses raw by the default limits. See Options.Query.
func Query(raw string, pairs []Pair) (QueryString, error) { return Options{}.Query(raw, pairs) }

// Query parses raw, what stands behind the '?' of a target, into pairs, whose
// room is reused (pass nil, or what an earlier call gave). An error is always
// an *Error. Only '&' separates; ';' is an ordinary character, encoded in what
// goes upstream; duplicates are
// counted, never merged; empty parts between two '&' are skipped but count
// towards the limit. The limit of bytes holds for what comes and for what goes
// upstream. Refused are bad triplets, text that does not decode to
// UTF-8, NUL, '#', and raw spaces, controls and bytes above 0x7E.
// Where nothing has to be decoded, Query allocates only for growing pairs.
func (o Options) Query(raw string, pairs []Pair) (QueryString, error) {
	bytes, most := o.QueryBytes, o.Pairs
	if bytes == 0 {
		bytes = DefaultQueryBytes
	}
	if most == 0 {
		most = DefaultPairs
	}
	if len(raw) > bytes {
		return QueryString{}, refuse(Length, bytes)
	}
	text, coded, err := queryText(raw)
	if err != nil {
		return QueryString{}, err
	}
	if len(text) > bytes { // every ';' has become three
		return QueryString{}, refuse(Length, bytes)
	}
	decode := func(s string) (string, bool) { return s, true }
	if coded {
		decode = decodeForm
	}
	q := QueryString{Text: text, Pairs: pairs[:0]}
	at := 0
	for n, more := 0, text != ""; more; n++ {
		if n == most {
			return QueryString{}, refuse(Pairs, at)
		}
		var part string
		part, _, more = strings.Cut(text[at:], "&")
		if part != "" {
			if err := q.add(part, at, decode); err != nil {
				return QueryString{}, err
			}
		}
		at += len(part) + 1
	}
	return q, nil
}

// add appends the pair in part, which starts at byte at of the query.
func (q *QueryString) add(part string, at int, decode func(string) (string, bool)) error {
	var p Pair
	var found, ok bool
	p.RawName, p.RawValue, found = strings.Cut(part, "=")
	p.Bare = !found
	if p.Name, ok = decode(p.RawName); !ok {
		return refuse(UTF8, at)
	}
	if p.Value, ok = decode(p.RawValue); !ok {
		return refuse(UTF8, at+len(p.RawName)+1)
	}
	for i := len(q.Pairs) - 1; i >= 0; i-- {
		if q.Pairs[i].Name == p.Name {
			p.Nth = q.Pairs[i].Nth + 1
			q.Duplicates++
			break
		}
	}
	q.Pairs = append(q.Pairs, p)
	return nil
}

// queryText checks every byte of a query, gives its canonical text and tells
// whether anything in it has to be decoded.
func queryText(raw string) (text string, coded bool, err error) {
	lower, semicolon := false, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '%':
			b, ok := triplet(raw, i)
			if !ok {
				return "", false, refuse(Percent, i)
			}
			if b == 0 {
				return "", false, refuse(Control, i)
			}
			coded, lower = true, lower || raw[i+1] >= 'a' || raw[i+2] >= 'a'
			i += 2
		case c == '+':
			coded = true
		case c == ';':
			coded, semicolon = true, true
		case c == '#':
			return "", false, refuse(Fragment, i)
		case c <= ' ' || c >= 0x7f:
			return "", false, refuse(wrongByte(c), i)
		}
	}
	if lower {
		raw = upperTriplets(raw)
	}
	if semicolon {
		raw = strings.ReplaceAll(raw, ";", "%3B")
	}
	return raw, coded, nil
}

// upperTriplets gives the hexadecimal digits of lawful triplets in upper case.
func upperTriplets(s string) string {
	out := []byte(s)
	for i := 0; i < len(out); i++ {
		if out[i] == '%' {
			b, _ := triplet(out, i)
			out[i+1], out[i+2] = upperHex[b>>4], upperHex[b&15]
			i += 2
		}
	}
	return string(out)
}

// decodeForm decodes a part of a checked query; false means that the result
// is not UTF-8.
func decodeForm(s string) (string, bool) {
	first := strings.IndexAny(s, "%+")
	if first < 0 {
		return s, true
	}
	out := make([]byte, first, len(s))
	copy(out, s)
	for i := first; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			c, _ = triplet(s, i)
			i += 2
		}
		out = append(out, c)
	}
	return string(out), utf8.Valid(out)
}
