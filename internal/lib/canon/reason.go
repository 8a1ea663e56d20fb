// Package canon brings a request target into the one form that routing,
// authorization and the upstream all see (RFC 3986 section 6, RFC 9112 section
// 3.2). It never guesses: what two parsers could read in two ways is refused
// with a Reason, not repaired. The good path allocates nothing, and text that
// is already canonical is returned as it came.
package canon

import "strconv"

// Reason is the stable short name of a refusal. It never quotes the input.
type Reason string

// The reasons. They are public: events and tests name them.
const (
	// Empty: the target, path or name has no bytes.
	Empty Reason = "empty"
	// Length: more bytes than the limit.
	Length Reason = "length"
	// Relative: the path does not start with a slash.
	Relative Reason = "relative"
	// EmptySegment: two slashes with nothing between them.
	EmptySegment Reason = "empty-segment"
	// DotSegment: a segment of dots only, raw, encoded or with parameters.
	DotSegment Reason = "dot-segment"
	// EncodedSlash: %2F.
	EncodedSlash Reason = "encoded-slash"
	// Backslash: raw or %5C.
	Backslash Reason = "backslash"
	// Control: NUL or another control character, raw or encoded.
	Control Reason = "control"
	// Space: a raw space.
	Space Reason = "space"
	// DoubleEncoding: a percent sign that, once decoded, starts a triplet again.
	DoubleEncoding Reason = "double-encoding"
	// Percent: a percent sign without two hexadecimal digits.
	Percent Reason = "percent"
	// UTF8: the decoded bytes are not well-formed UTF-8 (overlong forms too).
	UTF8 Reason = "utf8"
	// NonASCII: a raw byte above 0x7E; such text must be percent-encoded.
	NonASCII Reason = "non-ascii"
	// Lookalike: a character that folds to a slash, backslash or dots.
	Lookalike Reason = "lookalike"
	// Parameter: a raw semicolon where path parameters are not allowed.
	Parameter Reason = "parameter"
	// Fragment: a number sign; a fragment never travels.
	Fragment Reason = "fragment"
	// Character: an ASCII character that RFC 3986 does not allow there.
	Character Reason = "character"
	// Pairs: more query pairs than the limit.
	Pairs Reason = "pairs"
	// Form: the target has none of the four forms of RFC 9112 section 3.2, or
	// one that does not go with the method.
	Form Reason = "form"
	// Userinfo: credentials in an authority (RFC 9110 section 4.2.4).
	Userinfo Reason = "userinfo"
	// Token: a field name that is not a token (RFC 9110 section 5.6.2).
	Token Reason = "token"
	// Whitespace: a field value with white space at an end.
	Whitespace Reason = "whitespace"
)

// Error is a refusal: why, and at which byte of the input.
type Error struct {
	Reason Reason
	// Offset counts bytes of the raw input from 0. A refusal that concerns a
	// whole segment points at the segment's first byte.
	Offset int
}

// Error names the reason and the place, never the input.
func (e *Error) Error() string {
	return "canonical form: " + string(e.Reason) + " at byte " + strconv.Itoa(e.Offset)
}

func refuse(r Reason, at int) *Error { return &Error{Reason: r, Offset: at} }
