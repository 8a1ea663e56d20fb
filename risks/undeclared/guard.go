package undeclared

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfOperation {
		g := newInputs(s.Op)
		return []risk.Placed{{Phase: risk.Head, Guard: g}, {Phase: risk.Body, Guard: (*untyped)(g)}}, nil
	}
	return risk.At(risk.Admit, &routes{
		path: &risk.Denial{
			Code: CodePath, Status: 404, Title: "nothing answers here", Reason: "the contract declares no such path",
		},
	}), nil
}

// routes refuses paths that no operation stands for. Other methods of those
// that there are is the concern of the risk methods.
type routes struct{ path *risk.Denial }

// Check says 404 but where the path is declared.
func (g *routes) Check(x *risk.Exchange) *risk.Denial {
	if route, _ := x.Route(); route == risk.NoMethod {
		return nil
	}
	return g.path
}

// inputs refuses parameters and media types that an operation does not
// declare.
type inputs struct{ parameter, media *risk.Denial }

func newInputs(op *contract.Operation) *inputs {
	g := &inputs{
		parameter: &risk.Denial{
			Code: CodeParameter, Status: 400, Title: "the operation takes no such parameter", Show: risk.ShowHead,
			Reason: "a query parameter is not declared",
		},
		media: &risk.Denial{
			Code: CodeMedia, Status: 415, Title: "the operation takes no body of this type", Show: risk.ShowBody,
			Reason: "the media type of the body is not declared",
		},
	}
	if accept := types(op); accept != "" {
		g.media.Fields = []risk.Field{{Name: "Accept", Value: accept}} // RFC 9110 section 12.5.1
	}
	return g
}

// Check reads what the contract machine saw.
func (g *inputs) Check(x *risk.Exchange) *risk.Denial {
	if x.HeadReading().Has(risk.Undeclared) {
		return g.parameter
	}
	return g.checkMedia(x)
}

// checkMedia judges the type of the whole body. Those of parts of a form are
// part of its schema.
func (g *inputs) checkMedia(x *risk.Exchange) *risk.Denial {
	list := x.BodyReading().Violations
	for i := range list {
		if list[i].Class == risk.WrongMedia && list[i].Pointer == "" {
			return g.media
		}
	}
	return nil
}

// untyped refuses bodies without a type. They are known only once the body is
// read: an announced body may turn out to be empty, and needs no type then.
type untyped inputs

// Check judges the type alone.
func (g *untyped) Check(x *risk.Exchange) *risk.Denial { return (*inputs)(g).checkMedia(x) }

// types lists the media types that op takes.
func types(op *contract.Operation) string {
	if op.Body == nil {
		return ""
	}
	var out []string
	for _, m := range op.Body.Media {
		if clean(m.Type) {
			out = append(out, m.Type)
		}
	}
	return strings.Join(out, ", ")
}

// clean tells whether a media type of the document can stand in a field.
func clean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == ',' {
			return false
		}
	}
	return s != ""
}
