// Package transport is the risk that credentials and data cross the network in
// the clear, or under a version of TLS that no longer protects them.
package transport

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
	CodePlain  fault.Code = "transport/plain"       // the request came over plain HTTP
	CodeOldTLS fault.Code = "transport/tls-version" // the connection uses TLS 1.1 or older
)

// Codes of the lint.
const (
	CodeServer source.Code = "transport/http-server" // the document names a server with http://
	CodeFlow   source.Code = "transport/http-flow"   // credentials are fetched over http://
)

// Risk is the whole definition. Its guards are on the floor: no policy switches
// them off.
var Risk = risk.Risk{
	ID: "transport", Title: "Traffic without transport security", Doc: doc,
	Phases: []risk.Phase{risk.Connect}, Floor: true,
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, taxon.CWE319, taxon.CWE326, taxon.ASVS12_1_1, taxon.ASVS12_2_1,
		taxon.ASVS4_1_2, taxon.PCI4_2_1, taxon.RFC9325,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
