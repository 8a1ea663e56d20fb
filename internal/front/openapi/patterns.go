package openapi

import (
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/ecma"
	"github.com/sallyport/sallyport/source"
)

// warnAt reports p at the place of a built schema.
func (b *builder) warnAt(s *contract.Schema, p problem) {
	for _, f := range b.order {
		if f.name == s.At.File {
			f.split()
			line := min(max(s.At.Line, 1), len(f.starts))
			b.report.addAt(source.Warning, f, int(f.starts[line-1])+max(s.At.Col-1, 0), p)
			return
		}
	}
	b.warn(node{}, p)
}

// pattern reports a pattern that cannot be enforced: in linear time there is no
// lookaround and no backreference, or it is broken.
func (b *builder) pattern(at node, pattern string) {
	why, ok := b.regexps[pattern]
	if !ok {
		if _, err := ecma.Translate(pattern); err != nil {
			why = clip(err.Error())
		}
		b.regexps[pattern] = why
	}
	if why != "" {
		b.warn(at, say(CodePattern, "write it without lookaround and backreferences, and with repeats up to 1000", "the pattern %q is not checked: %s", clip(pattern), why))
	}
}
