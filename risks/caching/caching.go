// Package caching is the risk that a cache keeps a reply that is meant for one
// caller, and gives it to the next.
package caching

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
	Shared bool `policy:"shared" doc:"replies are the same for every caller: what the upstream says to caches stands, and they tell callers apart"`
}

// CodePublic is the diagnostic for a documented reply that caches may share
// although it needs a credential.
const CodePublic source.Code = "caching/public"

// Codes of findings.
const (
	CodeSilent    source.Code = "caching/silent"    // a private reply says nothing to caches
	CodeShared    source.Code = "caching/shared"    // a private reply may be kept by shared caches
	CodeExtension source.Code = "caching/extension" // a private reply under a name that caches take for a file
)

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "caching",
	Title:  "Caches keep private replies",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, // replies to known callers say that no cache may share them
		taxon.CWE524, taxon.CWE525, taxon.ASVS14_3_2, // no-store where the upstream does not say private
		taxon.ASVS14_2_5, // by what a reply says and who asked, never by the extension of its path
		taxon.RFC9111,
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
