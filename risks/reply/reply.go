// Package reply is the risk that replies carry more than the contract
// declares: members that nobody listed, secrets that are only to be written,
// types and statuses that nobody expects.
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
	Strict bool `policy:"strict" doc:"refuse replies below 400 that break the contract with 502, instead of removing what is too much"`
}

// Codes of denials. All have status 502 and show the client nothing else.
const (
	CodeContract   fault.Code = "reply/contract"   // it breaks the contract, and strict is on
	CodeStatus     fault.Code = "reply/status"     // its status is not declared
	CodeMedia      fault.Code = "reply/media-type" // its media type is not declared
	CodeSyntax     fault.Code = "reply/syntax"     // it is not what its media type says
	CodeUncuttable fault.Code = "reply/uncuttable" // it holds what must not leave and cannot be removed
)

// Codes of the lint.
const (
	CodeNoSchema   source.Code = "reply/no-schema"
	CodeSilent     source.Code = "reply/silent"
	CodeCredential source.Code = "reply/credential"
)

// Codes of findings, beside CodeCredential.
const (
	CodeWriteOnly  source.Code = "reply/write-only" // a member that the contract calls writeOnly
	CodeUndeclared source.Code = "reply/undeclared" // a member that its schema refuses
)

// Flags of events.
const (
	flagBroken = "reply-broken"            // a value breaks its schema
	flagStatus = "reply-undeclared-status" // the operation does not declare the status
	flagMedia  = "reply-undeclared-media"  // the reply does not declare the media type
	flagMarks  = "reply-too-complex"       // undeclared members were not all counted
)

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "reply",
	Title:  "Replies carry more than the contract declares",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply, risk.ReplyBody},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API3_2023, taxon.API3_2019, // members that the contract does not declare, or only takes in, are removed
		taxon.CWE201, taxon.CWE213, // write-only and credential members never leave
		taxon.RECAPI19, taxon.RECAPI20, // each reply is checked against its schema
		taxon.ASVS14_2_6, taxon.ASVS15_3_1, // only the declared fields of an object are returned
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
