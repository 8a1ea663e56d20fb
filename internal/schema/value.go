package schema

import (
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// A token is the scalar that is being checked.
type token struct {
	kind    jsonx.Kind
	start   int    // its offset in the text
	raw     []byte // as written, quotes included; of a long string nothing
	escaped bool
	long    bool // a string of which only runes is known
	runes   int  // characters
}

// value reads the start of a value and asks what applies to it.
func (m *machine) value(at int) int {
	at = jsonx.Skip(m.src, at)
	if at == len(m.src) {
		return m.short(at)
	}
	c := m.src[at]
	f := &m.frames[len(m.frames)-1]
	m.node = m.base + at
	if !f.object {
		f.count++
		f.keyOff = m.node
	}
	switch {
	case f.fast && !m.drained:
		m.askFast(f)
	case c == '"' && f.tagged && m.awaited(f):
		m.state = withinTag
		return m.tag(at)
	case !m.drained:
		m.ask(f)
	}
	if m.drained {
		m.unasked(f)
	}
	m.state = withinValue
	return m.token(at)
}

// token reads a scalar, or the opening bracket of what is none.
func (m *machine) token(at int) int {
	switch c := m.src[at]; c {
	case '"':
		return m.string(at)
	case '{', '[':
		if end := m.pass(at); end >= 0 {
			return end
		}
		return m.open(at, c == '{')
	case 't':
		return m.word(at, "true", jsonx.True)
	case 'f':
		return m.word(at, "false", jsonx.False)
	case 'n':
		return m.word(at, "null", jsonx.Null)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return m.digitsAt(at)
	}
	return m.refuse(jsonx.Unexpected, at)
}

func (m *machine) string(at int) int {
	end, escaped, r := jsonx.ScanString(m.src, max(at+1, m.scanned))
	if r != "" {
		if r == jsonx.Unfinished && !m.last && end-at > maxText && !m.readsText() {
			m.tok = token{kind: jsonx.String, start: m.base + at, long: true}
			m.state = withinText
			m.scanned = 0
			return m.longText(at + 1)
		}
		return m.unfinished(r, at, end)
	}
	m.scanned = 0
	raw := m.src[at : end+1]
	if m.pieces {
		escaped = hasEscape(raw)
	}
	m.tok = token{kind: jsonx.String, start: m.base + at, raw: raw, escaped: escaped, runes: -1}
	return m.done(end + 1)
}

// maxText is how much of a string is held before it is asked whether somebody
// needs it.
const maxText = 4 << 10

// longText goes on in a string of which only the length matters.
func (m *machine) longText(at int) int {
	end, escaped, r := jsonx.ScanString(m.src, at)
	if r != "" && r != jsonx.Unfinished || r != "" && m.last {
		return m.refuse(r, end)
	}
	part := m.src[at:end]
	if escaped {
		m.decoded = jsonx.AppendText(m.decoded[:0], part)
		part = m.decoded
	}
	m.tok.runes += utf8.RuneCount(part)
	if r != "" {
		m.at = end
		return more
	}
	return m.done(end + 1)
}

func (m *machine) word(at int, word string, k jsonx.Kind) int {
	have := m.src[at:]
	if len(have) < len(word) {
		if string(have) == word[:len(have)] && !m.last {
			return m.short(at)
		}
		return m.refuse(jsonx.BadLiteral, at)
	}
	if string(have[:len(word)]) != word {
		return m.refuse(jsonx.BadLiteral, at)
	}
	m.tok = token{kind: k, start: m.base + at, raw: have[:len(word)]}
	return m.done(at + len(word))
}

func (m *machine) digitsAt(at int) int {
	if !m.last {
		end := max(at, m.scanned)
		for end < len(m.src) && inNumber(m.src[end]) {
			end++
		}
		if end == len(m.src) {
			m.scanned = end
			return m.short(at)
		}
		m.scanned = 0
	}
	end, ok := jsonx.ScanNumber(m.src, at)
	if !ok {
		return m.refuse(jsonx.BadNumber, at)
	}
	m.tok = token{kind: jsonx.Number, start: m.base + at, raw: m.src[at:end]}
	return m.done(end)
}

func inNumber(c byte) bool {
	return c-'0' <= 9 || c == '.' || c == '-' || c == '+' || c|0x20 == 'e'
}

// done checks the scalar that was read and ends it at this offset.
func (m *machine) done(at int) int {
	m.calls = 0
	f := &m.frames[len(m.frames)-1]
	if f.fast {
		if p := m.only; p != nil && (!p.plain || !m.fits(p)) {
			m.scalarOf(f, p)
		}
	} else {
		m.scalars(f)
	}
	if f.digests {
		m.digest = m.tokenDigest()
		m.digested(f, at)
	}
	return m.ended(f, at)
}

// ended ends the value of f that was read. f is the frame on top.
func (m *machine) ended(f *frame, at int) int {
	if len(m.patch) > f.patch {
		m.patched(f.patch, m.base+at)
	}
	for k := len(m.contested) - 1; k >= f.contested && m.contested[k].node == m.node; k-- {
		m.contested[k].end = m.base + at
	}
	if len(m.edges) > f.kids {
		m.listen(f)
		m.edges, m.wants = m.edges[:f.kids], m.wants[:0]
	}
	m.state = behindValue
	if len(m.frames) == 1 {
		m.state = behindAll
	}
	return at
}

// tokenText is the decoded text of a string, good until the next call.
func (m *machine) tokenText() []byte {
	raw := m.tok.raw[1 : len(m.tok.raw)-1]
	if !m.tok.escaped {
		return raw
	}
	m.decoded = jsonx.AppendText(m.decoded[:0], raw)
	return m.decoded
}

func (m *machine) tokenDigest() digest {
	switch m.tok.kind {
	case jsonx.True:
		return digest{}.mixed(trueSalt)
	case jsonx.False:
		return digest{}.mixed(falseSalt)
	case jsonx.Number:
		var d decimal
		d, m.digits = parseDecimal(m.tok.raw, m.digits)
		return m.seeds.number(d)
	case jsonx.String:
		return m.seeds.of(m.tokenText()).mixed(stringSalt)
	case jsonx.Null, jsonx.Array, jsonx.Object:
	}
	return digest{}.mixed(nullSalt)
}

// digested adds the digest of a value, which ends at an offset, to that of the
// frame around it.
func (m *machine) digested(f *frame, end int) {
	if f.object {
		f.digest = f.digest.beside(m.seeds.of(m.nameOf(f)), m.digest)
		return
	}
	if f.unique && !f.twice {
		if f.table < 0 {
			m.table(&f.seenNames)
		}
		f.twice = m.tables[f.table].add(m.digest) && (m.pieces || m.exact.repeats(m.src, f.start, m.node, end))
	}
	f.digest = f.digest.behind(m.digest)
}

// readsText tells whether anybody asks for the text of the string that is read.
func (m *machine) readsText() bool {
	f := &m.frames[len(m.frames)-1]
	if f.digests {
		return true
	}
	if f.fast {
		return m.only != nil && m.only.reads
	}
	for i := range m.wants {
		if m.wants[i].p.reads {
			return true
		}
	}
	return false
}
