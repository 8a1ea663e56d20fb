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

// manyPatterns has patternProperties of n patterns.
func manyPatterns(n int) string {
	var list []string
	for k := range n {
		list = append(list, fmt.Sprintf(`"^%s[a-z]*-x":{"type":"string"}`, short36(k)))
	}
	return `{"patternProperties":{` + strings.Join(list, ",") + `}}`
}

// enumerated is a list of which every element is one of n.
func enumerated(n int, form string) string {
	var list []string
	for k := range n {
		list = append(list, fmt.Sprintf(form, k))
	}
	return `{"type":"array","items":{"enum":[` + strings.Join(list, ",") + `]}}`
}

// manyAlternatives is a list of which every element is one of n.
func manyAlternatives(n int, more string) string {
	var list, defs []string
	for k := range n {
		list = append(list, fmt.Sprintf(`{"$ref":"#/$defs/A%d"}`, k))
		defs = append(defs, fmt.Sprintf(`"A%d":{"type":"object","properties":{"k%d":{"type":"integer"},"t":{"type":"string"}},"required":["k%d"]}`, k, k, k))
	}
	return `{"type":"array","items":{"oneOf":[` + strings.Join(list, ",") + `]` + more + `},"$defs":{` + strings.Join(defs, ",") + `}}`
}

// constants are alternatives of one text each.
func constants(n int) string {
	var list []string
	for k := range n {
		list = append(list, fmt.Sprintf(`{"const":"c%d"}`, k))
	}
	return strings.Join(list, ",")
}

// latticed has two ways at each of n steps, which lead to the same.
func latticed(n int) string {
	defs := []string{fmt.Sprintf(`"a%d":{"type":"integer"},"b%d":{"type":"integer"}`, n, n)}
	for k := range n {
		both := fmt.Sprintf(`{"anyOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/b%d"}],"title":"x"}`, k+1, k+1)
		defs = append(defs, fmt.Sprintf(`"a%d":%s,"b%d":%s`, k, both, k, both))
	}
	return `{"type":"array","items":{"$ref":"#/$defs/a0"},"$defs":{` + strings.Join(defs, ",") + `}}`
}

func hostileBodies() []hostile {
	const (
		anything  = `{"type":["object","array"]}`
		pets      = `{"type":"array","items":{"oneOf":[{"$ref":"#/$defs/A"},{"$ref":"#/$defs/B"},{"$ref":"#/$defs/C"}]},"$defs":{"A":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},"B":{"type":"object","properties":{"b":{"type":"integer"}},"required":["b"]},"C":{"type":"object","properties":{"c":{"type":"integer"}},"required":["c"]}}}`
		inline    = `{"type":"array","items":{"oneOf":[{"properties":{"a":{}},"required":["a"]},{"properties":{"b":{}},"required":["b"]},{"properties":{"c":{}},"required":["c"]}]}}`
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
		{"many violations", `{"type":"array","items":{"type":"integer"}}`, filled("[", func(int) string { return `""` }, "]")},
		{"many violations of objects", `{"type":"array","items":{"type":"object","required":["a","b"],"properties":{"c":{"type":"null"}},"additionalProperties":false}}`,
			filled("[", func(int) string { return `{"d":1}` }, "]")},
		{"many marks", `{"type":"array","items":{"type":"object","properties":{"a":{"type":"integer"}}}}`, filled("[", func(int) string { return `{"b":1}` }, "]")},
		{"many marks of alternatives", pets, filled("[", func(int) string { return `{"c":1,"x":1}` }, "]")},
		{"one mark at the end of alternatives", `{"oneOf":[{"properties":{"l":` + inline + `,"k":{"type":"integer"}},"required":["k"]},{"properties":{"l":{"type":"string"}}}]}`,
			filled(`{"k":1,"l":[`, func(int) string { return `{"c":1}` }, `],"z":1}`)},
		{"deep references", `{"type":"array","items":{"$ref":"#/$defs/n"},"$defs":{"n":{"type":"object","properties":{"n":{"$ref":"#/$defs/n"},"v":{"type":"integer"}}}}}`,
			filled("[", func(int) string { return strings.Repeat(`{"v":1,"n":`, 60) + "{}" + strings.Repeat("}", 60) }, "]")},
		{"lists of references", `{"$ref":"#/$defs/n","$defs":{"n":{"type":"array","items":{"$ref":"#/$defs/n"}}}}`, filled("[", func(int) string { return deep }, "]")},
		{"many patterns", manyPatterns(30), filled("{", func(i int) string { return `"` + short36(i) + `":1` }, "}")},
		{"an enumeration of thousands of texts", enumerated(5000, `"%d"`), filled("[", func(i int) string { return fmt.Sprintf(`"%d"`, i%5000) }, "]")},
		{"an enumeration of thousands of numbers", enumerated(5000, "%d"), filled("[", func(i int) string { return fmt.Sprint(i % 5000) }, "]")},
		{"an enumeration of thousands of objects", enumerated(2000, `{"a":%d}`), filled("[", func(i int) string { return fmt.Sprintf(`{"a":%d}`, i%2000) }, "]")},
		{"dependent schemas", `{"type":"array","items":{"dependentSchemas":{"a":{"required":["b"]},"b":{"required":["a"]},"c":{"properties":{"a":{"type":"integer"}}}},"properties":{"a":{},"b":{},"c":{}}}}`,
			filled("[", func(int) string { return `{"a":1,"b":2,"c":3}` }, "]")},
		{"dependent schemas that fail", `{"type":"array","items":{"dependentSchemas":{"a":{"required":["b"]},"c":{"properties":{"a":{"type":"string"}}}}}}`,
			filled("[", func(int) string { return `{"a":1,"c":3}` }, "]")},
		{"unevaluated members of small objects", `{"type":"array","items":{"anyOf":[{"properties":{"a":{}}},{"properties":{"b":{}}}],"unevaluatedProperties":false}}`,
			filled("[", func(int) string { return `{"a":1,"b":1}` }, "]")},
		{"unevaluated elements", `{"anyOf":[{"prefixItems":[true]},{"prefixItems":[true,true]}],"unevaluatedItems":{"type":"integer"}}`, filled("[", func(int) string { return "1" }, "]")},
		{"contains", `{"contains":{"const":5},"minContains":2,"maxContains":9}`, filled("[", func(i int) string { return fmt.Sprint(min(i, 5) % 6) }, "]")},
		{"contains objects", `{"type":"array","contains":{"type":"object","required":["b"]},"items":{"type":"object","properties":{"a":{},"b":{}}}}`,
			filled(`[{"b":1},`, func(int) string { return `{"a":1}` }, "]")},
		{"names of properties", `{"propertyNames":{"anyOf":[{"maxLength":2},{"pattern":"^[a-z0-9A-Z]+$"}]}}`, filled("{", func(i int) string { return `"` + short36(i) + `":1` }, "}")},
		{"forty alternatives", manyAlternatives(40, ""), filled("[", func(i int) string { return fmt.Sprintf(`{"k%d":1}`, i%40) }, "]")},
		{"forty alternatives with a discriminator at the end", manyAlternatives(40, `,"discriminator":{"propertyName":"t","mapping":{"A0":"#/$defs/A0","A1":"#/$defs/A1","A39":"#/$defs/A39"}}`), filled("[", func(i int) string { return fmt.Sprintf(`{"k39":%d,"t":"A39"}`, i) }, "]")},
		{"forty alternatives that fail", manyAlternatives(40, ""), filled("[", func(int) string { return `{"q":1}` }, "]")},
		{"alternatives that lead to the same in many ways", latticed(16), filled("[", func(int) string { return `1` }, "]")},
		{"alternatives that fail in many ways", latticed(16), filled("[", func(int) string { return `""` }, "]")},
		{"sixty constants", `{"type":"array","items":{"oneOf":[` + constants(60) + `]}}`, filled("[", func(i int) string { return fmt.Sprintf(`"c%d"`, i%60) }, "]")},
		{"conditions", `{"type":"array","items":{"if":{"required":["a"]},"then":{"properties":{"b":{"type":"integer"}}},"else":{"properties":{"b":{"type":"string"}}},"properties":{"a":{},"b":{}}}}`,
			filled("[", func(i int) string { return []string{`{"a":1,"b":1}`, `{"b":""}`}[i%2] }, "]")},
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

// work is what the last reading has cost: a step is worth stepWorth bytes that
// are only read.
func work(q *Request, body []byte) float64 {
	r := newRun()
	p := q.media[0].schema.program()
	r.machine.whole(body, p, asRequest)
	return float64(len(body)) + stepWorth*float64(r.machine.steps)
}

// stepWorth is how many bytes of an order are read in the time of a step.
const stepWorth = 3

// Not parallel: it counts what the process allocates. What a body costs is
// judged by counted steps; the time of the processor, which other work on the
// machine moves, is printed, and decides with -timed alone.
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
	best := func(n int, f func()) float64 {
		out := time.Hour
		for range n {
			out = min(out, spent(f))
		}
		return float64(out)
	}
	read(usual, body)
	usually := work(usual, body) / float64(len(body))
	for _, h := range hostileBodies() {
		q, _ := CompileRequest(post(jsonMedia(mustSchema(t, h.schema))), Options{})
		read(q, []byte("[]")) // compiles
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		read(q, h.body)
		runtime.ReadMemStats(&after)
		size := float64(len(h.body))
		times := float64(after.TotalAlloc-before.TotalAlloc) / size
		steps := work(q, h.body) / size / usually
		perByte := best(2, func() { read(usual, body) }) / float64(len(body)) // side by side: the machine is not always the same
		cost := best(2, func() { read(q, h.body) }) / size / perByte
		t.Logf("%-52s %5.2f times its size in memory, %5.2f times the usual work, %5.2f times the usual time", h.name, times, steps, cost)
		if times > 10 {
			t.Errorf("%s: %.1f times its size in memory", h.name, times)
		}
		if steps > 10 {
			t.Errorf("%s: %.1f times the usual work", h.name, steps)
		}
		if *timed && cost > 10 {
			t.Errorf("%s: %.1f times the usual time", h.name, cost)
		}
	}
}
