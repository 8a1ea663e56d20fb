package risk

import (
	"context"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// An Attempt is one request of a probe.
type Attempt struct {
	As     string // name of a caller of the Target; "" sends no credential
	Method string
	Path   string // escaped, sent as written
	Query  string // raw, without "?"
	Fields Fields
	Body   []byte
	Plain  bool   // over plain HTTP, to the same host and port
	TLS    uint16 // highest TLS version to offer; 0: the newest
}

// Seen is the answer to an Attempt.
type Seen struct {
	Status int
	Fields Fields
	Body   []byte // at most 1 MiB
	TLS    uint16 // version of the connection; 0: none
}

// A Raw attempt is bytes that are sent as they are over HTTP/1.1, on a
// connection of their own.
type Raw struct {
	As    string // as in Attempt
	Plain bool
	// Text makes the bytes. head holds the lines of Host and of the caller's
	// credentials, each with its end; they are secrets.
	Text func(head string) string
}

// A Finding is one proved attack.
type Finding struct {
	Operation string      // key of the operation, "GET /orders/{}"; "" of the whole API
	Proof     string      // what was done and seen, in one sentence without secrets
	Confirmed bool        // false: probable only
	At        source.Span // line of the contract
	Code      string      // "bola/read"
}

// A Target is a running API that a probe may attack: its contract, callers,
// and the only way to the network. A probe counts on nothing else.
type Target struct {
	Contract *contract.Contract
	// Callers are the names that Attempt.As may have, the lawful first.
	Callers []string
	// Send makes one request; it is bounded in time and number, and returns an
	// error when nothing was answered.
	Send func(context.Context, *Attempt) (*Seen, error)
	// SendRaw makes a Raw attempt and returns the answers on its connection, in
	// order, until the server closes it or is silent for a moment. It is bounded
	// as Send is. nil: this Target cannot.
	SendRaw func(context.Context, *Raw) ([]*Seen, error)
	// Lawful makes an Attempt that the contract allows for op, as the first
	// caller; false where no lawful request can be made.
	Lawful func(op *contract.Operation) (*Attempt, bool)
	// Report takes a Finding.
	Report func(Finding)
	// Canary returns a fresh text of 16 letters that stands nowhere else.
	Canary func() string
}
