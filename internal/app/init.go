package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/source"
)

// Codes of `sallyport init`.
const (
	CodeInitExists source.Code = "init/exists"
	CodeInitWrite  source.Code = "init/cannot-write"
)

// InitOptions say what to write.
type InitOptions struct {
	Options
	From string // the document; "" writes a placeholder
	Out  string // "" is PolicyFile
}

// Init writes the smallest commented policy file. It never overwrites one.
func Init(ctx context.Context, opt InitOptions) error {
	if opt.Out == "" {
		opt.Out = PolicyFile
	}
	document, title := "./openapi.yaml", "your API"
	if opt.From != "" {
		o := openapi.Options{}
		if strings.Contains(opt.From, "://") {
			o.Fetch = fetch
		}
		c, list := openapi.Load(ctx, opt.From, o)
		if c == nil {
			return refusal(list)
		}
		document, title = opt.From, describe(c)
	}
	to := opt.To
	if to == "" {
		to = "http://127.0.0.1:8080"
	}
	f, err := os.OpenFile(opt.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644) //nolint:gosec // a policy holds no secret
	if errors.Is(err, fs.ErrExist) {
		return usage(nil, source.Diagnostic{At: source.Span{File: opt.Out}, Code: CodeInitExists, Text: "the file is there already", Hint: "move it away, or write another one with --out FILE"})
	}
	if err != nil {
		return usage(nil, source.Diagnostic{At: source.Span{File: opt.Out}, Code: CodeInitWrite, Text: fmt.Sprintf("the file cannot be written: %v", err), Hint: "name another one with --out FILE"})
	}
	_, err = fmt.Fprintf(f, smallest, yamlText(title), yamlText(to), yamlText(document))
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", opt.Out, err)
	}
	fmt.Fprintf(opt.Stderr, "wrote %s for %s\nNext: sallyport check, then sallyport run\n", opt.Out, title)
	return nil
}

// yamlText makes s a quoted scalar of YAML on one line.
func yamlText(s string) string {
	return string(appendJSONText(nil, strings.Map(func(r rune) rune {
		if r < 0x20 {
			return ' '
		}
		return r
	}, s)))
}

// smallest is the policy that init writes.
const smallest = `# Sallyport policy for %s
# Everything that is not written here is at its safe default; sallyport schema
# prints what can be written, and sallyport help CODE explains each message.
version: 1
# listen: https://localhost:8443        # where clients come in
# mode: { observe: 14d }                # count what would be refused, for 14 days
apis:
  api:
    upstream: %s
    openapi: %s
    # at: /api                          # where clients find it; default: the document's server
    # auth:
    #   - api_key: { header: X-API-Key, expires: 90d }
    # operations:
    #   "GET /healthz": { public: the load balancer asks without a key }
# tests:                                # run by sallyport check; a failing one blocks a reload
#   - { as: anonymous, do: "GET /", expect: deny authn 401 }
`
