package schema

import (
	"slices"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/source"
)

// values is the list of an enum, or one const.
type values struct {
	null, yes, no bool
	strings       []string
	set           map[string]struct{} // of strings, where they are many
	numbers       []decimal           // in order, where they are many
	wholes        []int64             // those that are short integers, in order
	compound      map[digest][]compound
}

// compound is an object or array, and its shortest text.
type compound struct {
	value *source.Value
	text  []byte
}

func newValues(d *seeds, list ...source.Value) *values {
	v := &values{}
	for _, x := range list {
		switch x.Kind {
		case source.Null:
			v.null = true
		case source.Bool:
			v.yes = v.yes || x.Text == "true"
			v.no = v.no || x.Text != "true"
		case source.Number:
			n := literal(x.Text)
			v.numbers = append(v.numbers, n)
			if whole, ok := n.short(); ok {
				v.wholes = append(v.wholes, whole)
			}
		case source.String:
			v.strings = append(v.strings, x.Text)
		case source.Array, source.Object:
			if v.compound == nil {
				v.compound = map[digest][]compound{}
			}
			at := d.literal(&x)
			v.compound[at] = append(v.compound[at], compound{&x, appendLiteral(nil, &x)})
		case source.Absent:
		}
	}
	if len(v.strings) > linear {
		v.set = make(map[string]struct{}, len(v.strings))
		for _, s := range v.strings {
			v.set[s] = struct{}{}
		}
	}
	slices.Sort(v.wholes)
	if len(v.numbers) > linear {
		slices.SortFunc(v.numbers, decimal.compare)
	}
	return v
}

func (v *values) holdsWhole(n int64) bool {
	if len(v.wholes) > linear {
		_, ok := slices.BinarySearch(v.wholes, n)
		return ok
	}
	return slices.Contains(v.wholes, n)
}

func (v *values) holdsNumber(d decimal) bool {
	if len(v.numbers) > linear {
		_, ok := slices.BinarySearchFunc(v.numbers, d, decimal.compare)
		return ok
	}
	return slices.ContainsFunc(v.numbers, d.equal)
}

func (v *values) holdsText(text []byte) bool {
	if v.set != nil {
		_, ok := v.set[string(text)]
		return ok
	}
	for _, s := range v.strings {
		if s == string(text) {
			return true
		}
	}
	return false
}

// holds tells whether the token of m equals one of v, as JSON values do: 1.0
// is 1.
func (v *values) holds(m *machine) bool {
	switch m.tok.kind {
	case jsonx.Null:
		return v.null
	case jsonx.True:
		return v.yes
	case jsonx.False:
		return v.no
	case jsonx.Number:
		if whole, places, ok := shortNumber(m.tok.raw); ok && places == 0 {
			return v.holdsWhole(whole)
		}
		var d decimal
		d, m.digits = parseDecimal(m.tok.raw, m.digits)
		return v.holdsNumber(d)
	case jsonx.String:
		return v.holdsText(m.tokenText())
	case jsonx.Array, jsonx.Object:
	}
	return false
}

// holdsCompound tells whether the object or array that has just ended is one of v. The digest, of 128
// bits under secret seeds, says which may be meant, and the text decides. Where
// the text is gone, since it came in pieces (nil), the digest decides alone: that
// it errs has a chance below 2^-100 for each value.
func (v *values) holdsCompound(m *machine) bool {
	may, text := v.compound[m.digest], m.closed
	if text == nil || len(may) == 0 {
		return len(may) > 0
	}
	for i := range may {
		if string(may[i].text) == string(text) || m.exact.equals(text, may[i].value) {
			return true
		}
	}
	return false
}

// appendLiteral appends a literal as JSON.
func appendLiteral(dst []byte, v *source.Value) []byte {
	switch v.Kind {
	case source.Bool, source.Number:
		return append(dst, v.Text...)
	case source.String:
		return appendString(dst, v.Text)
	case source.Array:
		dst = append(dst, '[')
		for i := range v.Items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendLiteral(dst, &v.Items[i])
		}
		return append(dst, ']')
	case source.Object:
		dst = append(dst, '{')
		for i := range v.Members {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendLiteral(append(appendString(dst, v.Members[i].Name), ':'), &v.Members[i].Value)
		}
		return append(dst, '}')
	case source.Absent, source.Null:
	}
	return append(dst, "null"...)
}
