// Package retired is the risk that old versions and operations live on after
// their end, unannounced and unwatched.
package retired

import (
	_ "embed"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// CodeGone is the code of the denial. The probe reports under it too.
const CodeGone fault.Code = "retired/gone"

// CodeSilent is what the probe reports: an end that replies do not announce.
const CodeSilent source.Code = "retired/unannounced"

// Codes of the lint.
const (
	CodeNoSunset  source.Code = "retired/no-sunset"  // deprecated without an end
	CodeNotMarked source.Code = "retired/not-marked" // an end without deprecated
	CodeFormat    source.Code = "retired/format"     // a date or successor that cannot be read
)

// Params are the settings in the policy.
type Params struct {
	Grace time.Duration `policy:"grace" doc:"How long after its sunset an operation is still served." max:"365d"`
}

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "retired", Title: "Operations that outlive their end", Doc: doc,
	Phases: []risk.Phase{risk.Admit, risk.Reply}, Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API9_2023, taxon.API9_2019, taxon.CWE477, taxon.RECAPI4, taxon.RFC8594, taxon.RFC9745,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
