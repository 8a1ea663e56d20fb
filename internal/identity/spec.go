package identity

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/source"
)

// The bounds of what a key may say. Lengths are bytes.
const (
	DefaultLife    = 90 * 24 * time.Hour  // long enough for a quarter, short enough to practise rotation
	DefaultMaxLife = 400 * 24 * time.Hour // a year and a month to renew it
	DefaultOverlap = 24 * time.Hour       // for callers of Rotate that ask the user nothing
	MaxOverlap     = 30 * 24 * time.Hour
	DefaultTier    = "free"

	maxName   = 100
	maxOwner  = 200
	maxScopes = 64
	maxScope  = 64
	maxTier   = 32
	maxReason = 200
)

// A Spec is what a new key shall be.
type Spec struct {
	Name   string        // required
	Owner  string        // required
	Scopes []string      // at most 64
	Tier   string        // "" is DefaultTier
	Life   time.Duration // 0 is the default of the installation, else at least a minute
}

// check returns the first thing that is wrong with s as an *Error.
func (s Spec) check(maxLife time.Duration) error {
	if err := checkLine(s.Name, CodeName, "the name", maxName); err != nil {
		return err
	}
	if err := checkOwner(s.Owner); err != nil {
		return err
	}
	if err := checkScopes(s.Scopes); err != nil {
		return err
	}
	if err := checkTier(s.Tier); err != nil {
		return err
	}
	return checkLife(s.Life, maxLife)
}

// checkLine accepts one line of printable text that hides nothing: no control
// character, no change of direction, no key.
func checkLine(s string, code source.Code, what string, limit int) error {
	fail := func(why string) error {
		return &Error{Code: code, Text: what + " " + why, Hint: fmt.Sprintf("use 1 to %d bytes of printable text", limit)}
	}
	switch {
	case s == "":
		return fail("is empty")
	case len(s) > limit:
		return fail(fmt.Sprintf("is longer than %d bytes", limit))
	case !utf8.ValidString(s):
		return fail("is not UTF-8")
	case strings.TrimSpace(s) != s:
		return fail("begins or ends with a blank")
	case strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fail("has a character that cannot be printed")
	case showsKey(s):
		return exposed(what)
	}
	return nil
}

func checkOwner(s string) error {
	hint := fmt.Sprintf("use 1 to %d letters, digits and ._@:/|+=#~-, such as alice or payments@acme.com", maxOwner)
	switch {
	case s == "":
		return &Error{Code: CodeOwner, Text: "the key has no owner", Hint: hint}
	case len(s) > maxOwner || !only(s, "._@:/|+=#~-"):
		return &Error{Code: CodeOwner, Text: "the owner is too long or has a character that is not allowed", Hint: hint}
	case showsKey(s):
		return exposed("the owner")
	}
	return nil
}

func checkScopes(scopes []string) error {
	if len(scopes) > maxScopes {
		return &Error{Code: CodeScope, Text: fmt.Sprintf("the key has %d scopes, and at most %d are allowed", len(scopes), maxScopes)}
	}
	for i, s := range scopes {
		if s == "" || len(s) > maxScope || !only(s, ":._/-") {
			return &Error{Code: CodeScope, Text: fmt.Sprintf("scope %d is empty, too long or has a character that is not allowed", i+1),
				Hint: fmt.Sprintf("use 1 to %d letters, digits and :._/-, such as orders:write", maxScope)}
		}
		if showsKey(s) {
			return exposed(fmt.Sprintf("scope %d", i+1))
		}
	}
	return nil
}

func checkTier(s string) error {
	if s == "" {
		return nil
	}
	if len(s) > maxTier || !only(s, "-_") || showsKey(s) {
		return &Error{Code: CodeTier, Text: "the tier is too long or has a character that is not allowed",
			Hint: fmt.Sprintf("use 1 to %d letters, digits, - and _, such as free", maxTier)}
	}
	return nil
}

func checkLife(d, limit time.Duration) error {
	if d == 0 || (d >= time.Minute && d <= limit) {
		return nil
	}
	return &Error{Code: CodeExpiry, Text: fmt.Sprintf("a key cannot live for %s: every key ends, after %s at the latest", days(d), days(limit)),
		Hint: "ask for a shorter life, and rotate the key before it ends"}
}

// days prints whole days as such, anything else as Go does.
func days(d time.Duration) string {
	if day := 24 * time.Hour; d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	return d.String()
}

// only tells whether s consists of ASCII letters, digits and extra.
func only(s, extra string) bool {
	for i := range len(s) {
		if !isBase62(s[i:i+1]) && strings.IndexByte(extra, s[i]) < 0 {
			return false
		}
	}
	return true
}

// What free text may hold: the hint of a key, but not much more of it; and
// words, ids and digests of others, but nothing like a key without its prefix.
const (
	maxShownTail = 8
	maxRun       = 40
)

// showsKey tells whether s holds a key or a good part of one, pasted by
// mistake into a field that is stored and shown.
func showsKey(s string) bool {
	run := 0
	for i := range len(s) {
		if run++; !isBase62(s[i : i+1]) {
			run = 0
		}
		if run >= maxRun && mixed(s[i+1-maxRun:i+1]) || run >= maxShownTail && strings.HasSuffix(s[:i+1-run], infix) {
			return true
		}
	}
	return false
}

// mixed tells whether s has capitals, small letters and digits: hexadecimal
// digests have not.
func mixed(s string) bool {
	return strings.ContainsAny(s, alphabet[:10]) && strings.ContainsAny(s, alphabet[10:36]) && strings.ContainsAny(s, alphabet[36:])
}

func exposed(what string) error {
	return &Error{Code: CodeExposed, Text: what + " holds a key, and it would be stored and shown",
		Hint: "write something else, and revoke that key if others may have seen it"}
}

// scopeSet sorts scopes and drops repetitions; none is nil.
func scopeSet(scopes []string) []string {
	if len(scopes) == 0 {
		return nil
	}
	out := slices.Clone(scopes)
	slices.Sort(out)
	return slices.Compact(out)
}
