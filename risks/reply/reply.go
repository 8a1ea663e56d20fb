// Package reply is the risk that replies are not what the contract says:
// malformed, of another media type, or with values that break their schema.
package reply

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk.
type Params struct {
	Strict bool `policy:"strict" doc:"refuse replies below 400 that break the contract with 502, instead of flagging them"`
}

// Codes of denials. All have status 502 and show the client nothing else. The
// probe reports under the one of syntax as well.
const (
	CodeContract fault.Code = "reply/contract"   // it breaks the contract, and strict is on
	CodeMedia    fault.Code = "reply/media-type" // its media type is not declared, and strict is on
	CodeSyntax   fault.Code = "reply/syntax"     // it is not what its media type says
)

// CodeNoSchema is what the lint reports: a read whose success may be anything.
const CodeNoSchema source.Code = "reply/no-schema"

// Flags of events.
const (
	flagBroken = "reply-broken"           // a value breaks its schema
	flagMedia  = "reply-undeclared-media" // the reply does not declare the media type
)

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "reply",
	Title:  "Replies outside the contract",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply, risk.ReplyBody},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API10_2023,              // answers of the service are checked like input
		taxon.RECAPI19, taxon.RECAPI8, // each reply is checked against its schema, and drift is flagged
		taxon.ASVS4_1_1, taxon.RFC8259, // the body is what its media type says
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
