package errors

import (
	"bytes"
	"encoding/binary"
	"strings"
	"sync"
)

// A sieve tells in a fraction of the time of a scan that a text cannot hold a
// proof or a frame: nearly every lawful reply. It looks at every second group
// of four bytes, so each mark needs a core of five that no folding changes. A
// mark without one, a bare path, does not set off a scan of a success.
type sieve struct {
	groups [1 << 10]uint64 // by hash
	whole  [1 << 8]uint64  // cores by hash, which spares most look-ups
	cores  map[[coreLen]byte]bool
}

// coreLen is the length of a core: four bytes at two places.
const coreLen = 5

// cores is the sieve of the marks.
var cores = sync.OnceValue(func() *sieve {
	s := &sieve{cores: map[[coreLen]byte]bool{}}
	for _, m := range marks() {
		if m.weight != proof && m.weight != frame {
			continue
		}
		for _, c := range core(m.text) {
			s.add(c)
			s.add(c[1:])
			s.cores[[coreLen]byte([]byte(c))] = true
			h := hashCore([]byte(c))
			s.whole[h>>6] |= 1 << (h & 63)
		}
	}
	return s
})

// add lets the first four bytes of text through.
func (s *sieve) add(text string) {
	h := hash(binary.LittleEndian.Uint32([]byte(text)))
	s.groups[h>>6] |= 1 << (h & 63)
}

// has is 1 for a group that goes through, and 0.
func (s *sieve) has(group uint32) uint64 {
	h := hash(group)
	return s.groups[h>>6] >> (h & 63) & 1
}

// holds tells whether a core stands at text[i:] or one byte before.
func (s *sieve) holds(text []byte, i int) bool {
	for _, from := range [...]int{i, i - 1} {
		if from < 0 || from+coreLen > len(text) {
			continue
		}
		if h := hashCore(text[from:]); s.whole[h>>6]>>(h&63)&1 == 0 {
			continue
		}
		c := [coreLen]byte(text[from:])
		for k := range c {
			if c[k] >= 'A' && c[k] <= 'Z' {
				c[k] += 'a' - 'A'
			}
		}
		if s.cores[c] {
			return true
		}
	}
	return false
}

// hash folds the case of a group. Signs that fall together cost time only.
func hash(v uint32) uint32 { return (v | 0x20202020) * 0x9e3779b1 >> 16 }

// hashCore does so for a core, at the start of text.
func hashCore(text []byte) uint64 {
	v := uint64(binary.LittleEndian.Uint32(text)|0x20202020)<<8 | uint64(text[4]|0x20)
	return v * 0x9e3779b97f4a7c15 >> 50
}

// calm tells that text holds nothing to scan for. Text in which letters are
// hidden, by NUL or by escapes that nobody needs, is not calm.
func (s *sieve) calm(text []byte) bool {
	if bytes.IndexByte(text, 0) >= 0 {
		return false
	}
	i := 0
	for ; i+8 <= len(text); i += 6 { // three groups in one word
		w := binary.LittleEndian.Uint64(text[i:])
		a, b, c := s.has(uint32(w)), s.has(uint32(w>>16)), s.has(uint32(w>>32)) //nolint:gosec // groups are parts of the word
		if a|b|c != 0 && (a != 0 && s.holds(text, i) || b != 0 && s.holds(text, i+2) || c != 0 && s.holds(text, i+4)) {
			return false
		}
	}
	for ; i+4 <= len(text); i += 2 {
		if s.has(binary.LittleEndian.Uint32(text[i:])) != 0 && s.holds(text, i) {
			return false
		}
	}
	for rest := text; ; {
		at := bytes.Index(rest, []byte(`\u00`))
		if at < 0 {
			return true
		}
		rest = rest[at+4:]
		if len(rest) >= 2 && !bytes.Contains([]byte(` 22 26 27 2b 2B 2f 2F 3c 3C 3d 3D 3e 3E 60 `), rest[:2]) && rest[0] >= '2' && rest[0] <= '7' {
			return false
		}
	}
}

// core returns the ways in which five bytes of a mark may stand in a text: the
// rarest five that no folding and no escape touches, or four and one sign
// behind them in all its forms. It is nil where the mark has none.
func core(text string) []string {
	best, rarest := "", -1
	for from := 0; from+coreLen <= len(text); from++ {
		c := text[from:][:coreLen]
		if strings.IndexFunc(c[:coreLen-1], func(r rune) bool { return !plainSign(byte(r)) }) >= 0 {
			continue
		}
		if n := worth(c); n > rarest {
			best, rarest = c, n
		}
	}
	if best == "" {
		return nil
	}
	last := behind(best)
	if last == "" {
		return []string{best}
	}
	var out []string
	for _, c := range []byte(last) {
		out = append(out, best[:coreLen-1]+string(c))
	}
	return out
}

// worth is how rare a group is in replies, at least 1; 0 for a frequent one.
func worth(group string) int {
	if strings.Contains(frequent, group) {
		return 0
	}
	n := 1
	for _, c := range []byte(group) {
		n += rarity(c)
	}
	return n
}

// frequent holds groups of rare letters that replies are full of all the same.
const frequent = "label provi valid query index stack local javas"

// rarity is how rare a sign is in replies: letters by their frequency in
// English, other signs in the middle, a folded one last.
func rarity(c byte) int {
	const byFrequency = "etaoinsrhldcumfpgwybvkxjqz"
	switch at := strings.IndexByte(byFrequency, c); {
	case at >= 0:
		return at
	case plainSign(c):
		return len(byFrequency) / 2
	}
	return 0
}

// plainSign tells whether c is folded by case alone and never escaped.
func plainSign(c byte) bool { return behind(string(c)) == "" }

// behind is what the last sign of text may be in a message: the forms of
// blanks, numbers and signs that JSON writers escape. It is "" for others.
func behind(text string) string {
	switch c := text[len(text)-1]; c {
	case ' ':
		return " \t\n\r\v\f\\"
	case '0':
		return "0123456789"
	case '/':
		return `/\`
	case '"', '\'', '<', '>', '&', '+', '`', '=':
		return string(c) + `\`
	}
	return ""
}
