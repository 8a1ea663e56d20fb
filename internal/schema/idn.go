package schema

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// registered are the rules for names that are registered: IDNA 2008 without
// mapping, with the rules about joiners and directions.
var registered = idna.New(
	idna.ValidateForRegistration(), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.BidiRule(), idna.CheckJoiners(true),
)

// isIDNHostname is a host name of RFC 5890 section 2.3.2.3, its labels
// separated by any of the dots of RFC 3490 section 3.1.
func isIDNHostname(s []byte) bool {
	name := strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".").Replace(string(s))
	if name == "" || name[len(name)-1] == '.' || !utf8.ValidString(name) {
		return false
	}
	encoded, err := registered.ToASCII(name)
	if err != nil || !hostname([]byte(encoded), false) {
		return false
	}
	for label := range strings.SplitSeq(encoded, ".") {
		if !aLabel([]byte(label)) {
			return false
		}
	}
	return true
}

// alabels checks the labels of a host name that look like A-labels (RFC 5890
// section 2.3.2.1). Others with hyphens in the third and fourth place are
// reserved by RFC 5891, but lawful by RFC 1123, and in use.
func alabels(s []byte) bool {
	if !bytes.Contains(s, []byte("--")) {
		return true
	}
	for label := range bytes.SplitSeq(s, []byte(".")) {
		if len(label) >= 4 && label[0]|0x20 == 'x' && label[1]|0x20 == 'n' && string(label[2:4]) == "--" && !aLabel(label) {
			return false
		}
	}
	return true
}

// aLabel checks a label: one that is encoded must be what its U-label encodes
// to, and the U-label lawful.
func aLabel(label []byte) bool {
	if len(label) < 4 || label[2] != '-' || label[3] != '-' {
		return true
	}
	lower := strings.ToLower(string(label))
	if !strings.HasPrefix(lower, "xn--") {
		return false
	}
	u, err := registered.ToUnicode(lower)
	if err != nil || u == lower || ascii([]byte(u)) {
		return false
	}
	again, err := registered.ToASCII(u)
	return err == nil && again == lower && contextual([]rune(u))
}

// contextual checks what idna leaves out: the rules of RFC 5892 appendix A for
// characters that are lawful only beside others, and the exceptions of its
// section 2.6 that are not lawful at all.
func contextual(label []rune) bool {
	eastern, extended := false, false // the two kinds of Arabic digits
	for i, r := range label {
		var before, behind rune
		if i > 0 {
			before = label[i-1]
		}
		if i+1 < len(label) {
			behind = label[i+1]
		}
		switch {
		case r == 0x00b7:
			if before != 'l' || behind != 'l' {
				return false
			}
		case r == 0x0375:
			if !unicode.Is(unicode.Greek, behind) {
				return false
			}
		case r == 0x05f3 || r == 0x05f4:
			if !unicode.Is(unicode.Hebrew, before) {
				return false
			}
		case r == 0x30fb:
			if !japanese(label) {
				return false
			}
		case r >= 0x0660 && r <= 0x0669:
			eastern = true
		case r >= 0x06f0 && r <= 0x06f9:
			extended = true
		case r == 0x0640 || r == 0x07fa || r >= 0x302e && r <= 0x302f || r >= 0x3031 && r <= 0x3035 || r == 0x303b:
			return false
		case !unicode.In(r, unicode.Letter, unicode.Mn, unicode.Mc, unicode.Nd) && !strings.ContainsRune(lawfulSymbols, r):
			return false
		}
	}
	return !eastern || !extended
}

// lawfulSymbols are no letters, digits or marks: the hyphen, the joiners,
// about which idna knows, and exceptions of RFC 5892 section 2.6.
const lawfulSymbols = "-\u200c\u200d\u06fd\u06fe\u0f0b\u3007"

// japanese tells whether a label has a character of these scripts.
func japanese(label []rune) bool {
	for _, r := range label {
		if r != 0x30fb && unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) {
			return true
		}
	}
	return false
}
