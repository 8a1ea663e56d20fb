// Package risks lists the risks that Sallyport knows. It is the one place that
// names them all; everything else receives the list.
package risks

import (
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/risks/authn"
	"github.com/sallyport/sallyport/risks/cors"
	"github.com/sallyport/sallyport/risks/errors"
	"github.com/sallyport/sallyport/risks/headers"
	"github.com/sallyport/sallyport/risks/reply"
	"github.com/sallyport/sallyport/risks/request"
	"github.com/sallyport/sallyport/risks/transport"
	"github.com/sallyport/sallyport/risks/undeclared"
)

// All returns every risk, in the order of their ids.
func All() []risk.Risk {
	return []risk.Risk{
		authn.Risk,
		cors.Risk,
		errors.Risk,
		headers.Risk,
		reply.Risk,
		request.Risk,
		transport.Risk,
		undeclared.Risk,
	}
}
