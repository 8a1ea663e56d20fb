package jsonx

import "strconv"

// Reason is the stable short name of a refusal.
type Reason string

// Why text is refused.
const (
	Empty         Reason = "empty"             // no value
	Size          Reason = "size"              // 2 GiB or more
	ByteOrderMark Reason = "byte-order-mark"   // RFC 8259 section 8.1
	Depth         Reason = "depth"             // nested too deep
	Nodes         Reason = "nodes"             // too many values
	Trailing      Reason = "trailing-data"     // something behind the value
	Unexpected    Reason = "unexpected"        // a byte that cannot stand here
	Unfinished    Reason = "unfinished"        // the text ends too early
	BadLiteral    Reason = "literal"           // not true, false or null
	BadNumber     Reason = "number"            // not RFC 8259 section 6
	BadEscape     Reason = "escape"            // not RFC 8259 section 7
	Surrogate     Reason = "lone-surrogate"    // half a pair in \u
	Control       Reason = "control-character" // raw below 0x20 in a string
	UTF8          Reason = "utf8"              // not well-formed
	Duplicate     Reason = "duplicate-name"    // a member name twice
)

// Error is a refusal: why, and at which byte. It never quotes the text.
type Error struct {
	Reason Reason
	Offset int
}

// Error names the reason and the place.
func (e *Error) Error() string {
	return "JSON: " + string(e.Reason) + " at byte " + strconv.Itoa(e.Offset)
}
