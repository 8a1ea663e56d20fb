package gateway

import (
	"net/http"
	"slices"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// readHead runs the contract's program over path, query, header and cookie,
// and chooses the media type of the body.
func (e *exchange) readHead() {
	if e.unit.Request == nil {
		e.facts.Content.Unchecked = true
		return
	}
	q := &e.facts.Request
	e.unit.Request.Head(&e.facts.Head, &schema.HeadView{Path: q.Params, Query: q.Pairs, Fields: q.Fields})
	e.bodyPlan = e.unit.Request.Media(&e.facts.Content, q.Media, q.Body)
}

// inspected tells whether the request's body is read whole. In observe mode a
// request that matches no operation passes as it comes.
func (e *exchange) inspected() bool {
	return e.facts.Request.Body && e.unit.Op != nil && e.bodyPlan != schema.Stream
}

// readContent runs the contract's program over the request's body, where a guard
// may ask what it found.
func (e *exchange) readContent() {
	if e.bodyPlan == schema.Inspect && e.unit.ReadsBody {
		e.unit.Request.Body(&e.facts.Content, &schema.Body{Bytes: e.facts.Body, Type: e.facts.Request.Fields.Get("Content-Type")})
	}
}

// readsWhole tells whether guards will want the whole reply, so that the
// upstream must not be asked for less.
func (e *exchange) readsWhole() bool {
	return e.unit.ReadsReply && !e.unit.Binary && !e.upgrade()
}

// readReplyHead runs the contract's program over status and head of the reply
// and says what to do with its body. A part of a declared binary, and "not
// modified" for one, count as the whole.
func (e *exchange) readReplyHead() schema.BodyPlan {
	if e.unit.Reply == nil {
		e.facts.Answered.Unchecked = true
		return schema.Stream
	}
	status := e.back.Status
	if e.unit.Binary && (status == http.StatusPartialContent || status == http.StatusNotModified) {
		status = http.StatusOK
	}
	return e.unit.Reply.Head(&e.facts.Answered, &schema.ReplyView{
		Method: e.asked, Status: status, Fields: e.response.Fields, Media: e.response.Media,
		Body: e.back.Length != 0 && !bodyless(e.back.Status),
	})
}

// readReplyContent runs the contract's program over the body of the reply.
func (e *exchange) readReplyContent(body []byte) {
	e.unit.Reply.Body(&e.facts.Answered, &schema.Body{Bytes: body, Type: e.response.Fields.Get("Content-Type")})
}

// editBody applies the edits of one side's body. Where a cut and a
// replacement overlap, the cut wins, since it removes more.
func (e *exchange) editBody(body []byte, side risk.Side) []byte {
	var cuts []schema.Span
	var puts []schema.Replacement
	edits := e.x.Edits()
	for i := range edits {
		switch d := &edits[i]; {
		case d.On != side:
		case d.Do == risk.CutMember:
			cuts = append(cuts, schema.Span{Start: d.Start, End: d.End})
		case d.Do == risk.ReplaceSpan:
			puts = append(puts, schema.Replacement{Span: schema.Span{Start: d.Start, End: d.End}, With: []byte(d.Value)})
		}
	}
	puts = slices.DeleteFunc(puts, func(p schema.Replacement) bool {
		return slices.ContainsFunc(cuts, func(c schema.Span) bool { return p.Start < c.End && c.Start < p.End })
	})
	if len(puts) > 0 {
		for i := range cuts {
			cuts[i].Start, cuts[i].End = shifted(cuts[i].Start, puts), shifted(cuts[i].End, puts)
		}
		body = schema.Replace(nil, body, puts)
	}
	if len(cuts) > 0 {
		body = schema.Cut(make([]byte, 0, len(body)), body, cuts)
	}
	return body
}

// shifted is where an offset lies after the replacements.
func shifted(at int, puts []schema.Replacement) int {
	moved := at
	for i := range puts {
		if puts[i].End <= at {
			moved += len(puts[i].With) - (puts[i].End - puts[i].Start)
		}
	}
	return moved
}

// unsafe tells whether the operation may change state.
func (e *exchange) unsafe() bool { return contract.UnsafeMethod(e.facts.Request.Method) }
