package massassign

import (
	"context"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/intake"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// probe sends lawful bodies with one more member, which only the server should
// set, and looks for the very value in that member afterwards.
func probe(ctx context.Context, t *risk.Target) error {
	return intake.Probe(ctx, t, func(s *contract.Schema, lawful *jsonx.Doc) []intake.Mutant {
		return mutants(s, lawful, t.Canary)
	})
}
