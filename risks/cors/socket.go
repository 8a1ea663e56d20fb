package cors

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// upgrades tells whether the contract lets connections of op change their
// protocol, as the gateway reads it.
func upgrades(op *contract.Operation) bool {
	if op == nil {
		return false
	}
	for _, r := range op.Replies {
		if r.Code == 101 {
			return true
		}
	}
	return op.Extensions.Get("websocket").True()
}

// sockets refuses WebSockets that a page of another origin opens. Browsers
// send cookies along and ask for no permission (RFC 6455 section 10.2), so
// the reply is too late to decide.
type sockets struct {
	access
	denial *risk.Denial
}

// Check lets programs without an Origin, the API's own pages and listed
// origins pass.
func (g *sockets) Check(x *risk.Exchange) *risk.Denial {
	q := x.Request()
	if !q.Fields.Has("Upgrade") || !q.Fields.Has("Origin") {
		return nil
	}
	if _, ok := g.allows(q.Fields); ok || q.Fields.Count("Origin") == 1 && own(q.Fields.Get("Origin"), x) {
		return nil
	}
	return g.denial
}

// own tells whether origin is where the request went.
func own(origin string, x *risk.Exchange) bool {
	scheme, port := "http://", ":80"
	if x.Conn().Secure {
		scheme, port = "https://", ":443"
	}
	host, ok := strings.CutPrefix(origin, scheme)
	return ok && host != "" && strings.TrimSuffix(host, port) == x.Request().Host
}
