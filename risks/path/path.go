// Package path is the risk that two programs read one path in two ways, so
// that what one of them judged is not what the other one serves.
package path

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// CodeAlias is the denial of a parameter that is another spelling of a declared
// segment. The probe reports under it as well.
const CodeAlias fault.Code = "path/alias"

// CodeNormalised is what the probe reports of an API that resolves a path after
// others have judged it.
const CodeNormalised source.Code = "path/normalised"

// Codes of the lint.
const (
	CodeTwins   source.Code = "path/twins"   // two templates that differ in case or in a slash at the end
	CodeOverlap source.Code = "path/overlap" // two templates that both take a path, and neither is the narrower one
)

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "path", Title: "Paths that are read in two ways", Doc: doc,
	Phases: []risk.Phase{risk.Admit},
	Clauses: []taxon.Clause{
		taxon.API5_2023, taxon.API5_2019, taxon.API8_2023, taxon.API7_2019, taxon.CWE20, taxon.CWE444, taxon.CWE863,
		taxon.RECAPI13, taxon.ASVS2_2_2, taxon.RFC3986,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
