package schema

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// quickly fails the test where f takes longer than a slow machine would need
// for linear work.
func quickly(t *testing.T, f func()) {
	t.Helper()
	start := time.Now()
	f()
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestHostileBodiesCostNoMoreThanTheirBudget(t *testing.T) {
	t.Parallel()
	many := func(n int, item func(int) string) string {
		list := make([]string, n)
		for i := range list {
			list[i] = item(i)
		}
		return strings.Join(list, ",")
	}
	const deep = 60
	for _, c := range []struct {
		name, schema, body string
		want               []string
	}{
		{"two ways at every level", `{"anyOf":[{"items":{"$ref":"#"},"maxItems":1},{"items":{"$ref":"#"},"maxItems":1}],"type":"array"}`,
			strings.Repeat("[", deep) + "1" + strings.Repeat("]", deep), []string{`value body "` + strings.Repeat("/0", deep) + `" type`}},
		{"many equal elements", `{"uniqueItems":true}`, "[" + many(50000, func(i int) string { return fmt.Sprint(i) }) + "," + "1e0]",
			[]string{`value body "" uniqueItems`}},
		{"many objects in another order", `{"uniqueItems":true}`, "[" + many(4, func(i int) string {
			names := make([]string, 4000)
			for k := range names {
				names[k] = fmt.Sprintf(`"n%d":%d`, (k*(2*i+1))%4000, 1)
			}
			return "{" + strings.Join(dedupe(names), ",") + "}"
		}) + "]", nil},
		{"many wrong elements", `{"items":{"type":"integer"}}`, "[" + many(50000, func(int) string { return `"x"` }) + "]", nil},
		{"a huge exponent", `{"multipleOf":3,"maximum":1}`, `-3e999999999999`, nil},
		{"a number of many digits", `{"multipleOf":0.001}`, "1" + strings.Repeat("7", 100000), []string{`value body "" multipleOf`}},
		{"a number above any double", `{"type":"number","format":"double"}`, `1e400`, []string{`value body "" format`}},
		{"a number that a float would round", `{"maximum":9007199254740992}`, `9007199254740993`, []string{`value body "" maximum`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			quickly(t, func() {
				dst, _ := readBody(t, post(jsonMedia(mustSchema(t, c.schema))), "application/json", c.body)
				if c.want != nil {
					if diff := cmp.Diff(c.want, said(dst)); diff != "" {
						t.Error(diff)
					}
				}
				if len(dst.Violations) > risk.MaxViolations {
					t.Errorf("%d violations", len(dst.Violations))
				}
			})
		})
	}
}

func dedupe(list []string) []string {
	seen := map[string]bool{}
	var out []string
	for _, s := range list {
		if !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}

func TestMarksBeyondTheirBoundSetOverflow(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range risk.MaxMarks + 1 {
		fmt.Fprintf(&b, `,"m%d":1`, i)
	}
	dst, _ := readBody(t, post(jsonMedia(mustSchema(t, `{"type":"object"}`))), "application/json", "{"+b.String()[1:]+"}")
	if !dst.Overflow || len(dst.Marks) != risk.MaxMarks {
		t.Errorf("overflow %v with %d marks", dst.Overflow, len(dst.Marks))
	}
}

func TestAProgramServesManyGoroutines(t *testing.T) {
	t.Parallel()
	q, _ := CompileRequest(post(jsonMedia(mustSchema(t, orderContract))), Options{})
	done := make(chan []string)
	for range 8 {
		go func() {
			var last []string
			for n := range 50 {
				var dst risk.Reading
				q.Media(&dst, "application/json", true)
				body := orderBody(1 + n%3)
				if n%2 == 1 {
					body = []byte(`{"id":"x"}`)
				}
				q.Body(&dst, &Body{Bytes: body, Type: "application/json"})
				if last = said(&dst); (len(last) == 0) != (n%2 == 0) {
					break
				}
			}
			done <- last
		}()
	}
	for range 8 {
		if last := <-done; len(last) != 6 {
			t.Errorf("the last reading says %v", last)
		}
	}
}

func TestThePassPathDoesNotAllocate(t *testing.T) {
	q, _ := CompileRequest(post(jsonMedia(mustSchema(t, orderContract))), Options{})
	var dst risk.Reading
	in := Body{Bytes: orderBody(15), Type: "application/json; charset=utf-8"}
	got := testing.AllocsPerRun(200, func() {
		dst.Reset()
		q.Media(&dst, "application/json", true)
		q.Body(&dst, &in)
	})
	if len(dst.Violations) > 0 || got > 0.5 {
		t.Errorf("%v allocations, %v", got, said(&dst))
	}
}

func TestWideAndRecursiveFormsHaveSmallShapes(t *testing.T) {
	t.Parallel()
	root := contract.NewSchema()
	for i := range 200 {
		s := contract.NewSchema()
		s.AnyOf = []*contract.Schema{root, contract.NewSchema()}
		root.Properties = append(root.Properties, contract.Property{Name: fmt.Sprintf("p%d", i), Schema: s})
	}
	quickly(t, func() {
		q, _ := CompileRequest(post(&contract.Media{Type: "application/x-www-form-urlencoded", Schema: root}), Options{})
		if n := len(q.programs.shapes); n > 201*(shapeDepth+1) {
			t.Errorf("%d shapes", n)
		}
	})
}
