// Package redirect is the risk that a reply sends the browser to a site that
// the attacker chose, under the name of the API.
package redirect

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk. The zero value lets replies lead to
// the API's own hosts only.
type Params struct {
	Hosts []string `policy:"hosts" doc:"hosts that replies may lead to besides the API's own, such as login.example.com; * for all"`
}

// CodeForeign is the denial of a redirect to a host that is not listed. The
// probe reports under it as well.
const CodeForeign fault.Code = "redirect/foreign"

// CodeParameter is the diagnostic for a parameter that may hold any address,
// on an operation that redirects.
const CodeParameter source.Code = "redirect/open-parameter"

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "redirect",
	Title:  "Redirects to sites of the attacker",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.CWE601, // a redirect to a host that nobody listed does not leave
		taxon.ASVS3_7_2, // the list is in the policy and the contract's servers
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
