// Package methods is the risk that an API acts by methods which its contract
// does not declare: added by the framework, left on in the server, or named in
// a field of another request.
package methods

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the denials. The probe reports under them as well.
const (
	CodeMethod   fault.Code = "methods/undeclared" // the path exists without this method
	CodeOverride fault.Code = "methods/override"   // a field that asks the API to act by another method
)

// Codes of the lint. The probe reports under the first as well.
const (
	CodeTrace source.Code = "methods/trace"          // TRACE gives requests back
	CodeField source.Code = "methods/override-field" // a declared field that names another method
)

// Risk is the whole definition; its faces are in guard.go, probe.go and
// lint.go.
var Risk = risk.Risk{
	ID: "methods", Title: "Methods that nobody declared", Doc: doc,
	Phases: []risk.Phase{risk.Admit, risk.Head},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API5_2023, taxon.CWE650, taxon.CWE749, // only declared methods reach the service
		taxon.ASVS4_1_4, taxon.ASVS13_4_4, taxon.RFC9110,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
