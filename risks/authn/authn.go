// Package authn is the risk that an operation answers callers who did not
// prove who they are.
package authn

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
	CodeMissing     fault.Code = "authn/missing"     // no credential, or more than one
	CodeInvalid     fault.Code = "authn/invalid"     // the key is malformed, unknown, expired or revoked
	CodeUnavailable fault.Code = "authn/unavailable" // keys cannot be checked now
	CodeUnsupported fault.Code = "authn/unsupported" // the document asks for what cannot be checked here
)

// CodeAnonymous is what the probe reports.
const CodeAnonymous source.Code = "authn/anonymous"

// Codes of the lint.
const (
	CodeOpen      source.Code = "authn/open-operation" // no security where other operations have it
	CodeOpenWrite source.Code = "authn/open-write"     // an unsafe method that anybody may call
	CodeBasic     source.Code = "authn/basic"          // passwords with every request
)

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "authn", Title: "Missing or broken authentication", Doc: doc,
	Phases: []risk.Phase{risk.Identify},
	Clauses: []taxon.Clause{
		taxon.API2_2023, taxon.API2_2019, taxon.CWE287, taxon.CWE306, taxon.RECAPI11, taxon.ASVS6_3_4, taxon.PCI8_3_1,
		taxon.RFC6750,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
