package taxon

import (
	"net/url"
	"strings"
	"testing"
)

func TestEveryClauseHasATitleAndALink(t *testing.T) {
	t.Parallel()
	seen := map[string]Clause{}
	for _, c := range All() {
		e := c.Entry()
		if e.ID == "" || e.Title == "" || strings.HasSuffix(e.Title, ".") || strings.HasPrefix(e.Standard.String(), "unknown") {
			t.Errorf("clause %d is incomplete: %+v", c, e)
		}
		if u, err := url.Parse(e.Link); err != nil || u.Scheme != "https" {
			t.Errorf("%s: link %q", e.ID, e.Link)
		}
		key := e.Standard.String() + " " + e.ID
		if other, twice := seen[key]; twice {
			t.Errorf("%s stands twice: %d and %d", key, other, c)
		}
		seen[key] = c
	}
	if len(seen) < 90 {
		t.Errorf("only %d clauses", len(seen))
	}
}

func TestAnUnknownNumberIsNoClause(t *testing.T) {
	t.Parallel()
	if (Clause(60000).Entry() != Entry{}) || (none.Entry() != Entry{}) {
		t.Error("want the zero Entry")
	}
}
