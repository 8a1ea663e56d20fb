// Package cors is the risk that pages of other origins may read an API in the
// name of the person who looks at them.
package cors

import (
	_ "embed"
	"time"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk. The zero value lets no other origin
// in.
type Params struct {
	Origins     []string      `policy:"origins" doc:"origins that may call, such as https://app.example.com; * for all, without credentials"`
	Credentials bool          `policy:"credentials" doc:"let pages send cookies and client certificates"`
	MaxAge      time.Duration `policy:"max_age" doc:"how long browsers keep a preflight; 10m if not said, at most 24h"`
	Expose      []string      `policy:"expose" doc:"reply header fields that pages may read"`
}

// CodeOrigin is the denial of a preflight from an origin that is not listed.
const CodeOrigin fault.Code = "cors/origin"

// CodeAnyOrigin is what the lint reports.
const CodeAnyOrigin source.Code = "cors/any-origin"

// Codes of findings.
const (
	CodeReflected source.Code = "cors/reflected" // any origin may read, with credentials
	CodeNull      source.Code = "cors/null"      // so may sandboxed pages
	CodeWildcard  source.Code = "cors/wildcard"  // all origins and credentials together, which browsers refuse
)

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "cors",
	Title:  "Other origins may read the API",
	Doc:    doc,
	Phases: []risk.Phase{risk.Identify, risk.Reply},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, // cross-origin access is closed unless the policy lists origins
		taxon.CWE942, taxon.CWE346, // only exact origins of the list are let in, never reflected ones
		taxon.ASVS3_4_2, // Access-Control-Allow-Origin is checked against the list
		taxon.ASVS3_5_2, // preflights from other origins are refused
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
