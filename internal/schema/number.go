package schema

import "github.com/sallyport/sallyport/contract"

// numberRules are the keywords about numbers.
type numberRules struct {
	whole    bool // integers only
	bounds   []bound
	multiple *decimal
	format   numberFormat
	step     int64 // multiple is step / 10^places, where it is short; else 0
	places   int
}

// A bound is one of the four limits.
type bound struct {
	rule      string
	at        decimal
	small     int64
	isSmall   bool
	sign      int // 1: the value must not be above at, -1: not below
	exclusive bool
}

type numberFormat struct {
	word     string
	from, to decimal
	set      bool
}

// newNumberRules returns the rules of s, nil where it has none. A literal that
// is no number says nothing: the front end has refused it.
func newNumberRules(s *contract.Schema) *numberRules {
	n := &numberRules{whole: s.Types&contract.IntegerType != 0 && s.Types&contract.NumericType == 0}
	for _, b := range []struct {
		rule      string
		text      contract.Number
		sign      int
		exclusive bool
	}{
		{"minimum", s.Minimum, -1, false},
		{"maximum", s.Maximum, 1, false},
		{"exclusiveMinimum", s.ExclusiveMinimum, -1, true},
		{"exclusiveMaximum", s.ExclusiveMaximum, 1, true},
	} {
		if !validNumber(string(b.text)) {
			continue
		}
		x := bound{rule: b.rule, at: literal(string(b.text)), sign: b.sign, exclusive: b.exclusive}
		x.small, x.isSmall = smallInt([]byte(b.text))
		n.bounds = append(n.bounds, x)
	}
	if validNumber(string(s.MultipleOf)) {
		m := literal(string(s.MultipleOf))
		n.multiple = &m
		n.step, n.places, _ = shortNumber([]byte(s.MultipleOf))
	}
	n.format = numberFormats(s.Format)
	if !n.whole && n.bounds == nil && n.multiple == nil && !n.format.set {
		return nil
	}
	return n
}

// literal is the exact value of a number of a document.
func literal(text string) decimal {
	d, _ := parseDecimal([]byte(text), nil)
	return d
}

// numberFormats are the formats of numbers (OpenAPI 3.1 section 4.4).
func numberFormats(word string) numberFormat {
	limits := func(from, to string) numberFormat {
		return numberFormat{word: word, from: literal(from), to: literal(to), set: true}
	}
	switch word {
	case "int32":
		return limits("-2147483648", "2147483647")
	case "int64":
		return limits("-9223372036854775808", "9223372036854775807")
	case "float":
		return limits("-3.40282346638528859811704183484516925440e38", "3.40282346638528859811704183484516925440e38")
	case "double":
		return limits("-1.79769313486231570814527423731704356798070e308", "1.79769313486231570814527423731704356798070e308")
	}
	return numberFormat{}
}

// numberOf checks a number.
func (m *machine) numberOf(p *program) bool {
	n := p.number
	if v, places, ok := shortNumber(m.tok.raw); ok && n.fast(v, places) {
		return true
	}
	var d decimal
	d, m.digits = parseDecimal(m.tok.raw, m.digits)
	ok := true
	if n.whole && !d.whole() {
		return m.wrong("type", p)
	}
	for k := range n.bounds {
		b := &n.bounds[k]
		c := d.compare(b.at) * b.sign
		if c > 0 || c == 0 && b.exclusive {
			ok = m.wrong(b.rule, p)
		}
	}
	if n.multiple != nil && !d.multipleOf(*n.multiple) {
		ok = m.wrong("multipleOf", p)
	}
	if n.format.set && (d.compare(n.format.from) < 0 || d.compare(n.format.to) > 0 || n.format.integer() && !d.whole()) {
		ok = m.wrong("format", p)
	}
	return ok
}

// only tells whether n asks for whole numbers and no more.
func (n *numberRules) only() bool {
	return n.whole && n.bounds == nil && n.multiple == nil && !n.format.set
}

// integer tells whether the format takes whole numbers only.
func (f numberFormat) integer() bool { return f.word == "int32" || f.word == "int64" }

// shortNumber reads a number of at most 18 digits without an exponent, the form that
// nearly all have, as v / 10^places.
func shortNumber(text []byte) (v int64, places int, ok bool) {
	negative := len(text) > 0 && text[0] == '-'
	if negative {
		text = text[1:]
	}
	if len(text) > 18 {
		return 0, 0, false
	}
	for k, c := range text {
		switch {
		case c-'0' <= 9:
			v = v*10 + int64(c-'0')
		case c == '.':
			places = len(text) - k - 1
		default:
			return 0, 0, false
		}
	}
	if negative {
		v = -v
	}
	return v, places, true
}

// scaled is v * 10^places; false where it does not fit.
func scaled(v int64, places int) (int64, bool) {
	for ; places > 0; places-- {
		if v > maxScaled || v < -maxScaled {
			return 0, false
		}
		v *= 10
	}
	return v, true
}

const maxScaled = 1<<63/10 - 1

// fast tells whether v / 10^places surely keeps all rules; where it does not,
// the exact way decides.
func (n *numberRules) fast(v int64, places int) bool {
	for k := range n.bounds {
		b := &n.bounds[k]
		limit, ok := scaled(b.small, places)
		if !b.isSmall || !ok {
			return false
		}
		if b.sign > 0 && v > limit || b.sign < 0 && v < limit || b.exclusive && v == limit {
			return false
		}
	}
	if places > 0 && (n.whole || n.format.integer()) {
		return false
	}
	if n.multiple != nil && !n.divides(v, places) {
		return false
	}
	// 18 digits are within int64 and, as numbers, within float and double.
	return n.format.word != "int32" || v >= -1<<31 && v < 1<<31
}

// divides tells whether v / 10^places surely is a multiple.
func (n *numberRules) divides(v int64, places int) bool {
	step := n.step
	ok := true
	if places < n.places {
		v, ok = scaled(v, n.places-places)
	} else {
		step, ok = scaled(step, places-n.places)
	}
	return ok && step > 0 && v%step == 0
}
