// Package undeclared is the risk that an API answers what its contract does
// not declare: forgotten paths, parameters and media types.
package undeclared

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the denials. The probe reports under them as well, but for the one
// of parameters.
const (
	CodePath      fault.Code = "undeclared/path"       // no API, or no such path in it
	CodeParameter fault.Code = "undeclared/parameter"  // a query parameter that the operation does not declare
	CodeMedia     fault.Code = "undeclared/media-type" // a body in a media type that the operation does not declare
)

// CodeAnyMedia is what the lint reports: a request body of any media type.
const CodeAnyMedia source.Code = "undeclared/any-media"

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "undeclared", Title: "Operations and inputs that nobody declared", Doc: doc,
	Phases: []risk.Phase{risk.Admit, risk.Head, risk.Body},
	Clauses: []taxon.Clause{
		taxon.API9_2023, taxon.API9_2019, taxon.CWE912, taxon.CWE1059, taxon.RECAPI8, taxon.RECAPI13,
		taxon.ASVS13_4_5,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
