// Package parser is the risk that two parsers read one input in two ways, so
// that the value which was judged is not the one that is used.
package parser

import (
	_ "embed"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
	"github.com/sallyport/sallyport/taxon"
)

//go:embed doc.md
var doc string

// Codes of the denials. The probe reports under the first and the last as well.
const (
	CodeDuplicate fault.Code = "parser/duplicate" // one name with several values
	CodeCharset   fault.Code = "parser/charset"   // a body in another encoding than UTF-8
	CodeNumber    fault.Code = "parser/number"    // a number that many parsers round
)

// Codes of the lint.
const (
	CodeFormats source.Code = "parser/formats"     // one body in formats that are parsed differently
	CodeWide    source.Code = "parser/wide-number" // a bound that doubles do not hold, without a format
)

// Risk is the whole definition.
var Risk = risk.Risk{
	ID: "parser", Title: "Input that parsers read in two ways", Doc: doc,
	Phases: []risk.Phase{risk.Head, risk.Body},
	Clauses: []taxon.Clause{
		taxon.API8_2023, taxon.API7_2019, taxon.API8_2019, taxon.CWE20, taxon.CWE235, taxon.CWE444, taxon.RECAPI14,
		taxon.ASVS2_2_1, taxon.RFC8259,
	},
	Guard: newGuard, Probe: probe, Lint: lint,
}
