// Package bfla is the risk that a caller reaches a function that is not for
// callers like him: broken function level authorization.
package bfla

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// CodeScope is the code of the denial. The probe reports under it too.
const CodeScope fault.Code = "bfla/scope"

// Codes of the lint.
const (
	CodeNoScope  source.Code = "bfla/no-scope"      // an operation for few that asks for no scope
	CodeUnlisted source.Code = "bfla/unlisted"      // a scope that its scheme does not list
	CodeScopes   source.Code = "bfla/scopes-format" // x-sallyport-scopes that cannot be read
)

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "bfla", Title: "Broken function level authorization", Doc: doc,
	Phases: []risk.Phase{risk.Admit},
	Clauses: []taxon.Clause{
		taxon.API5_2023, taxon.API5_2019, taxon.CWE862, taxon.CWE863, taxon.RECAPI12, taxon.ASVS8_2_1,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
