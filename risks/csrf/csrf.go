// Package csrf is the risk that a page of another site has the browser of a
// signed-in person send requests, with that person's cookie (cross-site
// request forgery).
package csrf

import (
	_ "embed"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk. The zero value takes the cookies from
// the contract and lets only the API's own pages use them.
type Params struct {
	Cookies []string `policy:"cookies" doc:"cookies that are a credential, besides those of the contract's security schemes"`
	Origins []string `policy:"origins" doc:"origins whose pages may change things with a cookie, such as https://app.example.com"`
}

// CodeForeign is the denial of a request that does not show where it comes
// from, or comes from elsewhere.
const CodeForeign fault.Code = "csrf/foreign"

// CodeForm is the diagnostic for an operation whose body any page can send
// without a preflight.
const CodeForm source.Code = "csrf/form"

// CodeForged is the finding: a request as a page of another site sends it had
// its effect.
const CodeForged source.Code = "csrf/forged"

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "csrf",
	Title:  "Other sites may act with a visitor's cookie",
	Doc:    doc,
	Phases: []risk.Phase{risk.Admit},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API2_2023, taxon.CWE352, // a cookie alone is no proof of who meant the request
		taxon.CWE346, taxon.ASVS3_5_1, // where the request comes from is verified by Sec-Fetch-Site, Origin or Referer
		taxon.PCI6_2_4,
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}

// cookiesOf are the cookies that are a credential for op by the document.
func cookiesOf(op *contract.Operation) (names []string) {
	each(op, contract.InCookie, func(name string) { names = append(names, name) })
	return names
}

// each calls f with the field of each API key of op that stands there.
func each(op *contract.Operation, in contract.In, f func(string)) {
	for _, r := range op.Security {
		for _, p := range r.Parts {
			if p.Scheme != nil && p.Scheme.Kind == contract.APIKey && p.Scheme.In == in {
				f(p.Scheme.Field)
			}
		}
	}
}

// simple tells whether any page can send bodies of this type to any site
// without asking first (Fetch standard, "CORS-safelisted request-header").
func simple(media string) bool {
	return media == "application/x-www-form-urlencoded" || media == "multipart/form-data" || media == "text/plain"
}
