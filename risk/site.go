package risk

import "github.com/sallyport/sallyport/contract"

// A Scope says what a Site stands for.
type Scope uint8

// The scopes. Only OfOperation has an Op.
const (
	OfListener  Scope = iota + 1 // every connection, before routing: hosts and paths that no API claims
	OfAPI                        // requests to an API that match none of its operations
	OfOperation                  // one operation
)

// A Site is a place for guards: one operation, or one of the
// pseudo-operations of an API and of the listener.
type Site struct {
	Scope Scope
	API   *API                // nil at the listener
	Op    *contract.Operation // nil but for OfOperation

	// Silent says what becomes of members that no schema lists, where the
	// schema itself is silent.
	Silent Silence

	// Public is the operator's reason why this site needs no credential; "" is
	// none.
	Public string

	// Params holds the settings of the risk for this site: a value of the type
	// of Risk.Params, with what the policy does not say left at the zero value.
	Params any
}

// Silence says what becomes of members that a silent schema does not list.
type Silence uint8

// The ways. The zero value counts and lists them, and lets them pass.
const (
	LeaveSilent Silence = iota
	RefuseSilent
	StripSilent
)

// An API is what guards may know of one guarded API at compile time. It is
// immutable.
type API struct {
	Name     string // the policy's name for it, "orders"
	Contract *contract.Contract
	Secure   bool // clients reach it over TLS, by our listener or a trusted proxy

	// KeyHeader is the header in which a Sallyport key is expected, in
	// canonical form ("X-Api-Key"); "" where keys are not asked for.
	KeyHeader string
	// KeysToo tells that a key is asked for although the document declares
	// security of its own.
	KeysToo bool
	// KeyPrefix is what keys of this API start with, "sp_live_".
	KeyPrefix string
}
