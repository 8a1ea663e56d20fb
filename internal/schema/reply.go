package schema

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// A Reply checks the replies of one operation. It is immutable and safe for
// concurrent use.
type Reply struct {
	op       *contract.Operation
	programs *Programs
	replies  []compiledReply // in the order of op.Replies
}

type compiledReply struct {
	of      *contract.Reply
	headers []param
	media   []compiledMedia
}

// A ReplyView is what Head reads of a reply.
type ReplyView struct {
	Method string // of the request
	Status int
	Fields risk.Fields
	Media  string // lower-case media type without parameters; "" without Content-Type
	Body   bool   // a body is announced
}

// CompileReply prepares the reply side of op, as CompileRequest does the other.
func CompileReply(op *contract.Operation, o Options) (*Reply, source.List) {
	c := newCompiler(o)
	r := &Reply{op: op, programs: c.programs}
	for _, of := range op.Replies {
		x := compiledReply{of: of, media: c.media(of.Media)}
		for _, h := range of.Headers {
			if !risk.EqualFold(h.Name, "Content-Type") {
				x.headers = append(x.headers, c.param(h))
			}
		}
		r.replies = append(r.replies, x)
	}
	return r, c.list
}

// Head checks the status and the declared header fields, chooses the media
// type and says what to do with the body. It sets dst.Reply and dst.Media.
func (r *Reply) Head(dst *risk.Reading, m *ReplyView) BodyPlan {
	of := r.op.ReplyFor(m.Status)
	if of == nil {
		dst.Violate(risk.Violation{Class: risk.UndeclaredStatus, Rule: "status", At: r.op.At})
		return bodyOf(m)
	}
	dst.Reply = of
	c := r.compiled(of)
	if len(c.headers) > 0 {
		run := r.programs.borrow(asReply)
		for i := range c.headers {
			run.header(dst, &c.headers[i], m.Fields)
		}
		r.programs.giveBack(run)
	}
	if bodyOf(m) == None {
		return None
	}
	return pick(dst, c.media, m.Media, of.At)
}

// bodyOf is None for replies that have no content (RFC 9110 sections 9.3.2 and
// 15) or announce none, and else Inspect.
func bodyOf(m *ReplyView) BodyPlan {
	if !m.Body || m.Method == "HEAD" || m.Status < 200 || m.Status == 204 || m.Status == 304 {
		return None
	}
	return Inspect
}

func (r *Reply) compiled(of *contract.Reply) *compiledReply {
	for i := range r.replies {
		if r.replies[i].of == of {
			return &r.replies[i]
		}
	}
	return &compiledReply{of: of}
}

// Body checks a whole body for which Head said Inspect. dst is the Reading
// that Head has seen.
func (r *Reply) Body(dst *risk.Reading, b *Body) {
	if dst.Reply == nil || len(b.Bytes) == 0 {
		return
	}
	m := find(r.compiled(dst.Reply).media, dst.Media)
	if m == nil {
		untyped(dst, dst.Reply.At)
		return
	}
	run := r.programs.borrow(asReply)
	defer r.programs.giveBack(run)
	run.body(dst, m, b)
}

// Unchecked lists what the contract says of replies and nothing here checks.
func (r *Reply) Unchecked() []Unchecked {
	var out unchecked
	for i := range r.replies {
		for k := range r.replies[i].headers {
			out.schema(r.replies[i].headers[k].of.Schema)
		}
		out.media(r.replies[i].media)
	}
	return out.list
}
