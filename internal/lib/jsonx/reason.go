package jsonx

import "strconv"

// Reason is the stable short name of a refusal.
type Reason string

// The reasons. They are public: events and tests name them.
const (
	// Empty: no value.
	Empty Reason = "empty"
	// Size: 2 GiB or more.
	Size Reason = "size"
	// ByteOrderMark: RFC 8259 section 8.1.
	ByteOrderMark Reason = "byte-order-mark"
	// Depth: nested too deep.
	Depth Reason = "depth"
	// Nodes: too many values.
	Nodes Reason = "nodes"
	// Trailing: something behind the value.
	Trailing Reason = "trailing-data"
	// Unexpected: a byte that cannot stand here.
	Unexpected Reason = "unexpected"
	// Unfinished: the text ends where something has to follow.
	Unfinished Reason = "unfinished"
	// BadLiteral: not true, false or null.
	BadLiteral Reason = "literal"
	// BadNumber: not RFC 8259 section 6.
	BadNumber Reason = "number"
	// BadEscape: not RFC 8259 section 7.
	BadEscape Reason = "escape"
	// Surrogate: half a surrogate pair in \u escapes.
	Surrogate Reason = "lone-surrogate"
	// Control: raw below 0x20 in a string.
	Control Reason = "control-character"
	// UTF8: not well-formed.
	UTF8 Reason = "utf8"
	// Duplicate: a member name twice in one object, compared after unescaping.
	Duplicate Reason = "duplicate-name"
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
