package header

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// once are the fields that have one value (RFC 9110), and that somebody
// decides by: two readers of two of them may take one each.
var once = [...]string{
	"Authorization", "Proxy-Authorization", "Content-Type", "Content-Length", "Content-Range", "Host", "Origin", "Referer", "Cookie",
	"Range", "If-Range", "If-Modified-Since", "If-Unmodified-Since", "Max-Forwards", "Date", "Idempotency-Key",
}

// decisive are further fields that servers, frameworks and proxies act by, so
// that none may come in another spelling.
var decisive = [...]string{
	"Transfer-Encoding", "Content-Encoding", "If-Match", "If-None-Match", "X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
	"X-Original-Url", "X-Rewrite-Url", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Prefix",
	"X-Forwarded-User", "X-Real-Ip", "X-Client-Ip", "True-Client-Ip", "X-Client-Cert", "Ssl-Client-Cert", "Remote-User", "X-Remote-User",
	"Sallyport-Assertion", "Sallyport-Decision",
}

// twins tells whether two names are different, and the same to servers that
// turn whatever is no letter or digit into one character (CGI, WSGI, Rack,
// PHP; RFC 3875 section 4.1.18).
func twins(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	other := false
	for i := range len(a) {
		x, y := lower(a[i]), lower(b[i])
		switch {
		case x == y:
		case plain(x) || plain(y):
			return false
		default:
			other = true
		}
	}
	return other
}

func lower[T byte | rune](c T) T {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func plain[T byte | rune](c T) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// has tells whether name is in list, without regard to case.
func has(list []string, name string) bool {
	for _, s := range list {
		if risk.EqualFold(s, name) {
			return true
		}
	}
	return false
}

// credentials are the header fields in which an API takes keys.
func credentials(api *risk.API) []string {
	var out []string
	if api == nil {
		return nil
	}
	if api.KeyHeader != "" {
		out = append(out, api.KeyHeader)
	}
	if api.Contract == nil {
		return out
	}
	for _, s := range api.Contract.Schemes {
		if s.Kind == contract.APIKey && s.In == contract.InHeader {
			out = append(out, s.Field)
		}
	}
	return out
}

// scalar tells whether a declared header field has one value: it is neither a
// list nor an object, which may come in several fields.
func scalar(p *contract.Parameter) bool {
	return p.Schema != nil && !p.Schema.Allows(contract.ArrayType) && !p.Schema.Allows(contract.ObjectType)
}
