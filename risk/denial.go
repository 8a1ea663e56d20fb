package risk

import (
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/source"
)

// A Denial ends an exchange with a problem document. It is made when its guard
// is made and shared by all exchanges.
type Denial struct {
	Code   fault.Code
	Status int    // 400 to 599
	Title  string // public, the same for every denial of this code
	Reason string // for the event, never for the client

	// Fields are added to the answer: WWW-Authenticate, Retry-After.
	Fields []Field
	// Allow adds the Allow field with the methods of the path.
	Allow bool
	// Show says whose violations the problem document lists.
	Show Shown
	// At is the line of the policy or contract that decided, where it is fixed.
	// Otherwise the first violation shown has it.
	At source.Span
	// Close asks for the connection to be closed after the answer.
	Close bool
}

// Shown says which Reading a problem document lists.
type Shown uint8

// What may be shown. Violations hold places and rules, never values. Those of
// a reply are never shown to clients; they go to the event.
const (
	ShowNothing Shown = iota
	ShowHead
	ShowBody
)

// An Answer ends an exchange with a reply of our own that is no refusal.
type Answer struct {
	Status int
	Fields []Field
	Body   []byte
	Reason string // for the event
}

// Side is the message that an Edit changes.
type Side uint8

// The sides.
const (
	OnRequest Side = iota + 1
	OnReply
)

// A Stage orders edits; see DESIGN section 5. Where body edits overlap, the
// one that removes more wins.
type Stage uint8

// The stages in order.
const (
	DecryptIDs Stage = iota + 1
	Decide
	Strip
	Mask
	EncryptIDs
)

// Do is what an Edit does.
type Do uint8

// The edits of a head, then those of a body.
const (
	SetField     Do = iota + 1 // replaces all fields called Name by one
	AddField                   // appends one field
	RemoveField                // removes all fields called Name
	RemoveCookie               // of a request: removes the cookie called Name
	RemovePair                 // of a request: removes the query pair called Name
	CutMember                  // removes the JSON member or element whose bytes are Start to End, with its comma
	ReplaceSpan                // puts Value in place of the bytes Start to End
	HideBody                   // of a reply: puts a problem document with Code and Title in place of the body, keeping the status
)

// String is the name of d in records and metrics.
func (d Do) String() string {
	switch d {
	case SetField:
		return "set-field"
	case AddField:
		return "add-field"
	case RemoveField:
		return "remove-field"
	case RemoveCookie:
		return "remove-cookie"
	case RemovePair:
		return "remove-pair"
	case CutMember:
		return "cut"
	case ReplaceSpan:
		return "replace"
	case HideBody:
		return "hide-body"
	}
	return "edit"
}

// An Edit is one change of a message.
type Edit struct {
	Do         Do
	On         Side
	Stage      Stage
	Name       string
	Value      string
	Start, End int        // byte offsets into the body as the Reading saw it
	Pointer    string     // for the event
	Code       fault.Code // of HideBody
	Risk       string     // set by the gateway: who asked
}
