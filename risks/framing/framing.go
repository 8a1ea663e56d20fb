// Package framing is the risk that two programs on the way of a request see its
// end in two places, so that what one of them takes for a body is a request to
// the other one: request smuggling.
package framing

import (
	_ "embed"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// CodeHidden is what the probe reports of a server that serves a request which
// stands in the body of another one.
const CodeHidden source.Code = "framing/hidden"

// CodeBody is what the lint reports: an operation whose method gives a body no
// meaning, and which takes one.
const CodeBody source.Code = "framing/body"

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "framing", Title: "Requests that end in two places", Doc: doc,
	Phases: []risk.Phase{risk.Connect}, Floor: true,
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, taxon.CWE444, taxon.CWE20, taxon.RFC9112, taxon.RFC9110, taxon.ASVS2_2_2,
	},
	Why: map[risk.Face]string{
		risk.GuardFace: "the front is the guard: it refuses by the bytes of the connection, before there is an exchange that a guard could see, and no policy switches it off",
	},
	Probe: probe, Lint: lint,
}
