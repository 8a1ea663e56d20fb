// Package urlsecrets is the risk that credentials travel in URLs, which logs,
// browsers, proxies and Referer fields keep and pass on.
package urlsecrets

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the denials. The probe reports under the first.
const (
	CodeQuery fault.Code = "urlsecrets/query" // a credential in the query
	CodePath  fault.Code = "urlsecrets/path"  // a key of ours in the path
)

// Codes of the lint.
const (
	CodeScheme    source.Code = "urlsecrets/scheme"    // the document asks for an API key in the query
	CodeParameter source.Code = "urlsecrets/parameter" // a parameter of the URL that is called like a secret
)

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "urlsecrets", Title: "Secrets in URLs", Doc: doc,
	Phases:  []risk.Phase{risk.Connect},
	Clauses: []taxon.Clause{taxon.API2_2023, taxon.API2_2019, taxon.CWE598, taxon.ASVS14_2_1, taxon.RFC6750},
	Guard:   newGuard, Probe: probe, Lint: lint,
}
