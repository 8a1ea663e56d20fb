package schema

import (
	"bytes"
	"flag"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// bodyCap is the cap of bodies unless it is set.
const bodyCap = 1 << 20

// A hostile body is made to cost more than others of its size.
type hostile struct {
	name, schema string
	body         []byte
}

// schemas is how many schemas have to be applied to a value at a time, and how
// many more ask for them.
func (h *hostile) schemas() float64 {
	switch {
	case strings.Contains(h.schema, "oneOf"):
		return 4
	case strings.Contains(h.schema, "anyOf"):
		return 5
	}
	return 1
}

// filled repeats parts up to the cap.
func filled(open string, part func(i int) string, end string) []byte {
	var b bytes.Buffer
	b.WriteString(open)
	for i := 0; ; i++ {
		p := part(i)
		if b.Len()+len(p)+len(end)+1 > bodyCap {
			break
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(p)
	}
	b.WriteString(end)
	return b.Bytes()
}

// short36 is a short text for each number, of letters and digits.
func short36(i int) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	var b []byte
	for {
		b = append(b, digits[i%len(digits)])
		if i /= len(digits); i == 0 {
			return string(b)
		}
	}
}

func hostileBodies() []hostile {
	const (
		anything  = `{"type":["object","array"]}`
		pets      = `{"type":"array","items":{"oneOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/B"},{"$ref":"#/$defs/C"}]},"$defs":{"A":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},"B":{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]},"C":{"type":"object","properties":{"c":{"type":"integer"}},"required":["c"]}}}`
		recursive = `{"anyOf":[{"type":"array","items":{"$ref":"#"}},{"type":"array","items":{"$ref":"#"},"maxItems":100},{"type":"integer"}]}`
	)
	deep := strings.Repeat("[", 60) + strings.Repeat("]", 60)
	long := strings.Repeat("n", bodyCap/2)
	return []hostile{
		{"deep arrays", anything, filled("[", func(int) string { return deep }, "]")},
		{"deep objects", anything, filled("[", func(int) string { return strings.Repeat(`{"":`, 60) + "1" + strings.Repeat("}", 60) }, "]")},
		{"small numbers", anything, filled("[", func(int) string { return "1" }, "]")},
		{"empty objects", anything, filled("[", func(int) string { return "{}" }, "]")},
		{"many names", anything, filled("{", func(i int) string { return `"` + short36(i) + `":1` }, "}")},
		{"many long names", anything, filled("{", func(i int) string { return fmt.Sprintf(`"a name that nothing declares %d":1`, i) }, "}")},
		{"many names that are refused", `{"type":"object","additionalProperties":false}`, filled("{", func(i int) string { return `"` + short36(i) + `":1` }, "}")},
		{"members within a long name", anything, filled(`{"`+long+`":{`, func(i int) string { return `"` + short36(i) + `":1` }, "}}")},
		{"wrong members within a long name", `{"additionalProperties":{"additionalProperties":{"type":"string"}}}`,
			filled(`{"`+long+`":{`, func(i int) string { return `"` + short36(i) + `":1` }, "}}")},
		{"one long text", `{"type":"string","pattern":"^[a-z]*$"}`, []byte(`"` + strings.Repeat("a", bodyCap-2) + `"`)},
		{"one long text of escapes", `{"type":"string","minLength":1}`, []byte(`"` + strings.Repeat(`\u00e9`, bodyCap/6-1) + `"`)},
		{"one long number", `{"type":"number","multipleOf":0.01,"maximum":5}`, []byte("1." + strings.Repeat("7", bodyCap-2))},
		{"unique numbers", `{"uniqueItems":true}`, filled("[", func(i int) string { return fmt.Sprint(i) }, "]")},
		{"unique texts", `{"uniqueItems":true}`, filled("[", func(i int) string { return `"` + short36(i) + `"` }, "]")},
		{"unique objects", `{"uniqueItems":true}`, filled("[", func(i int) string { return fmt.Sprintf(`{"a":%d}`, i) }, "]")},
		{"alternatives that nothing tells apart", pets, filled("[", func(int) string { return `{"c":1}` }, "]")},
		{"alternatives of which none fits", pets, filled("[", func(int) string { return `{"d":"x"}` }, "]")},
		{"alternatives that differ at the end", pets, filled("[", func(int) string { return `{"x":1,"y":[{}],"c":1}` }, "]")},
		{"alternatives within alternatives", recursive, filled("[", func(int) string { return deep }, "]")},
		{"alternatives within alternatives that fail", recursive, filled("[", func(int) string { return strings.Repeat("[", 60) + `""` + strings.Repeat("]", 60) }, "]")},
		{"unevaluated members", `{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"unevaluatedProperties":{"type":"integer"}}`,
			filled("{", func(i int) string { return `"` + short36(i) + `":1` }, "}")},
		{"white space", anything, append(bytes.Repeat([]byte(" "), bodyCap-2), "[]"...)},
	}
}

// spent is the processor time that f takes.
func spent(f func()) time.Duration {
	var a, b syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &a)
	f()
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &b)
	return time.Duration(b.Utime.Nano() + b.Stime.Nano() - a.Utime.Nano() - a.Stime.Nano())
}

var timed = flag.Bool("timed", false, "let the time of the processor decide too")

// Not parallel: it counts what the process allocates, and its time, which is
// printed, and decides with -timed alone: other work on the machine moves it.
func TestNoBodyCostsTenTimesItsShare(t *testing.T) {
	if testing.Short() {
		t.Skip("needs half a minute of a processor")
	}
	usual, _ := CompileRequest(post(jsonMedia(mustSchema(t, orderContract))), Options{})
	body := orderBody(bodyCap / 120)
	read := func(q *Request, body []byte) {
		var dst risk.Reading
		if q.Media(&dst, "application/json", true) != Inspect {
			t.Fatal("not inspected")
		}
		q.Body(&dst, &Body{Bytes: body, Type: "application/json"})
	}
	best := func(n int, f func()) time.Duration {
		out := time.Hour
		for range n {
			out = min(out, spent(f))
		}
		return out
	}
	read(usual, body)
	perByte := float64(best(5, func() { read(usual, body) })) / float64(len(body))
	for _, h := range hostileBodies() {
		q, _ := CompileRequest(post(jsonMedia(mustSchema(t, h.schema))), Options{})
		read(q, []byte("[]")) // compiles
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		read(q, h.body)
		runtime.ReadMemStats(&after)
		times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(h.body))
		cost := float64(best(3, func() { read(q, h.body) })) / float64(len(h.body)) / perByte / h.schemas()
		t.Logf("%-45s %5.2f times its size in memory, %5.2f times the usual time", h.name, times, cost)
		if times > 10 {
			t.Errorf("%s: %.1f times its size in memory", h.name, times)
		}
		if *timed && cost > 10 {
			t.Errorf("%s: %.1f times the usual time", h.name, cost)
		}
	}
}
