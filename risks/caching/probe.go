package caching

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// maxOperations bounds how many operations the probe reads.
const maxOperations = 40

// probe reads as a lawful caller and as nobody. Where the answers differ, the
// reply is private, and must tell caches so. Then it asks for a file below the
// path, which some caches keep by its name alone. Each kind is reported once.
func probe(ctx context.Context, t *risk.Target) error {
	p := prober{t: t, done: map[source.Code]bool{}}
	n := 0
	for _, op := range t.Contract.Operations {
		if op.Method != "GET" || n == maxOperations {
			continue
		}
		try, ok := t.Lawful(op)
		if !ok || try.As == "" {
			continue
		}
		n++
		if err := p.operation(ctx, op, try); err != nil {
			return err
		}
	}
	return nil
}

type prober struct {
	t    *risk.Target
	done map[source.Code]bool
}

func (p *prober) operation(ctx context.Context, op *contract.Operation, try *risk.Attempt) error {
	seen, err := p.private(ctx, op, try)
	if seen == nil {
		return err
	}
	says, _ := of(seen.Fields)
	switch {
	case !says.said && !seen.Fields.Has("Expires") && !seen.Fields.Has("Pragma"):
		p.find(op, CodeSilent, "a reply that only a known caller gets says nothing to caches")
	case !says.personal() && (says.public || says.stays):
		p.find(op, CodeShared, "a reply that only a known caller gets may be kept by shared caches: "+seen.Fields.Get("Cache-Control"))
	}
	file := *try
	file.Path = strings.TrimSuffix(try.Path, "/") + "/" + p.t.Canary() + ".css"
	named, err := p.private(ctx, op, &file)
	if named == nil || !bytes.Equal(named.Body, seen.Body) {
		return err
	}
	if says, _ := of(named.Fields); !says.personal() {
		p.find(op, CodeExtension, "a name with .css put behind the path gets the same private reply, which caches keep as a file")
	}
	return nil
}

// private returns the answer to a caller, or nil where there is none or nobody
// gets the same.
func (p *prober) private(ctx context.Context, op *contract.Operation, try *risk.Attempt) (*risk.Seen, error) {
	seen, err := p.t.Send(ctx, try)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", op.Key, err)
	}
	if seen.Status < 200 || seen.Status > 299 || len(seen.Body) == 0 {
		return nil, nil
	}
	open := *try
	open.As, open.Fields = "", without(try.Fields, append(credentials(&risk.Site{Op: op}), "Authorization", "Cookie"))
	anonymous, err := p.t.Send(ctx, &open)
	if err != nil {
		return nil, fmt.Errorf("read %s without a credential: %w", op.Key, err)
	}
	if anonymous.Status == seen.Status && bytes.Equal(anonymous.Body, seen.Body) {
		return nil, nil
	}
	return seen, nil
}

// without is a copy of fields that lacks those with these names.
func without(fields risk.Fields, names []string) risk.Fields {
	return slices.DeleteFunc(slices.Clone(fields), func(f risk.Field) bool {
		return slices.ContainsFunc(names, func(name string) bool { return risk.EqualFold(f.Name, name) })
	})
}

func (p *prober) find(op *contract.Operation, code source.Code, proof string) {
	if p.done[code] {
		return
	}
	p.done[code] = true
	p.t.Report(risk.Finding{Operation: op.Key, At: op.At, Code: string(code), Confirmed: true, Proof: proof})
}
