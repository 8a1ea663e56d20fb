package schema

import (
	"regexp"
	"regexp/syntax"
	"unicode"
)

// A matcher is a compiled pattern. Most patterns of contracts are a row of
// ASCII character classes with counts, between ^ and $; these run over the
// bytes at once, the others as a regular expression.
type matcher struct {
	re    *regexp.Regexp
	row   []charClass // nil: use re
	open  bool        // what follows the row does not matter
	first *charClass  // what a text has to begin with; nil: it need not
}

// charClass is one class of the row and how often it stands.
type charClass struct {
	set      [2]uint64 // of ASCII characters
	min, max int       // max below 0: without limit
}

func (c *charClass) has(b byte) bool { return b < 0x80 && c.set[b>>6]&(1<<(b&63)) != 0 }

// newMatcher compiles a translated pattern.
func newMatcher(translated string) (*matcher, error) {
	re, err := regexp.Compile(translated)
	if err != nil {
		return nil, err
	}
	m := &matcher{re: re}
	if tree, err := syntax.Parse(translated, syntax.Perl); err == nil {
		m.row, m.open = rowOf(tree)
		m.first = firstOf(tree)
	}
	return m, nil
}

// match tells whether the pattern is found in text.
func (m *matcher) match(text []byte) bool {
	if m.first != nil && (len(text) == 0 || !m.first.has(text[0])) {
		return false
	}
	if m.row == nil {
		return m.re.Match(text)
	}
	at := 0
	for k := range m.row {
		c := &m.row[k]
		n := 0
		for at < len(text) && n != c.max && c.has(text[at]) {
			at++
			n++
		}
		if n < c.min {
			return false
		}
	}
	return m.open || at == len(text)
}

// firstOf is the class that the first character of a text must have, nil where
// the pattern does not say.
func firstOf(tree *syntax.Regexp) *charClass {
	if tree.Op != syntax.OpConcat || len(tree.Sub) < 2 || tree.Sub[0].Op != syntax.OpBeginText {
		return nil
	}
	row, ok := appendClass(nil, tree.Sub[1])
	if !ok || len(row) == 0 || row[0].min == 0 {
		return nil
	}
	return &row[0]
}

// rowOf returns the row that a pattern is, nil where it is something else, and
// whether anything may follow it.
func rowOf(tree *syntax.Regexp) (row []charClass, open bool) {
	if tree.Op != syntax.OpConcat || len(tree.Sub) < 2 || tree.Sub[0].Op != syntax.OpBeginText {
		return nil, false
	}
	parts := tree.Sub[1:]
	open = parts[len(parts)-1].Op != syntax.OpEndText
	if !open {
		parts = parts[:len(parts)-1]
	}
	if len(parts) == 0 {
		return nil, false
	}
	for _, part := range parts {
		var ok bool
		if row, ok = appendClass(row, part); !ok {
			return nil, false
		}
	}
	// Taking as much as possible is right only where what may follow cannot
	// start with the same character.
	for k := range row {
		if row[k].min == row[k].max {
			continue
		}
		for next := k + 1; next < len(row); next++ {
			if row[k].set[0]&row[next].set[0] != 0 || row[k].set[1]&row[next].set[1] != 0 {
				return nil, false
			}
			if row[next].min > 0 {
				break
			}
		}
	}
	return row, open
}

func appendClass(row []charClass, part *syntax.Regexp) ([]charClass, bool) {
	least, most := 1, 1
	switch part.Op {
	case syntax.OpStar:
		least, most = 0, -1
	case syntax.OpPlus:
		least, most = 1, -1
	case syntax.OpQuest:
		least, most = 0, 1
	case syntax.OpRepeat:
		least, most = part.Min, part.Max
	case syntax.OpLiteral:
		for _, r := range part.Rune {
			c := charClass{min: 1, max: 1}
			if part.Flags&syntax.FoldCase != 0 || !c.add(r, r) {
				return nil, false
			}
			row = append(row, c)
		}
		return row, true
	default:
		return appendSet(row, part, 1, 1)
	}
	return appendSet(row, part.Sub[0], least, most)
}

// appendSet appends one class, or one character with a count.
func appendSet(row []charClass, part *syntax.Regexp, least, most int) ([]charClass, bool) {
	c := charClass{min: least, max: most}
	switch {
	case part.Op == syntax.OpLiteral && len(part.Rune) == 1 && part.Flags&syntax.FoldCase == 0:
		if !c.add(part.Rune[0], part.Rune[0]) {
			return nil, false
		}
	case part.Op == syntax.OpCharClass:
		for k := 0; k < len(part.Rune); k += 2 {
			if !c.add(part.Rune[k], part.Rune[k+1]) {
				return nil, false
			}
		}
	default:
		return nil, false
	}
	return append(row, c), true
}

// add adds a range; false where it is not of ASCII.
func (c *charClass) add(from, to rune) bool {
	if to > unicode.MaxASCII {
		return false
	}
	for r := from; r <= to; r++ {
		c.set[r>>6] |= 1 << (r & 63)
	}
	return true
}
