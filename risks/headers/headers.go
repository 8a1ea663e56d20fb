// Package headers is the risk that replies lack the header fields that tell
// browsers to be careful.
package headers

import (
	_ "embed"
	"time"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk.
type Params struct {
	HSTS time.Duration `policy:"hsts" doc:"how long browsers remember to use TLS only; 365 days if not said"`
	Keep []string      `policy:"keep" doc:"header fields of the upstream that stay as they are"`
}

// CodeWeak is the diagnostic for a documented value that protects nobody.
const CodeWeak source.Code = "headers/weak"

// Codes of findings.
const (
	CodeSniff   source.Code = "headers/sniff"   // no X-Content-Type-Options
	CodeHSTS    source.Code = "headers/hsts"    // no Strict-Transport-Security over TLS
	CodeFraming source.Code = "headers/framing" // any site may frame a page
)

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "headers",
	Title:  "Missing security headers",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, // replies leave the gateway with the fields that a safe configuration sends
		taxon.CWE16, taxon.CWE693, // a protection of browsers that the upstream left out is put in
		taxon.CWE1021, taxon.ASVS3_4_6, // frame-ancestors and X-Frame-Options
		taxon.RFC6797, taxon.ASVS3_4_1, // Strict-Transport-Security over TLS
		taxon.ASVS3_4_4, // nosniff
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
