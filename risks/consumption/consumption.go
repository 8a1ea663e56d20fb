// Package consumption is the risk that one caller uses up what all share:
// floods of requests, too many at once, and pages of any size.
package consumption

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the denials. The probe reports under the last one too.
const (
	CodeAddress    fault.Code = "consumption/address"    // too many requests from one address
	CodeCaller     fault.Code = "consumption/caller"     // too many requests of one caller
	CodeConcurrent fault.Code = "consumption/concurrent" // too many requests at the same time
	CodePage       fault.Code = "consumption/page-size"  // a page that is too large
)

// CodeNoLimit is what the probe reports: no sign of any limit.
const CodeNoLimit source.Code = "consumption/no-limit"

// Codes of the lint.
const (
	CodeNo429    source.Code = "consumption/no-429"         // no operation documents 429
	CodeOpenPage source.Code = "consumption/open-page-size" // a page size without a maximum
	CodeOpenList source.Code = "consumption/open-list"      // a reply with a list without maxItems
)

// What holds where the policy says nothing. A person's client makes some tens
// of requests a second at most, a job that uses an API with a dozen workers
// some hundreds, and a flood thousands: ten seconds' worth may come at once,
// so that whoever works in bursts never notices. An address may stand for an
// office or the customers of a carrier, and gets three times as much.
const (
	DefaultCaller     = "300/s burst 3000"
	DefaultAddress    = "1000/s burst 10000"
	DefaultConcurrent = 200  // of one caller; at 300 a second, each may take over half a second
	DefaultPage       = 1000 // elements; what people look at is a tenth of it
)

// Params are the settings in the policy. What it does not say is as above.
type Params struct {
	PerCaller  string `policy:"per_caller" pattern:"^(off|[1-9][0-9]{0,8}/[smh]( burst [1-9][0-9]{0,8})?)$" doc:"Requests of one caller, such as 100/s burst 200; off for none. Without it: 300/s burst 3000."`
	PerAddress string `policy:"per_address" pattern:"^(off|[1-9][0-9]{0,8}/[smh]( burst [1-9][0-9]{0,8})?)$" doc:"Requests from one address, for IPv6 from one /64; off for none. Without it: 1000/s burst 10000."`
	Concurrent int    `policy:"concurrent" min:"1" doc:"Requests of one caller at the same time. Without it: 200."`
	PageSize   int    `policy:"page_size" min:"1" doc:"Largest page that a query may ask for where the contract gives no maximum. Without it: 1000."`
}

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "consumption", Title: "Unrestricted resource consumption", Doc: doc,
	Phases: []risk.Phase{risk.Connect, risk.Admit, risk.Head, risk.Reply}, Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API4_2023, taxon.API4_2019, taxon.CWE770, taxon.RECAPI15, taxon.ASVS2_4_1, taxon.RFC6585,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
