// Package forwarded is the risk that a client chooses the address, host or URL
// that an API takes it to come from, by fields that only proxies should write.
package forwarded

import (
	_ "embed"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the probe.
const (
	CodeAddress source.Code = "forwarded/address" // the API believes an address that the client wrote
	CodeHost    source.Code = "forwarded/host"    // the API believes a host that the client wrote
	CodeURL     source.Code = "forwarded/url"     // the API answers for another URL than the one that was asked for
)

// CodeParameter is what the lint reports: the contract takes such a field from
// clients.
const CodeParameter source.Code = "forwarded/parameter"

// Risk is the whole definition. Nothing is refused: what proxies of clients
// add by habit is taken off, and the gateway says itself who asks.
var Risk = risk.Risk{
	ID: "forwarded", Title: "Addresses and hosts that clients invent", Doc: doc,
	Phases: []risk.Phase{risk.Send},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, taxon.CWE290, taxon.CWE348, taxon.ASVS4_1_3, taxon.RFC7239,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
