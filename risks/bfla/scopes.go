package bfla

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// errScopes refuses a contract whose wish cannot be read: guessing would open.
var errScopes = errors.New("x-sallyport-scopes must be a list of texts, such as [orders:admin]")

// ownScopes reads x-sallyport-scopes of an operation, or of its path.
func ownScopes(op *contract.Operation) (scopes []string, at source.Span, err error) {
	v := op.Extensions.Get("scopes")
	if v.Kind == source.Absent {
		return nil, source.Span{}, nil
	}
	if v.Kind != source.Array {
		return nil, v.At, errScopes
	}
	for _, item := range v.Items {
		if item.Str() == "" || strings.ContainsAny(item.Str(), " \t\r\n") {
			return nil, v.At, errScopes
		}
		scopes = append(scopes, item.Str())
	}
	return scopes, v.At, nil
}

// asked is what an operation asks for, as one text that is the same for the
// same wish, and different for every other; "" where it asks for nothing.
func asked(op *contract.Operation) string {
	own, _, err := ownScopes(op)
	if err != nil {
		return ""
	}
	var parts, all []string
	for _, w := range ways(op) {
		slices.Sort(w)
		all = append(all, strings.Join(w, " "))
	}
	if len(own) > 0 {
		slices.Sort(own)
		parts = append(parts, strings.Join(own, " "))
	}
	if len(all) > 0 {
		slices.Sort(all)
		parts = append(parts, strings.Join(all, ", or "))
	}
	return strings.Join(parts, ", and also ")
}
