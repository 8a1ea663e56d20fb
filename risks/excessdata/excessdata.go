// Package excessdata is the risk that replies carry more than the contract
// declares: members that nobody listed, secrets that are only to be written,
// and statuses that nobody expects.
package excessdata

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
	Strict bool `policy:"strict" doc:"refuse replies below 400 that carry more than is declared with 502, instead of removing what is too much"`
}

// Codes of denials. All have status 502 and show the client nothing else.
const (
	CodeContract   fault.Code = "excessdata/contract"   // it holds members that are not declared, and strict is on
	CodeStatus     fault.Code = "excessdata/status"     // its status is not declared
	CodeMedia      fault.Code = "excessdata/media-type" // its media type is not declared
	CodeUncuttable fault.Code = "excessdata/uncuttable" // it holds what must not leave and cannot be removed
)

// Codes of the lint.
const (
	CodeSilent     source.Code = "excessdata/silent"
	CodeCredential source.Code = "excessdata/credential"
)

// Codes of findings, beside CodeCredential.
const (
	CodeWriteOnly  source.Code = "excessdata/write-only" // a member that the contract calls writeOnly
	CodeUndeclared source.Code = "excessdata/undeclared" // a member that its schema refuses
)

// Flags of events.
const (
	flagBroken = "reply-undeclared-member" // members were removed
	flagStatus = "reply-undeclared-status" // the operation does not declare the status
	flagMarks  = "reply-too-complex"       // undeclared members were not all counted
)

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "excessdata",
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
