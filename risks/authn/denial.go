package authn

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// denials are all that one guard can say. What is wrong with a key goes to the
// record alone: a client that may only guess learns nothing.
type denials struct {
	missing, twice, undeclared, unsupported      *risk.Denial
	malformed, unknown, expired, revoked, broken *risk.Denial
}

func newDenials(s *risk.Site, g *guard) *denials {
	challenge := challenges(s, g)
	refuse := func(code fault.Code, title, reason string) *risk.Denial {
		return &risk.Denial{Code: code, Status: 401, Title: title, Reason: reason, Fields: challenge}
	}
	invalid := func(reason string) *risk.Denial { return refuse(CodeInvalid, "the credential is not valid", reason) }
	d := &denials{
		missing:    refuse(CodeMissing, "a credential is needed", "no key in "+g.header),
		twice:      refuse(CodeMissing, "exactly one credential is needed", "the credential is there more than once"),
		undeclared: refuse(CodeMissing, "a credential is needed", "no credential that the document declares, or a malformed one"),
		malformed:  invalid("the key is malformed"),
		unknown:    invalid("the key is unknown"),
		expired:    invalid("the key is expired"),
		revoked:    invalid("the key is revoked"),
		broken: &risk.Denial{
			Code: CodeUnavailable, Status: 503, Title: "credentials cannot be checked now", Reason: "the verifier failed",
			Fields: []risk.Field{{Name: "Retry-After", Value: "5"}},
		},
		unsupported: &risk.Denial{
			Code: CodeUnsupported, Status: 403, Title: "no credential can be accepted here", At: s.Op.At,
			Reason: "the operation asks for a credential that this version cannot check, and is closed",
		},
	}
	if len(g.ways) > 0 {
		d.undeclared.At = s.Op.Security[0].At
	}
	return d
}

// challenges are the WWW-Authenticate fields that every 401 carries (RFC 9110
// section 11.6.1), one for each scheme.
func challenges(s *risk.Site, g *guard) []risk.Field {
	realm := "realm=" + quote(s.API.Name)
	var out []risk.Field
	add := func(v string) {
		for i := range out {
			if out[i].Value == v {
				return
			}
		}
		out = append(out, risk.Field{Name: "WWW-Authenticate", Value: v})
	}
	if g.key {
		add("ApiKey " + realm + `, in="header", name=` + quote(g.header))
	}
	for i := range g.ways {
		for _, p := range g.ways[i] {
			switch {
			case p.scheme == "basic":
				add("Basic " + realm + `, charset="UTF-8"`)
			case p.scheme == "bearer":
				add("Bearer " + realm)
			case p.scheme != "":
				add(p.scheme + " " + realm)
			default:
				add("ApiKey " + realm + `, in="` + p.in.String() + `", name=` + quote(p.name))
			}
		}
	}
	return out
}

// quote writes a quoted-string (RFC 9110 section 5.6.4) of the printable ASCII
// in s.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c >= ' ' && c < 0x7f:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// declares tells whether the document itself uses the header, as a parameter
// or for one of its schemes.
func declares(op *contract.Operation, header string) bool {
	if op.Param(contract.InHeader, header) != nil {
		return true
	}
	for _, r := range op.Security {
		for _, p := range r.Parts {
			if s := p.Scheme; s != nil && s.Kind == contract.APIKey && s.In == contract.InHeader && risk.EqualFold(s.Field, header) {
				return true
			}
		}
	}
	return false
}
