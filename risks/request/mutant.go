package request

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/intake"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// maxLong bounds the length of a text that is sent to be too long, in bytes.
const maxLong = 8 << 10

// mutants makes at most one body for each kind of breach.
func mutants(s *contract.Schema, lawful *jsonx.Doc, canary string) []intake.Mutant {
	var out []intake.Mutant
	if m, ok := badValue(s, lawful, canary); ok {
		out = append(out, m)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Never {
		m := intake.Mutant{Code: string(CodeBody), What: "a member that the schema refuses", Name: "x" + canary, Value: intake.Quote(canary), At: s.At}
		m.Add(lawful)
		out = append(out, m)
	}
	return out
}

// badValue breaks the first member whose schema is strict enough to be broken.
func badValue(s *contract.Schema, lawful *jsonx.Doc, canary string) (intake.Mutant, bool) {
	for c := range lawful.Children(0) {
		p := s.Property(string(lawful.Key(c)))
		if p == nil || intake.ReadOnly(p) {
			continue
		}
		what, text := breach(intake.Resolve(p), canary)
		if what == "" {
			continue
		}
		m := intake.Mutant{Code: string(CodeBody), What: what, Value: intake.Quote(text), At: p.At}
		m.Put(lawful, c)
		return m, true
	}
	return intake.Mutant{}, false
}

// breach finds a text that s refuses, and says why.
func breach(s *contract.Schema, canary string) (what, text string) {
	switch {
	case s.Types != 0 && s.Types&contract.StringType == 0:
		return "a text where the schema has none", canary
	case s.Enum != nil:
		return "a value that the enum does not list", canary
	case s.MaxLength != contract.Unset && s.MaxLength < maxLong:
		return "a text over maxLength", strings.Repeat(canary, s.MaxLength/len(canary)+1)
	}
	switch s.Format {
	case "uuid", "date", "date-time", "email", "ipv4", "ipv6":
		return "a text that is no " + s.Format, canary
	}
	return "", ""
}
