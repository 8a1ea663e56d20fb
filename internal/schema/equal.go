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
	numbers       []decimal
	compound      []source.Value
	digests       []digest // of compound
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
			v.numbers = append(v.numbers, literal(x.Text))
		case source.String:
			v.strings = append(v.strings, x.Text)
		case source.Array, source.Object:
			v.compound = append(v.compound, x)
			v.digests = append(v.digests, d.literal(&x))
		case source.Absent:
		}
	}
	if len(v.strings) > linear {
		v.set = make(map[string]struct{}, len(v.strings))
		for _, s := range v.strings {
			v.set[s] = struct{}{}
		}
	}
	return v
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
		var d decimal
		d, m.digits = parseDecimal(m.tok.raw, m.digits)
		return slices.ContainsFunc(v.numbers, d.equal)
	case jsonx.String:
		return v.holdsText(m.tokenText())
	case jsonx.Array, jsonx.Object:
	}
	return false
}

// holdsDigest tells whether d is that of an object or array of v.
func (v *values) holdsDigest(d digest) bool { return slices.Contains(v.digests, d) }
