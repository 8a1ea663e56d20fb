package massassign

import (
	"strconv"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/intake"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// tried are the names that frameworks most often bind, of what the contract
// does not list.
var tried = [...]string{"role", "owner_id", "balance"}

// mutants makes one body for the first readOnly member, and one for each
// undeclared name that the schema does not refuse.
func mutants(s *contract.Schema, lawful *jsonx.Doc, canary func() string) []intake.Mutant {
	var out []intake.Mutant
	if m, ok := readOnly(s, lawful, canary()); ok {
		out = append(out, m)
	}
	if !silent(s, 0) {
		return out
	}
	for _, name := range tried {
		if lawful.Member(0, name) != -1 {
			continue
		}
		m := intake.Mutant{Code: string(CodeServerOwned), What: "an undeclared member", Name: name, Value: intake.Quote(canary()), At: s.At}
		if name == "balance" {
			m.Value = number(canary())
		}
		m.Add(lawful)
		out = append(out, m)
	}
	return out
}

// deepest bounds how deep a schema is looked into.
const deepest = 8

// silent tells whether nothing that s is put together from says what becomes
// of other members, and none of the tried names is listed.
func silent(s *contract.Schema, depth int) bool {
	if s == nil {
		return true
	}
	if depth > deepest || s.AdditionalProperties != nil || s.Rare != nil || len(s.PatternProperties) > 0 || len(s.AnyOf) > 0 || len(s.OneOf) > 0 {
		return false
	}
	for _, name := range tried {
		if s.Property(name) != nil {
			return false
		}
	}
	for _, part := range s.AllOf {
		if !silent(part, depth+1) {
			return false
		}
	}
	return silent(s.Ref, depth+1)
}

// readOnly sets the first member that only the server may set.
func readOnly(s *contract.Schema, lawful *jsonx.Doc, canary string) (intake.Mutant, bool) {
	for _, p := range s.Properties {
		if !intake.ReadOnly(p.Schema) || lawful.Member(0, p.Name) != -1 {
			continue
		}
		value := fitting(intake.Resolve(p.Schema), canary)
		if value == "" {
			continue // it would be refused for another reason
		}
		m := intake.Mutant{Code: string(CodeReadOnly), What: "a value of the client", Name: p.Name, Value: value, At: p.NameAt}
		m.Add(lawful)
		return m, true
	}
	return intake.Mutant{}, false
}

// fitting is the JSON text of a value that s most probably takes, or "".
func fitting(s *contract.Schema, canary string) string {
	free := s.Enum == nil && s.Pattern == "" && (s.Format == "" || s.Format == "int32" || s.Format == "int64")
	switch {
	case !free:
	case s.Types == 0 || s.Types&contract.StringType != 0:
		return intake.Quote(canary)
	case s.Types&(contract.IntegerType|contract.NumericType) != 0:
		return number(canary)
	}
	return ""
}

// number makes seven digits of a canary, so that a value is its own mark.
func number(canary string) string {
	n := uint32(2166136261) // FNV-1a
	for i := range len(canary) {
		n = (n ^ uint32(canary[i])) * 16777619
	}
	return strconv.Itoa(1_000_000 + int(n%9_000_000))
}
