package policy

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/source"
)

// A Place is where clients find an API.
type Place struct {
	Scheme string // "https", "http", or "" for what the listeners speak
	Host   string // lower case, with the port where one is written; "" for any host
	Prefix string // "" or "/orders": starts with a slash, ends without one
}

// String is the place as `at` takes it.
func (p Place) String() string {
	switch {
	case p.Scheme != "":
		return p.Scheme + "://" + p.Host + p.Prefix
	case p.Host == "" && p.Prefix == "":
		return "/"
	}
	return p.Host + p.Prefix
}

// placeForm takes scheme, host and port, and prefix. Segments hold no percent
// sign, so that a prefix has one spelling, and none is "." or "..", which is
// checked apart.
const (
	prefixForm = `/[A-Za-z0-9._~!$&'()*+,;=:@-]+`
	hostForm   = `[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?`
	placeForm  = `^(?:(?:(https?)://)?(` + hostForm + `)((?:` + prefixForm + `)*)/?|((?:` + prefixForm + `)+)/?|/)$`
)

func placeShape() shape[Place] {
	form := regexp.MustCompile(placeForm)
	s := pattern{form: placeForm, want: "a prefix such as /orders, a host, or both: api.example.com/orders", limit: 1024}.shape()
	return shape[Place]{
		read: func(r *reader, v source.Value) (Place, bool) {
			text, ok := s.read(r, v)
			if !ok {
				return Place{}, false
			}
			m := form.FindStringSubmatch(text)
			p := Place{Scheme: m[1], Host: strings.ToLower(m[2]), Prefix: m[3] + m[4]}
			for segment := range strings.SplitSeq(p.Prefix, "/") {
				if segment == "." || segment == ".." {
					r.fail(v.At, CodeOutOfRange, fmt.Sprintf("%s holds the segment %s, which no canonical path has", r.where(), segment), "write the prefix as clients send it")
					return Place{}, false
				}
			}
			return p, true
		},
		write:  func(p Place) source.Value { return str(p.String()) },
		schema: s.schema,
	}
}

// checkPlaces refuses two APIs at one place: the order of a file must not
// decide who gets a request. Places that come from documents are compared when
// the plan is compiled.
func checkPlaces(r *reader, _ source.Value, p *Policy) {
	first := map[Place]*API{}
	for _, a := range p.APIs {
		if !a.Place.Set {
			continue
		}
		key := Place{Host: a.Place.Value.Host, Prefix: a.Place.Value.Prefix}
		if other, ok := first[key]; ok {
			r.fail(a.Place.At, CodeConflict, fmt.Sprintf("apis.%s.at is the place of %s too (line %d)", a.Name.Value, other.Name.Value, other.Place.At.Line), "give each API a host or prefix of its own")
			continue
		}
		first[key] = a
	}
}
