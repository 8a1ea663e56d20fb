// Package header is the risk that header fields mean one thing to those who
// judge a request and another thing to those who serve it.
package header

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
	CodeDuplicate  fault.Code = "header/duplicate"  // a field that has one value came more than once
	CodeUnderscore fault.Code = "header/underscore" // a name that is that of another field to some servers
	CodeHop        fault.Code = "header/hop"        // Connection names a field that decides
)

// Codes of the lint.
const (
	CodeName     source.Code = "header/name"     // a declared name that servers drop or rewrite
	CodeReserved source.Code = "header/reserved" // a declared field that belongs to the connection or to proxies
)

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "header", Title: "Header fields that are read in two ways", Doc: doc,
	Phases: []risk.Phase{risk.Connect},
	Clauses: []taxon.Clause{
		taxon.API2_2023, taxon.API2_2019, taxon.API8_2023, taxon.API7_2019, taxon.CWE290, taxon.CWE348, taxon.CWE444,
		taxon.RECAPI13, taxon.ASVS4_1_3, taxon.RFC9110, taxon.RFC9112,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
