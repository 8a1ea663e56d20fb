package retired

import (
	"strings"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// A life is what the contract says of the end of an operation.
type life struct {
	deprecated bool
	since      time.Time // when it was deprecated; zero: the contract does not say
	sunset     time.Time // when it ends; zero: never
	sunsetAt   source.Span
	successor  string        // a URI reference as clients see it, or ""
	broken     []source.Span // members that cannot be read, and count as absent
}

// lifeOf reads deprecated, x-sunset, x-sallyport-deprecated and
// x-sallyport-successor. What an operation does not say, its path and then the
// root of the document say.
func lifeOf(c *contract.Contract, op *contract.Operation) life {
	get := func(name string) source.Value {
		v := op.Extensions.Get(name)
		if v.Kind == source.Absent && c != nil {
			v = c.Extensions.Get(name)
		}
		return v
	}
	l := life{deprecated: op.Deprecated}
	date := func(v source.Value) time.Time {
		t, ok := day(v.Str())
		if v.Kind != source.Absent && !ok {
			l.broken = append(l.broken, v.At)
		}
		return t
	}
	sunset := get("x-sunset")
	l.sunset, l.sunsetAt, l.since = date(sunset), sunset.At, date(get("deprecated"))
	if v := get("successor"); v.Kind != source.Absent {
		if l.successor = v.Str(); !reference(l.successor) {
			l.successor, l.broken = "", append(l.broken, v.At)
		}
	}
	l.deprecated = l.deprecated || !l.since.IsZero() || !l.sunset.IsZero()
	return l
}

// day reads a date, which begins at midnight UTC, or a time of RFC 3339.
func day(s string) (time.Time, bool) {
	for _, form := range [...]string{time.DateOnly, time.RFC3339} {
		if t, _ := time.Parse(form, s); t.Year() >= 1970 { // what cannot be read is in the year 1
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// reference tells whether s can stand between < and > in a Link field (RFC
// 8288 section 3): a path, or a URL of http.
func reference(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || c == '<' || c == '>' || c == '"' || c == '\\' {
			return false
		}
	}
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}
