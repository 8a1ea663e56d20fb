package schema

import (
	"cmp"
	"slices"
)

// A Span is a part of a JSON text: a member from the quote of its name, or an
// element, as risk.Mark has them.
type Span struct{ Start, End int }

// A Replacement puts a JSON value in the place of another.
type Replacement struct {
	Span // of the value, without a name
	With []byte
}

// Cut appends body without the members and elements in spans, and without the
// commas that would be too many. What stays is the same byte for byte. body
// must be valid JSON; spans may come in any order, and one within another
// counts for nothing. A span of a whole value becomes null, since nothing
// would be no JSON; body may hold several, as NDJSON does. Cut sorts spans in place.
func Cut(dst, body []byte, spans []Span) []byte {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End)) })
	at := 0 // up to where body is dealt with
	for i := 0; i < len(spans); {
		start, end := spans[i].Start, spans[i].End
		for i++; i < len(spans); i++ {
			next := spans[i]
			if next.Start >= end {
				if !siblings(body[end:next.Start]) {
					break
				}
			}
			end = max(end, next.End)
		}
		from, to, whole := widen(body, start, end)
		dst = append(dst, body[at:from]...)
		if whole {
			dst = append(dst, "null"...)
		}
		at = to
	}
	return append(dst, body[at:]...)
}

// siblings tells whether s, between two spans, is one comma and white space.
func siblings(s []byte) bool {
	commas := 0
	for _, c := range s {
		switch {
		case c == ',':
			commas++
		case !blank(c):
			return false
		}
	}
	return commas == 1
}

func blank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// widen adds one comma to a run of siblings: the one before, else the one
// behind. The run is a whole text where neither a bracket nor a comma stands
// before it: nothing, or the text before in a body of many.
func widen(body []byte, start, end int) (from, to int, whole bool) {
	before := start - 1
	for before >= 0 && blank(body[before]) {
		before--
	}
	if before < 0 {
		return start, end, true
	}
	switch body[before] {
	case ',':
		return before, end, false
	case '{', '[':
	default:
		return start, end, true
	}
	behind := end
	for behind < len(body) && blank(body[behind]) {
		behind++
	}
	if behind < len(body) && body[behind] == ',' {
		return start, behind + 1, false
	}
	return start, end, false
}

// Replace appends body with other values in some places. What stays is the
// same byte for byte. Of replacements that overlap, the outermost is done.
// Replace sorts list in place.
func Replace(dst, body []byte, list []Replacement) []byte {
	slices.SortFunc(list, func(a, b Replacement) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.End, a.End))
	})
	at := 0
	for _, x := range list {
		if x.Start < at {
			continue
		}
		dst = append(append(dst, body[at:x.Start]...), x.With...)
		at = x.End
	}
	return append(dst, body[at:]...)
}
