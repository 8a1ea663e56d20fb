package caching

import (
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// rules are what the fields of a reply say to caches.
type rules struct {
	said    bool // there is a Cache-Control field
	noStore bool
	private bool // or no-cache: no cache gives it to somebody else without asking
	public  bool // or s-maxage: shared caches may keep it
	stays   bool // max-age gives it a time
}

// read adds what one Cache-Control field says (RFC 9111 section 5.2.2). A
// directive with an argument that limits it to some fields does not count.
func (r *rules) read(value string) {
	r.said = true
	for part := range strings.SplitSeq(value, ",") {
		part = strings.Trim(part, " \t")
		name, value, argument := strings.Cut(part, "=")
		switch name = strings.TrimRight(name, " \t"); {
		case risk.EqualFold(name, "no-store"):
			r.noStore = true
		case risk.EqualFold(name, "private"), risk.EqualFold(name, "no-cache"):
			r.private = r.private || !argument
		case risk.EqualFold(name, "public"), risk.EqualFold(name, "s-maxage"):
			r.public = true
		case risk.EqualFold(name, "max-age"):
			r.stays = r.stays || strings.Trim(value, " \t\"0") != ""
		}
	}
}

// personal tells whether no cache gives the reply to another caller.
func (r *rules) personal() bool { return r.noStore || r.private && !r.public }

// targeted tells whether a field speaks to some caches in place of
// Cache-Control (RFC 9213 and its forerunners).
func targeted(name string) bool {
	const suffix = "CDN-Cache-Control"
	if len(name) >= len(suffix) && risk.EqualFold(name[len(name)-len(suffix):], suffix) {
		return true
	}
	return risk.EqualFold(name, "Surrogate-Control") || risk.EqualFold(name, "X-Accel-Expires") || risk.EqualFold(name, "Edge-Control")
}

// of reads all fields of a reply; aimed tells whether some caches are spoken
// to apart.
func of(f risk.Fields) (r rules, aimed bool) {
	for i := range f {
		if risk.EqualFold(f[i].Name, "Cache-Control") {
			r.read(f[i].Value)
		}
		aimed = aimed || targeted(f[i].Name)
	}
	return r, aimed
}
