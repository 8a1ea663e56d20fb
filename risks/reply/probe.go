package reply

import (
	"context"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds how many operations the probe reads.
const maxOperations = 100

// probe makes lawful reads as each caller, since replies are malformed by what
// is in them, and reports those that call themselves JSON and are not, by the
// strict rules of RFC 8259: two parsers may read them as two things. Each
// operation is reported once.
func probe(ctx context.Context, t *risk.Target) error {
	n := 0
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" || n == maxOperations {
			continue
		}
		try, ok := t.Lawful(op)
		if !ok {
			continue
		}
		n++
		for _, caller := range callers(t, try) {
			a := *try
			a.As = caller
			seen, err := t.Send(ctx, &a)
			if err != nil {
				return fmt.Errorf("read %s: %w", op.Key, err)
			}
			if !malformed(seen) {
				continue
			}
			t.Report(risk.Finding{
				Operation: op.Key, At: op.At, Code: string(CodeSyntax), Confirmed: true,
				Proof: fmt.Sprintf("the reply (%d, %d bytes) calls itself JSON, and a strict parser refuses it", seen.Status, len(seen.Body)),
			})
			break
		}
	}
	return nil
}

// callers are those to read as: the first two, or nobody where none is needed.
func callers(t *risk.Target, try *risk.Attempt) []string {
	if try.As == "" {
		return []string{""}
	}
	return t.Callers[:min(2, len(t.Callers))]
}

// malformed tells whether a success calls itself JSON and is none.
func malformed(s *risk.Seen) bool {
	if s.Status < 200 || s.Status > 299 || len(s.Body) == 0 || !isJSON(s.Fields.Get("Content-Type")) {
		return false
	}
	return jsonx.New(jsonx.Limits{}).Parse(s.Body) != nil
}

// isJSON tells whether bodies of this type are one JSON value.
func isJSON(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.Trim(media, " \t"))
	return media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
}
