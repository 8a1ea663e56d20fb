// Package cookies is the risk that cookies of the upstream travel in clear
// text, are open to scripts, or go to hosts and sites that they are not for.
package cookies

import (
	_ "embed"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk. The zero value keeps every cookie to
// one host, one site and no script.
type Params struct {
	Scripts   []string `policy:"scripts" doc:"cookies that scripts of your pages may read, by name"`
	CrossSite []string `policy:"cross_site" doc:"cookies that go along with requests of other sites (SameSite=None), by name"`
	Domains   []string `policy:"domains" doc:"domains that cookies may be set for, such as example.com; else they stay with the host"`
}

// Codes of the lint.
const (
	CodeName    source.Code = "cookies/name"    // a session cookie whose name promises nothing
	CodeExample source.Code = "cookies/example" // a documented cookie that lacks an attribute
)

// Codes of findings.
const (
	CodeInsecure  source.Code = "cookies/insecure"   // no Secure over TLS
	CodeScript    source.Code = "cookies/script"     // no HttpOnly
	CodeCrossSite source.Code = "cookies/cross-site" // SameSite=None
	CodeDomain    source.Code = "cookies/domain"     // for every host of a domain
)

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "cookies",
	Title:  "Cookies that travel too far",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API2_2023, // the credential of a session is kept from networks, scripts and other sites
		taxon.CWE614, taxon.ASVS3_3_1, // Secure is added
		taxon.CWE1004, taxon.ASVS3_3_4, // HttpOnly is added
		taxon.CWE1275, taxon.ASVS3_3_2, // SameSite is at least Lax
		taxon.ASVS3_3_3, // Domain is removed
		taxon.RFC6265,
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
