// Package errors is the risk that error replies tell an attacker how the
// service is built: stack traces, statements, file names, debug pages.
package errors

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Params are the settings of this risk.
type Params struct {
	Detail Detail `policy:"detail" doc:"hide: replies with status 5xx lose their body; keep: they keep a body that the contract declares and that leaks nothing"`
}

// Detail says what becomes of the bodies of 5xx replies.
type Detail string

// The ways. The zero value is Hide.
const (
	Hide Detail = "hide"
	Keep Detail = "keep"
)

// Values are the words of the policy.
func (Detail) Values() []string { return []string{string(Hide), string(Keep)} }

// Codes of the problem documents that stand in place of a hidden body.
const (
	CodeUpstream fault.Code = "errors/upstream" // 5xx
	CodeLeak     fault.Code = "errors/leak"     // the inside of the service was in the body
	CodePage     fault.Code = "errors/page"     // an error page where the contract knows none
)

// CodeDeclared is the diagnostic for an error reply whose schema has a place
// for such details.
const CodeDeclared source.Code = "errors/declared"

// Risk is the definition; its faces are in guard.go, probe.go and lint.go.
var Risk = risk.Risk{
	ID:     "errors",
	Title:  "Error replies show the inside of the service",
	Doc:    doc,
	Phases: []risk.Phase{risk.Reply, risk.ReplyBody},
	Params: Params{},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, // stack traces do not reach the client
		taxon.CWE209, taxon.CWE550, taxon.CWE497, // error bodies with inner detail are replaced
		taxon.ASVS16_5_1, taxon.RECAPI23, // the client gets a generic message and a decision id
		taxon.RFC9457, // as a problem document
	},
	Guard: newGuard,
	Probe: probe,
	Lint:  lint,
}
