// Package request is the risk that an API takes input which its contract
// forbids: values out of bounds, malformed bodies, and members that its schemas
// refuse.
package request

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the denials.
const (
	CodeParameter fault.Code = "request/parameter"   // path, query, header or cookie breaks the contract
	CodeSyntax    fault.Code = "request/syntax"      // the body is not what its media type says
	CodeBody      fault.Code = "request/body"        // the body breaks its schema, or is missing
	CodeComplex   fault.Code = "request/too-complex" // the body has too many parts to be judged
	CodeUnchecked fault.Code = "request/unchecked"   // a body that cannot be checked, where that is asked for
)

// Codes of the lint.
const (
	CodeLoose  source.Code = "request/loose-schema" // a schema of requests that bounds too little
	CodeSilent source.Code = "request/silent"       // objects of requests that do not speak of other members
)

// Params are the settings of the risk.
type Params struct {
	Strict bool `policy:"strict" doc:"Refuse bodies whose media type is declared but cannot be checked."`
}

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "request", Title: "Requests outside the contract", Doc: doc,
	Phases: []risk.Phase{risk.Head, risk.Body}, Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2019, taxon.CWE20, taxon.CWE1287, taxon.RECAPI13,
		taxon.RECAPI14, taxon.ASVS2_2_1, taxon.ASVS2_2_2, taxon.RFC8259,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
