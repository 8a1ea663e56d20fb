// Package disclosure is the risk that fields of replies tell attackers which
// software, version and host answer.
package disclosure

import (
	_ "embed"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk.
type Params struct {
	Keep []string `policy:"keep" doc:"header fields of the upstream that stay although they disclose"`
}

// CodeField is the diagnostic for a declared field that says what runs behind
// the gateway. The probe reports under it as well.
const CodeField source.Code = "disclosure/field"

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "disclosure",
	Title:  "Replies tell what runs behind the API",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, taxon.CWE200,
		taxon.CWE497, taxon.ASVS13_4_6, // fields that name software, versions and hosts are removed
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
