// Package risk defines what a security risk is to Sallyport: one value with
// four faces.
//
//	Guard     stops the attack while traffic flows
//	Probe     tries the attack against a running API
//	Lint      reads the contract and reports the design that allows it
//	Clauses   say which paragraphs of which standards the three above answer
//
// A risk lives in one folder under risks/. A face that makes no sense is
// absent, and Why says so.
package risk

import (
	"context"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

// A Face is one side of a risk.
type Face uint8

// The faces.
const (
	GuardFace Face = iota + 1
	ProbeFace
	LintFace
)

// A Risk is the whole definition. It is a plain value: making one has no side
// effects.
type Risk struct {
	ID      string  // stable, lower case, public: "bola"
	Title   string  // at most 60 characters, no full stop
	Doc     string  // the embedded doc.md, which starts with "# Title"
	Phases  []Phase // where its guards may run; the law holds Guard to it
	Params  any     // the zero value of a struct of settings, or nil; see Site.Params
	Floor   bool    // its guards are always enforced: no policy can observe or switch them off
	Clauses []taxon.Clause
	Why     map[Face]string // the reason for each absent face

	// Guard returns the guards for one site, none where there is nothing to
	// do. It runs when a Plan is compiled; an error refuses the Plan.
	Guard func(*Site) ([]Placed, error)

	// Probe attacks a running API and reports what it proves.
	Probe func(context.Context, *Target) error

	// Lint reports the parts of the design that allow the risk.
	Lint func(*contract.Contract, func(source.Diagnostic))
}

// A Phase is a step of an exchange at which guards run. Within a phase the
// order is by risk id and must not matter.
type Phase uint8

// The phases in order. What a guard may read grows with them.
const (
	Connect   Phase = iota // Conn and the request head are known; no route yet
	Identify               // the route is known; credentials are checked
	Admit                  // Caller is known
	Head                   // the Reading of path, query, header and cookie is known
	Body                   // Body and its Reading are known; not run for bodies that stream
	Send                   // last before the upstream
	Reply                  // status and head of the reply are known
	ReplyBody              // body of the reply and its Reading are known; not run for replies that stream
	Message                // one message of a stream
	phases
)

// Phases is the number of phases.
const Phases = int(phases)

// String is the phase's name in docs and metrics.
func (p Phase) String() string {
	switch p {
	case Connect:
		return "connect"
	case Identify:
		return "identify"
	case Admit:
		return "admit"
	case Head:
		return "head"
	case Body:
		return "body"
	case Send:
		return "send"
	case Reply:
		return "reply"
	case ReplyBody:
		return "reply-body"
	case Message:
		return "message"
	case phases:
	}
	return "unknown"
}

// A Guard decides about exchanges. It is stateless, safe for concurrent use,
// keeps nothing of x, and changes nothing but by x.Edit. A nil Denial lets the
// exchange pass. Denials are made when the guard is made, not when it fires;
// what only the exchange can tell, such as Retry-After, is a SetField edit on
// the reply, which the refusal carries too.
//
// A guard that panics is contained: the exchange is refused.
type Guard interface {
	Check(x *Exchange) *Denial
}

// An Answerer is a Guard that can also answer a lawful request in place of the
// upstream, such as a preflight. Answer is asked after Check passed, and
// returns nil to let the exchange go on.
type Answerer interface {
	Guard
	Answer(x *Exchange) *Answer
}

// A Dresser is a Guard of phase Reply that has a word on refusals of our own
// too, which no reply of the upstream stands behind. Dress appends SetField
// edits on the reply, and nothing else.
type Dresser interface {
	Guard
	Dress(x *Exchange)
}

// A Follower is a Guard of phase ReplyBody that has to keep in mind what it saw
// of a reply that comes in pieces (Response.Part), since what it looks for may
// lie across two. Follow returns the guard for one such reply, which is checked
// with each piece in order, and at the end.
type Follower interface {
	Guard
	Follow() Guard
}

// Placed is a guard at its phase.
type Placed struct {
	Phase Phase
	Guard Guard
}

// At places one guard.
func At(p Phase, g Guard) []Placed { return []Placed{{p, g}} }

// GuardFunc makes a Guard of a function.
type GuardFunc func(x *Exchange) *Denial

// Check calls f.
func (f GuardFunc) Check(x *Exchange) *Denial { return f(x) }
