package transport

import (
	"strings"

	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/risk"
)

// tls12 is the crypto/tls number of the oldest version that protects (RFC 9325
// section 3.1.1).
const tls12 = 0x0303

// FlagCredential notes that a key of ours crossed the network in the clear: it
// should be rotated.
const FlagCredential = "plaintext-credential"

// guard refuses what came unprotected. It never redirects: a client that is
// redirected has already sent its credential, and would do so each time.
type guard struct {
	api           string
	header        string // where a key of ours is expected, or ""
	prefix        string // of keys of ours, or ""
	plain, oldTLS *risk.Denial
}

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	g := &guard{
		plain: &risk.Denial{
			Code: CodePlain, Status: 403, Title: "this API is served over TLS only",
			Reason: "the request came over plain HTTP", Close: true,
		},
		oldTLS: &risk.Denial{
			Code: CodeOldTLS, Status: 403, Title: "this API needs TLS 1.2 or newer",
			Reason: "the connection uses a version of TLS before 1.2", Close: true,
		},
	}
	if s.API != nil {
		g.api, g.header, g.prefix = s.API.Name, s.API.KeyHeader, s.API.KeyPrefix
	}
	return risk.At(risk.Connect, g), nil
}

// Check passes TLS 1.2 and newer, and plain HTTP that never left the machine.
func (g *guard) Check(x *risk.Exchange) *risk.Denial {
	c := x.Conn()
	switch {
	case c.TLSVersion != 0 && c.TLSVersion < tls12:
		return g.oldTLS
	case c.Secure || local(c):
		return nil
	}
	g.expose(x)
	return g.plain
}

// local tells whether the request was made on this machine. A proxy beside us
// that names a client elsewhere speaks for that client.
func local(c *risk.Conn) bool {
	return c.Loopback && (!c.Client.IsValid() || c.Client.IsLoopback())
}

// expose makes the record name the key that was sent in the clear.
func (g *guard) expose(x *risk.Exchange) {
	if g.api == "" {
		return
	}
	text := ""
	fields := x.Request().Fields
	if g.header != "" {
		text = fields.Get(g.header)
	}
	if text == "" {
		text = bearer(fields.Get("Authorization"))
		if g.prefix == "" || !strings.HasPrefix(text, g.prefix) {
			return
		}
	}
	switch x.Verify(risk.Credential{API: g.api, Kind: risk.KeyCredential, Text: secret.New(text)}) {
	case risk.Valid, risk.Expired, risk.Revoked:
		x.Flag(FlagCredential)
	case risk.Unverified, risk.Malformed, risk.UnknownCredential, risk.Broken:
	}
}

// bearer is the token of an Authorization field, or "".
func bearer(v string) string {
	scheme, token, ok := strings.Cut(v, " ")
	if !ok || !risk.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.Trim(token, " ")
}
