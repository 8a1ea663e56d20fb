package schema

import (
	"unicode/utf8"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

// apply checks node i against p. It notes every violation, but stops at a
// wrong type, behind which the rest is noise.
func (r *run) apply(p *program, i int) bool {
	if r.spend(1) {
		return false
	}
	if r.depth == maxDepth {
		r.broken = true
		return false
	}
	if p.traits != 0 {
		r.notice(p, i)
	}
	kind := r.nodes[i].Kind
	switch {
	case p.never:
		return r.lose(i, "false", p)
	case !p.kinds.has(kind):
		return r.lose(i, "type", p)
	}
	r.depth++
	since := r.seq
	ok := true
	if p.enum != nil && !p.enum.holds(r, i) {
		ok = r.fail(i, "enum", p)
	}
	if p.constant != nil && !p.constant.holds(r, i) {
		ok = r.fail(i, "const", p)
	}
	switch kind {
	case jsonx.Object:
		ok = r.members(p, i) && ok
	case jsonx.Array:
		ok = r.elements(p, i) && ok
	case jsonx.String:
		ok = (p.text == nil || r.string(p, i)) && ok
	case jsonx.Number:
		ok = (p.number == nil || r.number(p, i)) && ok
	case jsonx.Null, jsonx.True, jsonx.False:
	}
	if p.joins {
		ok = r.inPlace(p, i) && ok
	}
	if p.rare != nil {
		ok = r.rarely(p, i, since) && ok
	}
	r.depth--
	return ok
}

// lose fails and notes that nothing below node i was looked at, so that its
// members are not called undeclared.
func (r *run) lose(i int, rule string, p *program) bool {
	r.touch(i).flags |= isLost
	return r.fail(i, rule, p)
}

// notice keeps what p says of the value as a whole.
func (r *run) notice(p *program, i int) {
	s := r.touch(i)
	r.odd = true
	if p.traits&readOnly != 0 {
		s.flags |= hasReadOnly
	}
	if p.traits&writeOnly != 0 {
		s.flags |= hasWriteOnly
	}
	if p.traits&sensitive != 0 {
		s.flags |= hasSensitive
	}
	s.by = p
}

// string checks node i, a string.
func (r *run) string(p *program, i int) bool {
	t := p.text
	text := r.textOf(i)
	ok := true
	if t.min > 0 || t.max >= 0 {
		// A character takes one to four bytes: mostly there is nothing to count.
		n := len(text)
		if t.max >= 0 && n > t.max || n < t.min*utf8.UTFMax {
			n = utf8.RuneCount(text)
		}
		if n < t.min {
			ok = r.fail(i, "minLength", p)
		}
		if t.max >= 0 && n > t.max {
			ok = r.fail(i, "maxLength", p)
		}
	}
	if t.re != nil && (r.spend(len(text)>>4) || !t.re.match(text)) {
		ok = r.fail(i, "pattern", p)
	}
	if t.format != nil && !t.format(text) {
		ok = r.fail(i, "format", p)
	}
	return ok
}

// silent tells whether p says nothing of what is within a value, and leaves it
// to no other schema either.
func (p *program) silent() bool {
	return p.rare != nil || p.ref == nil && p.allOf == nil && p.anyOf == nil && p.oneOf == nil
}

// elements checks node i, an array.
func (r *run) elements(p *program, i int) bool {
	a, n := p.array, &r.nodes[i]
	if a == nil {
		r.odd = r.odd || p.silent()
		return true
	}
	ok := true
	if int(n.Count) < a.min {
		ok = r.fail(i, "minItems", p)
	}
	if a.max >= 0 && int(n.Count) > a.max {
		ok = r.fail(i, "maxItems", p)
	}
	at, after := 0, int(n.After)
	for c := i + 1; c < after; c = int(r.nodes[c].After) {
		to := a.items
		if at < len(a.prefix) {
			to = a.prefix[at]
		}
		at++
		if to == nil {
			r.odd = true
			if a.contains == nil {
				break
			}
			continue
		}
		r.evaluated(c, 0)
		ok = r.apply(to, c) && ok
		if !ok && r.quiet > 0 {
			return false
		}
	}
	if a.contains != nil {
		ok = r.contains(p, i) && ok
	}
	if a.unique && n.Count > 1 && !r.unique(i) {
		ok = r.fail(i, "uniqueItems", p)
	}
	return ok
}

func (r *run) contains(p *program, i int) bool {
	a := p.array
	hits := 0
	for c := i + 1; c < int(r.nodes[i].After); c = int(r.nodes[c].After) {
		if r.try(a.contains, c) {
			r.evaluated(c, 0)
			hits++
		}
	}
	switch {
	case hits < a.least && a.least == 1:
		return r.fail(i, "contains", p)
	case hits < a.least:
		return r.fail(i, "minContains", p)
	case a.most != contract.Unset && hits > a.most:
		return r.fail(i, "maxContains", p)
	}
	return true
}

// try applies p without a word, and forgets all about it when it fails.
func (r *run) try(p *program, i int) bool {
	mark, from := len(r.trail), len(r.found)
	r.choice++
	r.quiet++
	ok := r.apply(p, i)
	r.quiet--
	r.choice--
	r.found = r.found[:from]
	r.settle(mark, ok)
	return ok
}

// settle ends an alternative that began at mark of the trail.
func (r *run) settle(mark int, ok bool) {
	if !ok {
		r.undo(mark)
	}
	if r.choice == 0 {
		r.trail = r.trail[:0]
	}
}
