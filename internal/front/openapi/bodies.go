package openapi

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// body reads a request body; one that cannot be read takes nothing.
func (b *builder) body(s spot) *contract.Body {
	if !s.ok() || s.is(source.Null) {
		return nil
	}
	at, ok := b.follow(s)
	if !ok || !b.spend(s.node) {
		return b.closedBody(s)
	}
	if !at.is(source.Object) {
		b.wrongType(at.node, "a request body", source.Object)
		return nil
	}
	out := &contract.Body{Required: at.get("required").isTrue(), At: at.span()}
	out.Media = b.contents(at.child("content"))
	if len(out.Media) == 0 {
		b.warn(at.node, say(CodeBody, "declare its media types under content", "the request body has no usable content, so no body is taken"))
		return b.closedBody(at)
	}
	return out
}

// closedBody is a body that nothing satisfies.
func (b *builder) closedBody(s spot) *contract.Body {
	return &contract.Body{Required: true, Media: []*contract.Media{neverMedia(b, s)}, At: s.span()}
}

// neverMedia is any media type with a schema that accepts nothing.
func neverMedia(b *builder, s spot) *contract.Media {
	return &contract.Media{Type: "*/*", Schema: b.never(s), At: s.span()}
}

// contents reads the media types of a content object. Types that differ only
// in parameters are one; the first counts.
func (b *builder) contents(s spot) []*contract.Media {
	list := b.want(s.node, "content", source.Object)
	out := make([]*contract.Media, 0, list.count())
	for k, v := range list.members {
		if strings.HasPrefix(k.text(), "x-") && !strings.Contains(k.text(), "/") {
			continue
		}
		name, ok := b.mediaType(k)
		if !ok || !b.spend(v) {
			continue
		}
		if slices.ContainsFunc(out, func(m *contract.Media) bool { return m.Type == name }) {
			b.warn(k, say(CodeMediaType, "keep one of them", "the media type %s is declared twice here, apart from its parameters; the first one counts", clip(name)))
			continue
		}
		if m := b.mediaObject(s.under(k.text(), v), name); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// mediaObject reads one media type, once for each place.
func (b *builder) mediaObject(s spot, name string) *contract.Media {
	if m, ok := b.media[s.node]; ok {
		return m
	}
	m := &contract.Media{Type: name, At: s.span()}
	b.media[s.node] = m
	if s.is(source.Null) {
		return m
	}
	if !s.is(source.Object) {
		b.wrongType(s.node, "a media type", source.Object)
		return m
	}
	at, ok := b.follow(s)
	if !ok {
		m.Schema = b.never(s)
		return m
	}
	if schema := at.child("schema"); schema.ok() {
		m.Schema = b.schema(schema)
	}
	m.Encoding = b.encodings(at.child("encoding"))
	return m
}

// mediaType reads a media type or range (RFC 9110 section 8.3.1).
func (b *builder) mediaType(n node) (string, bool) {
	name, _, _ := strings.Cut(n.text(), ";")
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "*" {
		name = "*/*"
	}
	main, sub, ok := strings.Cut(name, "/")
	if !ok || main == "" || sub == "" || strings.ContainsAny(name, " \t\r\n,\"") || strings.Contains(sub, "/") {
		b.warn(n, say(CodeMediaType, "write application/json or the like", "%q is not a media type and is ignored", clip(n.text())))
		return "", false
	}
	return b.keep(name), true
}

func (b *builder) encodings(s spot) []contract.Encoding {
	list := b.want(s.node, "encoding", source.Object)
	var out []contract.Encoding
	for k, v := range list.members {
		if !v.is(source.Object) {
			b.wrongType(v, "an encoding", source.Object)
			continue
		}
		at := s.under(k.text(), v)
		e := contract.Encoding{Name: b.keep(k.text()), ContentType: b.keep(strings.TrimSpace(v.get("contentType").str())), At: v.span()}
		e.Style, e.Explode = b.style(v, contract.InBody)
		e.AllowReserved = v.get("allowReserved").isTrue()
		e.Styled = v.get("style").ok() || v.get("explode").ok() || v.get("allowReserved").ok()
		e.Headers = b.headers(at.child("headers"))
		out = append(out, e)
	}
	return out
}

// replies reads the responses: exact codes first, then ranges, then the
// default.
func (b *builder) replies(s spot) []*contract.Reply {
	list := b.want(s.node, "responses", source.Object)
	out := make([]*contract.Reply, 0, list.count())
	for k, v := range list.members {
		if strings.HasPrefix(k.text(), "x-") || !b.spend(v) {
			continue
		}
		r := &contract.Reply{At: v.span()}
		var ok bool
		if r.Code, r.Range, ok = replyCode(k.text()); !ok {
			b.warn(k, say(CodeReply, "write a code such as 200, a range such as 2XX, or default", "%q is not a status code, so this response is ignored", clip(k.text())))
			continue
		}
		if slices.ContainsFunc(out, func(o *contract.Reply) bool { return o.Code == r.Code && o.Range == r.Range }) {
			b.warn(k, say(CodeReply, "keep one of them", "the response %q is declared twice; the first one counts", clip(k.text())))
			continue
		}
		b.reply(r, s.under(k.text(), v))
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(x, y *contract.Reply) int { return cmp.Compare(replyRank(x), replyRank(y)) })
	return out
}

// reply reads one response; what cannot be read has no lawful body.
func (b *builder) reply(r *contract.Reply, s spot) {
	at, ok := b.follow(s)
	if !ok {
		r.Media = []*contract.Media{neverMedia(b, s)}
		return
	}
	if at.is(source.Null) {
		return
	}
	if !at.is(source.Object) {
		b.wrongType(at.node, "a response", source.Object)
		return
	}
	r.Headers = b.headers(at.child("headers"))
	if b.dialect != contract.Swagger20 {
		r.Media = b.contents(at.child("content"))
	}
}

func replyRank(r *contract.Reply) int {
	switch {
	case r.Default():
		return 2
	case r.Range:
		return 1
	}
	return 0
}

// replyCode reads "200", "2XX" or "default".
func replyCode(s string) (code int, ranged, ok bool) {
	if s == "default" {
		return 0, false, true
	}
	if len(s) != 3 || s[0] < '1' || s[0] > '5' {
		return 0, false, false
	}
	if strings.EqualFold(s[1:], "xx") {
		return int(s[0] - '0'), true, true
	}
	code, err := strconv.Atoi(s)
	return code, false, err == nil
}
