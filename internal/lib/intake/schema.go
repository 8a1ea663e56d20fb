package intake

import "github.com/sallyport/sallyport/contract"

// maxRefs bounds how many references are followed in a row.
const maxRefs = 16

// bodySchema is the schema of op's JSON body, or nil.
func bodySchema(op *contract.Operation) *contract.Schema {
	if op.Body == nil {
		return nil
	}
	for _, m := range op.Body.Media {
		if m.Type == "application/json" && m.Schema != nil {
			return Resolve(m.Schema)
		}
	}
	return nil
}

// Resolve follows references that stand alone, 16 at most.
func Resolve(s *contract.Schema) *contract.Schema {
	for n := 0; n < maxRefs && s.Ref != nil && s.Types == 0 && len(s.Properties) == 0; n++ {
		s = s.Ref
	}
	return s
}

// ReadOnly tells whether only the server may set a member with schema s.
func ReadOnly(s *contract.Schema) bool { return s.ReadOnly || Resolve(s).ReadOnly }
