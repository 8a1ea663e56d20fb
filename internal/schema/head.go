package schema

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/risk"
)

// header checks a header field, of a request, reply or part. Fields of the
// same name are one list (RFC 9110 section 5.3); for anything but a list, two
// are one too many.
func (r *run) header(dst *risk.Reading, p *param, fields risk.Fields) {
	text, n := "", 0
	for i := range fields {
		if !risk.EqualFold(fields[i].Name, p.of.Name) {
			continue
		}
		if n > 0 && (p.array || p.object) {
			text += "," + fields[i].Value
		} else if n == 0 {
			text = fields[i].Value
		}
		n++
	}
	switch {
	case n == 0:
		r.absent(dst, p)
		return
	case n > 1 && !p.array && !p.object:
		wrong(dst, p, risk.BadValue, "duplicate")
		return
	}
	w := written{text: text, raw: text, separator: ","}
	if p.of.Explode {
		w.equals = "="
	}
	r.styled(dst, p, w)
}

// cookieParam checks a cookie. Its style is form.
func (r *run) cookieParam(dst *risk.Reading, p *param, fields risk.Fields) {
	if !r.pairsOf(fields) {
		wrong(dst, p, risk.BadSyntax, "budget")
		return
	}
	r.formParam(dst, p, r.cookies)
}

// pairsOf splits the Cookie fields (RFC 6265 section 4.2.1) into r.cookies. It
// is false where there are more than are looked at. White space around a name
// is no part of it to most readers.
func (r *run) pairsOf(fields risk.Fields) bool {
	r.cookies = r.cookies[:0]
	for i := range fields {
		if !risk.EqualFold(fields[i].Name, "Cookie") {
			continue
		}
		for pair := range strings.SplitSeq(fields[i].Value, ";") {
			name, value, found := strings.Cut(strings.Trim(pair, " \t"), "=")
			if !found {
				continue
			}
			if len(r.cookies) == maxPairs {
				return false
			}
			r.cookies = append(r.cookies, canon.Pair{Name: strings.TrimRight(name, " \t"), Value: value, RawValue: value})
		}
	}
	return true
}

// queryParam checks a parameter of the query.
func (r *run) queryParam(dst *risk.Reading, p *param, pairs []canon.Pair) {
	if p.deep() {
		r.deepObject(dst, p, pairs)
		return
	}
	r.formParam(dst, p, pairs)
}

// formParam checks a parameter of the styles form, spaceDelimited,
// pipeDelimited and TSV.
func (r *run) formParam(dst *risk.Reading, p *param, pairs []canon.Pair) {
	if p.spread() {
		r.spreadObject(dst, p, pairs)
		return
	}
	var w written
	n := 0
	for i := range pairs {
		if pairs[i].Name == p.of.Name {
			if n == 0 {
				w = written{text: pairs[i].Value, raw: pairs[i].RawValue, plus: p.of.In == contract.InQuery}
			}
			n++
		}
	}
	switch {
	case n == 0:
		r.absent(dst, p)
	case p.of.AllowEmptyValue && n == 1 && w.text == "":
	case p.array && p.of.Explode && (n > 1 || !p.scalar()):
		r.repeated(dst, p, pairs)
	case n > 1:
		wrong(dst, p, risk.BadValue, "duplicate")
	case p.of.Explode && !p.object:
		r.single(dst, p, w.text)
	default:
		w.separator = p.separator()
		r.styled(dst, p, w)
	}
}

// separator stands between the elements of a list that is one text.
func (p *param) separator() string {
	switch p.of.Style {
	case contract.SpaceDelimited:
		return " "
	case contract.PipeDelimited:
		return "|"
	case contract.TSV:
		return "\t"
	case contract.Simple, contract.Label, contract.Matrix, contract.Form, contract.DeepObject:
	}
	return ","
}

// repeated checks a list of which every element is a pair.
func (r *run) repeated(dst *risk.Reading, p *param, pairs []canon.Pair) {
	types := itemTypes(p.shape)
	r.value = append(r.value[:0], '[')
	for i, n := 0, 0; i < len(pairs); i++ {
		if pairs[i].Name != p.of.Name {
			continue
		}
		if n > 0 {
			r.value = append(r.value, ',')
		}
		n++
		r.value = appendScalar(r.value, pairs[i].Value, types)
	}
	r.value = append(r.value, ']')
	r.judge(dst, p)
}

// spreadObject checks an object whose members are pairs of their own.
func (r *run) spreadObject(dst *risk.Reading, p *param, pairs []canon.Pair) {
	r.tree.reset()
	n := 0
	for i := range pairs {
		if !p.ownsSpread(pairs[i].Name) {
			continue
		}
		n++
		r.tree.add(pairs[i].Name, "", pairs[i].Value)
	}
	if n == 0 {
		r.absent(dst, p)
		return
	}
	r.judgeTree(dst, p)
}

// ownsSpread tells whether a pair is a member of an exploded object: it is
// declared there, or the object is open and nothing else declares it.
func (p *param) ownsSpread(name string) bool {
	return p.shape.names[name] != nil || p.open && (p.beside == nil || !p.beside.names(name))
}

// welcomes tells whether a schema says that other names are welcome.
func welcomes(s *contract.Schema) bool {
	extra := first(s, func(s *contract.Schema) *contract.Schema { return s.AdditionalProperties })
	return extra != nil && !extra.Never
}

// deepObject checks name[member]=value, nested where the schema is.
func (r *run) deepObject(dst *risk.Reading, p *param, pairs []canon.Pair) {
	r.tree.reset()
	n := 0
	for i := range pairs {
		rest, ok := strings.CutPrefix(pairs[i].Name, p.lead)
		if !ok {
			continue
		}
		n++
		member, path, ok := strings.Cut(rest, "]")
		if !ok || member == "" || !brackets(path) {
			wrong(dst, p, risk.BadSyntax, "style")
			return
		}
		r.tree.add(member, path, pairs[i].Value)
	}
	if n == 0 {
		r.absent(dst, p)
		return
	}
	r.judgeTree(dst, p)
}

// brackets tells whether path is [a][b]… or nothing.
func brackets(path string) bool {
	for path != "" {
		rest, ok := cutByte(path, '[')
		if !ok {
			return false
		}
		_, path, ok = strings.Cut(rest, "]")
		if !ok {
			return false
		}
	}
	return true
}

// judgeTree checks what the tree holds as the value of p.
func (r *run) judgeTree(dst *risk.Reading, p *param) {
	out, rule := r.tree.appendObject(r.value[:0], p.shape, shapeDepth)
	if rule != "" {
		class := risk.BadSyntax
		if rule == "duplicate" {
			class = risk.BadValue
		}
		wrong(dst, p, class, rule)
		return
	}
	r.value = out
	r.judge(dst, p)
}

// queryNames are the names that an operation's query may have.
type queryNames struct {
	exact map[string]bool
	leads []string // of deepObjects
	rest  bool     // an open object owns all others
}

func newQueryNames(op *contract.Operation, params []param) queryNames {
	q := queryNames{exact: map[string]bool{}}
	for i := range params {
		p := &params[i]
		switch {
		case p.of.In != contract.InQuery:
		case p.deep():
			q.leads = append(q.leads, p.lead)
		case p.spread():
			for name := range p.shape.names {
				q.exact[name] = true
			}
			q.rest = q.rest || p.open
		default:
			q.exact[p.of.Name] = true
		}
	}
	for _, alternative := range op.Security {
		for _, part := range alternative.Parts {
			if s := part.Scheme; s != nil && s.Kind == contract.APIKey && s.In == contract.InQuery {
				q.exact[s.Field] = true
			}
		}
	}
	return q
}

// owns tells whether a name is declared, or taken by an open object.
func (q *queryNames) owns(name string) bool { return q.rest || q.names(name) }

// names tells whether a name is declared.
func (q *queryNames) names(name string) bool {
	if q.exact[name] {
		return true
	}
	for _, lead := range q.leads {
		if strings.HasPrefix(name, lead) {
			return true
		}
	}
	return false
}
