// Package massassign is the risk that a client sets members which only the
// server may set, because the service binds whatever it is sent.
package massassign

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the denials. The probe reports under the first two as well.
const (
	CodeReadOnly    fault.Code = "massassign/read-only"    // a readOnly member
	CodeServerOwned fault.Code = "massassign/server-owned" // an undeclared member whose name is the server's
	CodeUndeclared  fault.Code = "massassign/undeclared"   // a member that no schema lists
)

// CodeWritable is the diagnostic for members that are the server's by name and
// that clients may write by the document.
const CodeWritable source.Code = "massassign/writable"

// Params are the settings of the risk.
type Params struct {
	ReadOnly Way `policy:"read_only" doc:"What becomes of members that the contract calls readOnly, or that are the server's by name: refuse the request, strip the member, or allow it."`
}

// A Way is what becomes of a member. The zero value refuses the request.
type Way string

// The ways. Strip is for clients that put back whole what they got; Allow
// leaves the member to the API.
const (
	Refuse Way = "refuse"
	Strip  Way = "strip"
	Allow  Way = "allow"
)

// Values lists the words that a policy may use.
func (Way) Values() []string { return []string{string(Refuse), string(Strip), string(Allow)} }

// Risk is the whole definition; its faces are in guard.go, probe.go and
// lint.go.
var Risk = risk.Risk{
	ID: "massassign", Title: "Clients set what only the server may", Doc: doc,
	Phases: []risk.Phase{risk.Body}, Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API3_2023, taxon.API6_2019, // members are taken by a list, that of the schema
		taxon.CWE915, taxon.ASVS15_3_3, // readOnly and undeclared members do not reach the service
		taxon.RECAPI14,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
