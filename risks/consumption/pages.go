package consumption

import (
	"fmt"
	"strconv"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// pageName tells whether a query parameter is usually the size of a page.
func pageName(name string) bool {
	switch name {
	case "limit", "per_page", "perPage", "per-page", "page_size", "pageSize", "page-size", "pagesize", "page[size]", "first", "last", "count",
		"max_results", "maxResults", "$top", "top":
		return true
	}
	return false
}

// pageParam tells whether p is the size of a page for which the contract gives
// no maximum.
func pageParam(p *contract.Parameter) bool {
	return p.In == contract.InQuery && pageName(p.Name) && p.Content == nil && !bounded(p.Schema, 0)
}

// bounded tells whether a schema bounds a number, or takes no number at all.
func bounded(s *contract.Schema, depth int) bool {
	if s == nil || depth > 8 {
		return false
	}
	if s.Maximum != "" || s.ExclusiveMaximum != "" || s.Enum != nil || s.Const != nil || s.Never || bounded(s.Ref, depth+1) {
		return true
	}
	for _, part := range s.AllOf {
		if bounded(part, depth+1) {
			return true
		}
	}
	return false
}

// pages caps the size of pages that a read asks for.
type pages struct {
	names []string
	most  int
	deny  *risk.Denial
}

// newPages returns nil where no parameter is open.
func newPages(op *contract.Operation, most int) *pages {
	if op == nil || op.Unsafe() {
		return nil
	}
	g := &pages{most: most}
	for _, p := range op.Parameters {
		if !pageParam(p) {
			continue
		}
		if len(g.names) == 0 {
			g.deny = &risk.Denial{
				Code: CodePage, Status: 400, Title: "the page is too large", At: p.At,
				Reason: fmt.Sprintf("the contract gives %q no maximum, and the policy's is %d", p.Name, most),
			}
		}
		g.names = append(g.names, p.Name)
	}
	if len(g.names) == 0 {
		return nil
	}
	return g
}

// Check looks at every pair of the name, since nobody knows which one the
// upstream takes. What is no number is for the contract to judge.
func (g *pages) Check(x *risk.Exchange) *risk.Denial {
	pairs := x.Request().Pairs
	for i := range pairs {
		for _, name := range g.names {
			if pairs[i].Name == name && over(pairs[i].Value, g.most) {
				return g.deny
			}
		}
	}
	return nil
}

// over tells whether text is a number above most, also one that is too long
// for any machine. What is no number counts as 0.
func over(text string, most int) bool {
	if text == "" || text[0] > '9' {
		return false // words, of which Infinity would be read as a number
	}
	n, _ := strconv.ParseFloat(text, 64) //nolint:errcheck // what is out of range is infinite
	return n > float64(most)
}
