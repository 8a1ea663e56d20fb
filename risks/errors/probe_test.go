package errors

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestOneParameterIsSpoiledAtATime(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "GET", Path: "/users", Parameters: []*contract.Parameter{
		{Name: "limit", In: contract.InQuery}, {Name: "sort", In: contract.InQuery}, {Name: "a[b]", In: contract.InQuery}, {Name: "X-Trace", In: contract.InHeader},
	}}
	var got []string
	for _, p := range provocations(op, &risk.Attempt{Method: "GET", Path: "/users", Query: "limit=5&tag=x"}) {
		got = append(got, p.what+": "+p.attempt.Query)
	}
	want := []string{
		"a quote in the query parameter limit: tag=x&limit=%27",
		"a number out of range in the query parameter limit: tag=x&limit=99999999999999999999",
		"a quote in the query parameter sort: limit=5&tag=x&sort=%27",
		"a number out of range in the query parameter sort: limit=5&tag=x&sort=99999999999999999999",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAtMostEightParametersAreSpoiled(t *testing.T) {
	t.Parallel()
	op := &contract.Operation{Method: "GET", Path: "/users"}
	for _, c := range "abcdefghij" {
		op.Parameters = append(op.Parameters, &contract.Parameter{Name: string(c), In: contract.InQuery})
	}
	if got := provocations(op, &risk.Attempt{}); len(got) != 16 || !strings.HasSuffix(got[15].attempt.Query, "h=99999999999999999999") {
		t.Errorf("%d provocations", len(got))
	}
}

func TestTheLintSaysEachNameOnce(t *testing.T) {
	t.Parallel()
	reply := func(line int, names ...string) *contract.Reply {
		s := &contract.Schema{}
		for i, n := range names {
			s.Properties = append(s.Properties, contract.Property{Name: n, NameAt: source.Span{Line: line + i}})
		}
		return &contract.Reply{Code: 500, Media: []*contract.Media{{Schema: s}}}
	}
	var got []string
	lint(&contract.Contract{Operations: []*contract.Operation{
		{Replies: []*contract.Reply{reply(10, "callstack", "title")}},
		{Replies: []*contract.Reply{reply(20, "callstack", "sql"), reply(30, "callstack")}},
	}}, func(d source.Diagnostic) {
		got = append(got, d.Error())
		if d.Hint == "" {
			t.Error("no hint")
		}
	})
	if len(got) != 2 || !strings.Contains(got[0], `"callstack"`) || !strings.Contains(got[0], "in 3 schemas") || !strings.Contains(got[1], `"sql"`) ||
		strings.Contains(got[1], "schemas") || !slices.ContainsFunc(got[:1], func(s string) bool { return strings.Contains(s, "10") }) {
		t.Error(got)
	}
}
