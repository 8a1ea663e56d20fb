package consumption

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

var errReset = errors.New("reset")

// answers is an API that says what a request gets; nil is no answer.
type answers func(a *risk.Attempt) *risk.Seen

// play runs the probe on operations, and returns the queries sent and what was
// found.
func play(ctx context.Context, ops []*contract.Operation, s answers) (sent []string, found []risk.Finding, err error) {
	err = probe(ctx, &risk.Target{
		Contract: &contract.Contract{Operations: ops},
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, op.Path != "/unknown"
		},
		Report: func(f risk.Finding) { found = append(found, f) },
		Send: func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) {
			sent = append(sent, a.Path+"?"+a.Query)
			if seen := s(a); seen != nil {
				return seen, nil
			}
			return says(200, `{"limit":1000003}`), errReset // what came before the reset is not the answer
		},
	})
	return sent, found, err
}

func says(status int, body string, fields ...risk.Field) *risk.Seen {
	return &risk.Seen{Status: status, Body: []byte(body), Fields: fields}
}

// one makes the API say the same to all but one query.
func one(query string, seen *risk.Seen, others answers) answers {
	return func(a *risk.Attempt) *risk.Seen {
		if a.Query == query {
			return seen
		}
		return others(a)
	}
}

// read is an operation whose pages may have any size, by these parameters.
func read(path string, params ...string) *contract.Operation {
	op := &contract.Operation{Method: "GET", Path: path, Key: "GET " + path, At: source.Span{Line: 3}}
	for i, name := range params {
		p := number(name, "")
		p.At.Line = 10 + i
		op.Parameters = append(op.Parameters, p)
	}
	return op
}

func elements(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("0,", n), ",") + "]" }

func TestTheProbeOfPages(t *testing.T) {
	t.Parallel()
	const small, huge = "limit=1", "limit=1000003"
	limited := risk.Field{Name: "RateLimit", Value: "a"}
	takes := func(a *risk.Attempt) *risk.Seen {
		if _, n, ok := strings.Cut(a.Query, "="); ok {
			return says(200, `{"size":`+n+`}`, limited)
		}
		return says(200, "{}", limited)
	}
	const took, nothing = "GET /a was asked for limit=1000003, and its answer says that it took the number", ""
	for name, c := range map[string]struct {
		s    answers
		want string
	}{
		"it takes any number":                     {takes, took},
		"no answer to the huge page":              {one(huge, nil, takes), nothing},
		"no answer to the small page":             {one(small, nil, takes), nothing},
		"the small page is refused":               {one(small, says(300, ""), takes), nothing},
		"the small page is no answer":             {one(small, says(199, ""), takes), nothing},
		"the small page is an odd success":        {one(small, says(299, ""), takes), took},
		"the huge page is refused":                {one(huge, says(300, `{"size":1000003}`), takes), nothing},
		"the huge page is no answer":              {one(huge, says(199, `{"size":1000003}`), takes), nothing},
		"the huge page is an odd success":         {one(huge, says(299, `{"size":1000003}`), takes), took},
		"the number stands there in any case":     {one(small, says(200, "[1000003]"), takes), nothing},
		"1000 elements":                           {one(huge, says(200, elements(1000)), takes), nothing},
		"1001 elements":                           {one(huge, says(200, elements(1001)), takes), "GET /a was asked for limit=1000003, and got 1001 elements at once, and 0 when it asked for 1"},
		"1001 elements in any case":               {one(huge, says(200, elements(1001)), one(small, says(200, elements(1001)), takes)), nothing},
		"1001 elements and 1000":                  {one(huge, says(200, elements(1001)), one(small, says(200, elements(1000)), takes)), "GET /a was asked for limit=1000003, and got 1001 elements at once, and 1000 when it asked for 1"},
		"the number and all elements in any case": {one(huge, says(200, "["+elements(1001)+",1000003]"), one(small, says(200, "[1000003]"), takes)), "GET /a was asked for limit=1000003, and got 1001 elements at once, and 1 when it asked for 1"},
	} {
		_, found, err := play(t.Context(), []*contract.Operation{read("/a", "limit")}, c.s)
		var want []risk.Finding
		if c.want != nothing {
			want = []risk.Finding{{Operation: "GET /a", Confirmed: true, At: source.Span{File: "a", Line: 10}, Code: "consumption/page-size", Proof: c.want}}
		}
		if diff := cmp.Diff(want, found); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
}

func TestEachOperationIsReportedOnceAndAllParametersAreTried(t *testing.T) {
	t.Parallel()
	limited := risk.Field{Name: "RateLimit", Value: "a"}
	sent, found, err := play(t.Context(), []*contract.Operation{read("/unknown", "limit"), read("/a", "offset", "limit", "first", "last"), {Method: "POST", Path: "/p"}, read("/b", "top")}, func(a *risk.Attempt) *risk.Seen {
		if strings.HasPrefix(a.Query, "limit") {
			return says(400, "")
		}
		return says(200, "{}", limited)
	})
	if err != nil || found != nil {
		t.Errorf("found %+v %v", found, err)
	}
	want := []string{"/a?", "/a?limit=1", "/a?limit=1000003", "/a?first=1", "/a?first=1000003", "/a?last=1", "/a?last=1000003", "/b?", "/b?top=1", "/b?top=1000003", "/a?"}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
	sent, found, err = play(t.Context(), []*contract.Operation{read("/a", "limit", "first", "last")}, func(a *risk.Attempt) *risk.Seen {
		_, n, _ := strings.Cut(a.Query, "=")
		return says(200, "["+n+"]", limited)
	})
	if diff := cmp.Diff([]string{"/a?", "/a?limit=1", "/a?limit=1000003", "/a?"}, sent); diff != "" || len(found) != 1 || err != nil {
		t.Errorf("%+v %v %s", found, err, diff)
	}
}

func TestTheProbeOfLimits(t *testing.T) {
	t.Parallel()
	// after makes request n, of which the first looks whether the API answers,
	// get another answer.
	after := func(n int, seen *risk.Seen) answers {
		count := 0
		return func(*risk.Attempt) *risk.Seen {
			if count++; count == n {
				return seen
			}
			return says(200, "{}")
		}
	}
	found := []risk.Finding{{
		Operation: "GET /a", At: source.Span{Line: 3}, Code: "consumption/no-limit",
		Proof: "GET /a answered 60 requests in a row; none got 429, and no answer has a field such as RateLimit",
	}}
	for name, c := range map[string]struct {
		s    answers
		sent int
		want []risk.Finding
	}{
		"never enough": {after(99, nil), 61, found}, "an odd success": {after(9, says(299, "")), 61, found},
		"a refusal": {after(9, says(429, "")), 9, nil}, "a redirect": {after(9, says(300, "")), 9, nil}, "no success": {after(9, says(199, "")), 9, nil}, "no answer": {after(9, nil), 9, nil},
		"the last of them": {after(61, says(429, "")), 61, nil}, "a word on limits": {after(2, says(200, "", risk.Field{Name: "A"}, risk.Field{Name: "RateLimit"})), 2, nil},
	} {
		sent, got, err := play(t.Context(), []*contract.Operation{read("/a")}, c.s)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil || len(sent) != c.sent {
			t.Errorf("%s: %d requests, %v %s", name, len(sent), err, diff)
		}
	}
	for status, want := range map[int]error{0: errNoAnswer, 199: errNoAnswer, 300: errNoAnswer, 404: errNoAnswer, 200: nil, 299: nil} {
		sent, _, err := play(t.Context(), []*contract.Operation{{Method: "POST", Path: "/p"}, read("/unknown"), read("/a", "limit"), read("/b", "limit")}, func(*risk.Attempt) *risk.Seen {
			if status == 0 {
				return nil
			}
			return says(status, "{}")
		})
		if !errors.Is(err, want) || want != nil && len(sent) != 2 || want == nil && (len(sent) != 66 || sent[65] != "/a?") {
			t.Errorf("status %d: %d requests, %v", status, len(sent), err)
		}
	}
}

func TestTheProbeEndsWhereItsTimeEnds(t *testing.T) {
	t.Parallel()
	for _, at := range []int{1, 2, 5} {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		sent, found, err := play(ctx, []*contract.Operation{read("/a")}, func(*risk.Attempt) *risk.Seen {
			if n++; n == at {
				cancel()
			}
			return says(200, "{}")
		})
		if !errors.Is(err, context.Canceled) || len(sent) != at || found != nil {
			t.Errorf("request %d: %d requests, %+v, %v", at, len(sent), found, err)
		}
		cancel()
	}
}
