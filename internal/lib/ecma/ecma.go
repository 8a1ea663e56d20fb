// Package ecma turns the patterns of ECMA-262, which JSON Schema has, into
// regular expressions that run in linear time.
//
// Limits: lookaround, backreferences and repetitions above 1,000 have no such
// form.
package ecma

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ErrUntranslatable is why a pattern cannot run in linear time.
var ErrUntranslatable = errors.New("cannot be translated to RE2")

// Character classes of ECMA-262 that differ from those of RE2.
const (
	spaces    = `\t-\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`
	nonSpaces = `\x{0}-\x{8}\x{e}-\x{1f}!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}` +
		`\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`
	anyRune  = `[\x{0}-\x{10ffff}]`
	noRune   = `[^\x{0}-\x{10ffff}]`
	anyButNL = `[^\n\r\x{2028}\x{2029}]`
)

// maxPattern bounds a pattern in bytes.
const maxPattern = 16 << 10

// Translate turns a pattern of ECMA-262 (section 22.2, with the u flag, and
// the laxity of Annex B where it is harmless) into one of RE2 that matches the
// same, in the syntax of package regexp. The error is ErrUntranslatable for what
// has no such form, and says what is wrong with what is no pattern.
//
// Flags such as (?i), which many documents have though ECMA-262 does not, mean
// what they mean to RE2.
func Translate(pattern string) (string, error) {
	return (&translator{in: pattern}).run()
}

// Valid tells whether pattern is one of ECMA-262, be it one that Translate
// cannot do. What only other dialects have is none.
func Valid(pattern string) bool {
	_, err := (&translator{in: pattern, strict: true}).run()
	return err == nil || errors.Is(err, ErrUntranslatable)
}

func (t *translator) run() (string, error) {
	if len(t.in) > maxPattern {
		return "", fmt.Errorf("pattern of %d bytes: %w", len(t.in), ErrUntranslatable)
	}
	for t.at < len(t.in) {
		if err := t.step(); err != nil {
			return "", fmt.Errorf("pattern at byte %d: %w", t.at, err)
		}
	}
	out := t.out.String()
	if _, err := syntax.Parse(out, syntax.Perl); err != nil {
		return "", fmt.Errorf("pattern: %w", err)
	}
	return out, nil
}

type translator struct {
	in     string
	at     int
	out    strings.Builder
	strict bool // refuse what only other dialects have, though RE2 knows it
}

func (t *translator) rest() string { return t.in[t.at:] }

// step translates one element.
func (t *translator) step() error {
	switch c := t.in[t.at]; c {
	case '\\':
		return t.escape()
	case '[':
		return t.class()
	case '(':
		return t.group()
	case '.':
		t.at++
		t.out.WriteString(anyButNL)
	case '{':
		if n := quantifier(t.rest()); n > 0 {
			t.out.WriteString(t.in[t.at : t.at+n])
			t.at += n
			return nil
		}
		t.at++
		t.out.WriteString(`\{`)
	case '}', ']':
		t.at++
		t.out.WriteByte('\\')
		t.out.WriteByte(c)
	default:
		t.at++
		t.out.WriteByte(c)
	}
	return nil
}

// quantifier is the length of the {n}, {n,} or {n,m} that s starts with.
func quantifier(s string) int {
	at := 1 + digits(s[1:])
	if at == 1 {
		return 0
	}
	if at < len(s) && s[at] == ',' {
		at++
		at += digits(s[at:])
	}
	if at < len(s) && s[at] == '}' {
		return at + 1
	}
	return 0
}

func (t *translator) group() error {
	rest := t.rest()
	switch {
	case !strings.HasPrefix(rest, "(?"):
		t.at++
		t.out.WriteByte('(')
	case strings.HasPrefix(rest, "(?="), strings.HasPrefix(rest, "(?!"), strings.HasPrefix(rest, "(?<="), strings.HasPrefix(rest, "(?<!"):
		return fmt.Errorf("lookaround %w", ErrUntranslatable)
	case strings.HasPrefix(rest, "(?<"):
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return errors.New("a group name without end")
		}
		// Names play no part in matching, and RE2 is narrower about them.
		t.at += end + 1
		t.out.WriteByte('(')
	default: // (?: and modifiers, which RE2 writes the same way
		if t.strict && !strings.HasPrefix(rest, "(?:") {
			return errors.New("a group that ECMA-262 does not have")
		}
		t.at += 2
		t.out.WriteString("(?")
	}
	return nil
}

// escape translates an escape outside classes.
func (t *translator) escape() error {
	if len(t.rest()) >= 2 {
		switch c := t.in[t.at+1]; c {
		case 'b', 'B':
			t.at += 2
			t.out.WriteByte('\\')
			t.out.WriteByte(c)
			return nil
		case 'k', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			return fmt.Errorf("backreference %w", ErrUntranslatable)
		}
	}
	a, err := t.atom()
	if err != nil {
		return err
	}
	if a.set != "" {
		t.out.WriteString("[" + a.set + "]")
		return nil
	}
	t.out.WriteString(literalRune(a.r))
	return nil
}

// class translates a class in brackets.
func (t *translator) class() error {
	t.at++
	var body strings.Builder
	negated := strings.HasPrefix(t.rest(), "^")
	if negated {
		t.at++
	}
	for {
		switch {
		case t.at >= len(t.in):
			return errors.New("a class without end")
		case t.in[t.at] == ']':
			t.at++
			t.out.WriteString(bracket(body.String(), negated))
			return nil
		}
		if err := t.classPart(&body); err != nil {
			return err
		}
	}
}

func bracket(body string, negated bool) string {
	switch {
	case body == "" && negated:
		return anyRune
	case body == "":
		return noRune
	case negated:
		return "[^" + body + "]"
	}
	return "[" + body + "]"
}

// classPart translates one character, set or range of a class.
func (t *translator) classPart(body *strings.Builder) error {
	low, err := t.atom()
	if err != nil {
		return err
	}
	rest := t.rest()
	if low.set != "" || len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
		body.WriteString(low.inClass())
		return nil
	}
	t.at++
	high, err := t.atom()
	switch {
	case err != nil:
		return err
	case high.set != "": // [a-\d] is a, a hyphen and the digits (Annex B)
		body.WriteString(low.inClass() + `\-` + high.set)
	case high.r < low.r:
		return errors.New("a range in reverse")
	default:
		body.WriteString(literalRune(low.r) + "-" + literalRune(high.r))
	}
	return nil
}

// atom is one character, or a set as it stands in a class.
type atom struct {
	r   rune
	set string
}

func (a atom) inClass() string {
	if a.set != "" {
		return a.set
	}
	return literalRune(a.r)
}

// literalRune stands for r both in a class and outside.
func literalRune(r rune) string {
	if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
		return string(r)
	}
	return `\x{` + strconv.FormatInt(int64(r), 16) + `}`
}

// atom reads one character or escape.
func (t *translator) atom() (atom, error) {
	r, n := utf8.DecodeRuneInString(t.rest())
	t.at += n
	if r != '\\' {
		return atom{r: r}, nil
	}
	if t.at >= len(t.in) {
		return atom{}, errors.New("a backslash at the end")
	}
	r, n = utf8.DecodeRuneInString(t.rest())
	t.at += n
	switch r {
	case 'd', 'D', 'w', 'W':
		return atom{set: `\` + string(r)}, nil
	case 's':
		return atom{set: spaces}, nil
	case 'S':
		return atom{set: nonSpaces}, nil
	case 'p', 'P':
		return t.property(r)
	case 't':
		return atom{r: '\t'}, nil
	case 'n':
		return atom{r: '\n'}, nil
	case 'r':
		return atom{r: '\r'}, nil
	case 'f':
		return atom{r: '\f'}, nil
	case 'v':
		return atom{r: '\v'}, nil
	case 'b': // only in a class
		return atom{r: '\b'}, nil
	case '0':
		if digits(t.rest()) > 0 {
			return atom{}, fmt.Errorf("octal escape %w", ErrUntranslatable)
		}
		return atom{r: 0}, nil
	case 'c':
		return t.control()
	case 'x':
		return t.hex(2)
	case 'u':
		return t.unicode()
	}
	if r >= '1' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return atom{}, errors.New("an escape that ECMA-262 does not have")
	}
	return atom{r: r}, nil
}

func (t *translator) control() (atom, error) {
	rest := t.rest()
	if rest == "" || rest[0]|0x20 < 'a' || rest[0]|0x20 > 'z' {
		return atom{}, errors.New("no letter after \\c")
	}
	t.at++
	return atom{r: rune(rest[0] & 0x1f)}, nil
}

// hex reads n hexadecimal digits.
func (t *translator) hex(n int) (atom, error) {
	rest := t.rest()
	if len(rest) < n {
		return atom{}, errors.New("too few hexadecimal digits")
	}
	v, err := strconv.ParseUint(rest[:n], 16, 32)
	if err != nil {
		return atom{}, errors.New("too few hexadecimal digits")
	}
	t.at += n
	return atom{r: rune(v)}, nil
}

// unicode reads what follows \u: four digits, a surrogate pair, or braces.
func (t *translator) unicode() (atom, error) {
	if strings.HasPrefix(t.rest(), "{") {
		end := strings.IndexByte(t.rest(), '}')
		if end < 2 || end > 7 {
			return atom{}, errors.New("a code point without end")
		}
		v, err := strconv.ParseUint(t.rest()[1:end], 16, 32)
		if err != nil || v > utf8.MaxRune {
			return atom{}, errors.New("no code point")
		}
		t.at += end + 1
		return atom{r: rune(v)}, nil
	}
	a, err := t.hex(4)
	if err != nil || a.r < 0xd800 || a.r > 0xdfff {
		return a, err
	}
	if a.r > 0xdbff || !strings.HasPrefix(t.rest(), `\u`) {
		return atom{}, fmt.Errorf("lone surrogate %w", ErrUntranslatable)
	}
	t.at += 2
	low, err := t.hex(4)
	if err != nil || low.r < 0xdc00 || low.r > 0xdfff {
		return atom{}, fmt.Errorf("lone surrogate %w", ErrUntranslatable)
	}
	return atom{r: (a.r-0xd800)<<10 + (low.r - 0xdc00) + 0x10000}, nil
}

// property reads the {…} of \p or \P. RE2 knows scripts and the short names of
// general categories.
func (t *translator) property(letter rune) (atom, error) {
	end := strings.IndexByte(t.rest(), '}')
	if !strings.HasPrefix(t.rest(), "{") || end < 0 {
		return atom{}, errors.New("no braces after \\p")
	}
	name := t.rest()[1:end]
	t.at += end + 1
	if key, value, ok := strings.Cut(name, "="); ok {
		switch key {
		case "Script", "sc", "General_Category", "gc":
			name = value
		default:
			return atom{}, fmt.Errorf("property %w", ErrUntranslatable)
		}
	}
	if short, ok := category(name); ok {
		name = short
	}
	set := `\` + string(letter) + "{" + name + "}"
	if _, err := syntax.Parse(set, syntax.Perl); err != nil {
		return atom{}, fmt.Errorf("property %w", ErrUntranslatable)
	}
	return atom{set: set}, nil
}

// category is the short name of a general category.
func category(long string) (string, bool) {
	switch long {
	case "Letter":
		return "L", true
	case "Lowercase_Letter":
		return "Ll", true
	case "Uppercase_Letter":
		return "Lu", true
	case "Titlecase_Letter":
		return "Lt", true
	case "Modifier_Letter":
		return "Lm", true
	case "Other_Letter":
		return "Lo", true
	case "Mark":
		return "M", true
	case "Number":
		return "N", true
	case "Decimal_Number", "digit":
		return "Nd", true
	case "Letter_Number":
		return "Nl", true
	case "Other_Number":
		return "No", true
	case "Punctuation", "punct":
		return "P", true
	case "Symbol":
		return "S", true
	case "Currency_Symbol":
		return "Sc", true
	case "Separator":
		return "Z", true
	case "Space_Separator":
		return "Zs", true
	case "Other":
		return "C", true
	case "Control":
		return "Cc", true
	}
	return "", false
}

// digits counts the ASCII digits that s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}
