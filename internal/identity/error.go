package identity

import (
	"errors"

	"github.com/sallyport/sallyport/source"
)

// The codes of this package; each has a page.
const (
	CodeMalformed source.Code = "key/malformed"
	CodeChecksum  source.Code = "key/checksum"
	CodeUnknown   source.Code = "key/unknown"
	CodeExpired   source.Code = "key/expired"
	CodeRevoked   source.Code = "key/revoked"
	CodeRotated   source.Code = "key/rotated"
	CodeAmbiguous source.Code = "key/ambiguous"
	CodePrefix    source.Code = "key/prefix"
	CodeName      source.Code = "key/name"
	CodeOwner     source.Code = "key/owner"
	CodeScope     source.Code = "key/scope"
	CodeTier      source.Code = "key/tier"
	CodeExpiry    source.Code = "key/expiry"
	CodeOverlap   source.Code = "key/overlap"
	CodeReason    source.Code = "key/reason"
	CodeExposed   source.Code = "key/exposed"
	CodeConflict  source.Code = "key/conflict"
)

// An Error tells the user what is wrong and what to do next. None of its
// fields ever holds a key or a part of one beyond its hint.
type Error struct {
	Code source.Code
	Text string // one lower-case sentence without a full stop
	Hint string // the next step; may be empty
}

// Error is the code and the text; the hint stands apart.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Text }

// What a store answers; everything else it returns is a failure of its own.
var (
	// ErrTaken says that the id or the digest of a new key is in use.
	ErrTaken = errors.New("the key is in the store already")
	// ErrConflict says that the key is not there, or not in the state that
	// the change needs: another process was faster.
	ErrConflict = errors.New("the key has changed meanwhile")
)

// A Reason is what a check of a key found. The zero Reason refuses.
type Reason uint8

// The reasons, in the order in which they are looked for.
const (
	Malformed   Reason = iota // not the text of a key
	BadChecksum               // mistyped
	Unknown                   // well-formed, never issued here
	Revoked                   // withdrawn
	RotatedOut                // replaced, and the overlap is over
	Expired                   // past its end
	Valid                     // usable now
)

// String is the reason in words, fit for an event.
func (r Reason) String() string {
	switch r {
	case Malformed:
		return "malformed"
	case BadChecksum:
		return "bad checksum"
	case Unknown:
		return "unknown"
	case Revoked:
		return "revoked"
	case RotatedOut:
		return "rotated out"
	case Expired:
		return "expired"
	case Valid:
		return "valid"
	}
	return "malformed"
}

// Code is the code of the page that explains the reason; "" for Valid.
func (r Reason) Code() source.Code {
	switch r {
	case Malformed:
		return CodeMalformed
	case BadChecksum:
		return CodeChecksum
	case Unknown:
		return CodeUnknown
	case Revoked:
		return CodeRevoked
	case RotatedOut:
		return CodeRotated
	case Expired:
		return CodeExpired
	case Valid:
		return ""
	}
	return CodeMalformed
}
