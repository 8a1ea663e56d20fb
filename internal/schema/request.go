package schema

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Options are what the operations of one contract share.
type Options struct {
	Programs *Programs // nil: the operation shares nothing
}

// A Request checks the requests of one operation. It is immutable and safe for
// concurrent use.
type Request struct {
	op       *contract.Operation
	programs *Programs
	params   []param
	query    queryNames
	required bool
	media    []compiledMedia
}

// A HeadView is what Head reads.
type HeadView struct {
	Path   []risk.PathParam // the values of the template's names
	Query  []canon.Pair     // in order
	Fields risk.Fields
}

// CompileRequest prepares the request side of op. Schemas are compiled when a
// message needs them; what is wrong with them is told here. The list holds
// warnings only, each once for all operations that share o.Programs: the
// operation is usable, without the keywords that they name.
func CompileRequest(op *contract.Operation, o Options) (*Request, source.List) {
	c := newCompiler(o)
	r := &Request{op: op, programs: c.programs}
	for _, p := range op.Parameters {
		if !ignored(p) {
			r.params = append(r.params, c.param(p))
		}
	}
	r.query = newQueryNames(op, r.params)
	for i := range r.params {
		if r.params[i].of.In == contract.InQuery {
			r.params[i].beside = &r.query
		}
	}
	if op.Body != nil {
		r.required = op.Body.Required
		r.media = c.media(op.Body.Media)
	}
	return r, c.list
}

// ignored tells whether OpenAPI says to overlook the parameter (3.1 section
// 4.8.12.1): these headers are declared elsewhere.
func ignored(p *contract.Parameter) bool {
	return p.In == contract.InHeader &&
		(risk.EqualFold(p.Name, "Accept") || risk.EqualFold(p.Name, "Content-Type") || risk.EqualFold(p.Name, "Authorization"))
}

// Head checks path, query, header and cookie parameters. Undeclared query
// parameters are violations of class Undeclared; undeclared headers and
// cookies are not, since browsers and proxies add them.
func (r *Request) Head(dst *risk.Reading, m *HeadView) {
	run := r.programs.borrow(asRequest)
	defer r.programs.giveBack(run)
	for i := range r.params {
		run.param(dst, &r.params[i], m)
	}
	for i := range m.Query {
		if name := m.Query[i].Name; !r.query.owns(name) {
			dst.Violate(risk.Violation{Class: risk.Undeclared, In: contract.InQuery, Name: name, Rule: "undeclared", At: r.op.At})
		}
	}
}

// Media chooses the declared media type of a request by the type that it has
// (lower case, without parameters; "" without Content-Type), and says what to
// do with the body. It sets dst.Media. A body without a type is wrong unless it
// turns out to be empty, which Body sees.
func (r *Request) Media(dst *risk.Reading, media string, hasBody bool) BodyPlan {
	if !hasBody {
		if r.required {
			dst.Violate(risk.Violation{Class: risk.BadValue, In: contract.InBody, Rule: "required", At: r.op.Body.At})
		}
		return None
	}
	return pick(dst, r.media, media, r.at())
}

// at is where the body is declared, or should be.
func (r *Request) at() source.Span {
	if r.op.Body != nil {
		return r.op.Body.At
	}
	return r.op.At
}

// pick chooses and says what follows; at is the place of the declaration. A body
// without a type is judged once it is known not to be empty.
func pick(dst *risk.Reading, list []compiledMedia, media string, at source.Span) BodyPlan {
	m := choose(list, media)
	if m == nil {
		if media != "" {
			wrongMedia(dst, at)
		}
		return Inspect
	}
	dst.Media = m.media
	plan := m.plan(media)
	if plan == Stream && m.media.Schema != nil && !m.binary && formOf(media) == eventsForm {
		dst.Unchecked = true
	}
	return plan
}

// Body checks a whole body for which Media said Inspect. dst is the Reading
// that Media has seen.
func (r *Request) Body(dst *risk.Reading, b *Body) {
	if len(b.Bytes) == 0 {
		if r.required {
			dst.Violate(risk.Violation{Class: risk.BadValue, In: contract.InBody, Rule: "required", At: r.op.Body.At})
		}
		return
	}
	m := find(r.media, dst.Media)
	if m == nil {
		untyped(dst, r.at())
		return
	}
	run := r.programs.borrow(asRequest)
	defer r.programs.giveBack(run)
	run.body(dst, m, b)
}

// Unchecked lists what the contract says of requests and nothing here checks:
// patterns that cannot be translated, and media types without a check. It
// walks the schemas; use it outside the hot path.
func (r *Request) Unchecked() []Unchecked {
	var out unchecked
	for i := range r.params {
		out.schema(r.params[i].of.Schema)
	}
	out.media(r.media)
	return out.list
}
