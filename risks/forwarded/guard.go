package forwarded

import (
	"strings"

	"github.com/sallyport/sallyport/internal/lib/netx"
	"github.com/sallyport/sallyport/risk"
)

func newGuard(s *risk.Site) ([]risk.Placed, error) {
	if s.Scope == risk.OfListener {
		return nil, nil // nothing goes upstream from there
	}
	return risk.At(risk.Send, guard{}), nil
}

// guard takes fields off the request in which only proxies may speak. The
// gateway writes its own X-Forwarded fields afterwards.
type guard struct{}

// Check denies nothing.
func (guard) Check(x *risk.Exchange) *risk.Denial {
	c, fields := x.Conn(), x.Request().Fields
	proxied := c.Client != c.Peer
	for i := range fields {
		name := fields[i].Name
		if !netx.IsClaim(name) || i > 0 && fields[i-1].Name == name {
			continue
		}
		if proxied && proxyField(name) {
			continue // a trusted proxy wrote it, and the gateway replaces it
		}
		x.Edit(risk.Edit{Do: risk.RemoveField, On: risk.OnRequest, Stage: risk.Decide, Name: name})
	}
	return nil
}

// proxyField tells whether trusted proxies write the field as a matter of
// course, so that to note its removal would only crowd the record.
func proxyField(name string) bool {
	return risk.EqualFold(name, "Forwarded") || strings.HasPrefix(name, "X-Forwarded-")
}
