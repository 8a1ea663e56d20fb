package jsonx

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func reasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	if err != nil {
		return Reason("not an *Error: " + err.Error())
	}
	return ""
}

func mustParse(t testing.TB, text string) *Doc {
	t.Helper()
	d := New(Limits{})
	if err := d.Parse([]byte(text)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return d
}

func TestADocumentBecomesAFlatTable(t *testing.T) {
	t.Parallel()
	const text = ` {"a":[1,{"b\u002f":"x\n"}],"c":null} `
	d := mustParse(t, text)
	want := []Node{
		{Kind: Object, Start: 1, End: 37, Parent: -1, After: 6, Count: 2},
		{Kind: Array, Start: 6, End: 27, KeyStart: 3, KeyEnd: 4, Parent: 0, After: 5, Count: 2},
		{Kind: Number, Start: 7, End: 8, Parent: 1, After: 3},
		{Kind: Object, Start: 9, End: 26, Parent: 1, After: 5, Count: 1},
		{Kind: String, Start: 20, End: 25, KeyStart: 11, KeyEnd: 18, Parent: 3, After: 5, flags: escapedKey | escapedText},
		{Kind: Null, Start: 32, End: 36, KeyStart: 29, KeyEnd: 30, Parent: 0, After: 6},
	}
	if diff := cmp.Diff(want, d.Nodes(), cmp.AllowUnexported(Node{})); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(slices.Collect(d.Children(0)), []int{1, 5}) || d.Next(0) != -1 || d.Next(5) != -1 || d.First(2) != -1 {
		t.Error("the siblings are wrong")
	}
	if string(d.Raw(3)) != `{"b\u002f":"x\n"}` || string(d.Key(4)) != "b/" || string(d.Text(4)) != "x\n" || !d.Equal(4, "x\n") {
		t.Error("the text is wrong")
	}
	if d.Member(0, "c") != 5 || d.Member(0, "C") != -1 || d.Member(3, "b/") != 4 || d.Member(1, "a") != -1 {
		t.Error("Member is wrong")
	}
	if d.Text(2) != nil || d.Number(4) != nil || string(d.Number(2)) != "1" || d.Len() != 6 || d.Node(2).Kind.String() != "number" {
		t.Error("kinds are mixed up")
	}
}

func TestStringsAndNamesAppendDecoded(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"a":"b","\u0063":"\b\f\n\r\t\"\\\/\ud83d\ude00\u00e9","n":1}`)
	got := []byte("-")
	for i := range d.Children(0) {
		got = d.AppendText(append(d.AppendKey(got, i), '='), i)
	}
	if want := "-a=bc=\b\f\n\r\t\"\\/😀én="; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	if d.Count(0) != 3 || d.Count(1) != 0 || d.Member(0, "c") != 2 || d.Equal(3, "1") || d.Equal(1, "B") {
		t.Error("Count, Member or Equal is wrong")
	}
	for range d.Children(0) {
		break // stops without a fault
	}
	var kinds []string
	for _, n := range mustParse(t, `[{},"",1,true,false,null]`).Nodes() {
		kinds = append(kinds, n.Kind.String())
	}
	if diff := cmp.Diff([]string{"array", "object", "string", "number", "boolean", "boolean", "null"}, kinds); diff != "" {
		t.Error(diff)
	}
	if Kind(0).String() != "none" {
		t.Error("the zero Kind has a name")
	}
}

func TestPointersLeadThereAndBack(t *testing.T) {
	t.Parallel()
	d := mustParse(t, `{"":0,"a/b":[10,[20,30]],"m~n":{"\u00e9":1},"~1":2,"0":{"00":3}}`)
	for i := range d.Len() {
		if got := d.Find(d.Pointer(i)); got != i {
			t.Errorf("%s leads to %d, not %d", d.Pointer(i), got, i)
		}
	}
	for pointer, want := range map[string]string{"/a~1b/1/0": "20", "/m~0n/é": "1", "/~01": "2", "/": "0", "/0/00": "3"} {
		if i := d.Find(pointer); i < 0 || string(d.Raw(i)) != want || d.Pointer(i) != pointer {
			t.Errorf("%s leads to %d", pointer, i)
		}
	}
	for _, pointer := range []string{"a", "/x", "/a~1b/2", "/a~1b/01", "/a~1b/-", "/a~1b/+1", "/a~1b/", "/m~n", "/m~2n", "//x", "/a/b", "/a~1b/99999999999999999999"} {
		if i := d.Find(pointer); i != -1 {
			t.Errorf("%s leads to %s", pointer, d.Raw(i))
		}
	}
	if new(Doc).Find("") != -1 {
		t.Error("an empty Doc has a root")
	}
}

func TestIntegersAreExactOrNotAtAll(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0", 1000)
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0e99": 0, "1": 1, "-1": -1, "1.0": 1, "1.50e1": 15, "10e-1": 1, "100e-2": 1, "1E+2": 100,
		"9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63, "922337203685477580.7e1": 1<<63 - 1,
		"0.000001e6": 1, "1" + long + "e-1000": 1, "0." + long + "1e1001": 1, "0e99999999999999999999": 0, "1010.00": 1010,
	} {
		if got, ok := mustParse(t, text).Int64(0); !ok || got != want {
			t.Errorf("%.30s: %d %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999", "1.5", "1e-1", "1e19", "1e99999999999999999999",
		"-1e-99999999999999999999", "0.1", "18446744073709551619", `"1"`, "null", "[1]", "9223372036854775807.5",
	} {
		if got, ok := mustParse(t, text).Int64(0); ok {
			t.Errorf("%s is not %d", text, got)
		}
	}
}

func TestLimitsHoldToTheUnit(t *testing.T) {
	t.Parallel()
	d := New(Limits{Depth: 2, Nodes: 4})
	for text, want := range map[string]Reason{
		"[[1,2]]": "", "[[[]]]": Depth, "[[],[],[]]": "", "[1,2,3]": "", "[1,2,3,4]": Nodes, `{"a":{"b":1}}`: "",
	} {
		if got := reasonOf(d.Parse([]byte(text))); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestErrorsNameThePlaceAndNeverTheText(t *testing.T) {
	t.Parallel()
	d := New(Limits{})
	err := d.Parse([]byte(`{"hush":1, "x":2, "hush":3}`))
	var e *Error
	if !errors.As(err, &e) || e.Offset != 18 || e.Error() != "JSON: duplicate-name at byte 18" {
		t.Errorf("%v", err)
	}
	if d.Len() != 0 || d.Source() != nil {
		t.Error("a refused text leaves nodes behind")
	}
}

// wide is an object of n members with names of an attacker's choice.
func wide(n int, name func(int) string) []byte {
	b := []byte{'{'}
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%q:1", name(i))
	}
	return append(b, '}')
}

func TestDuplicatesAreFoundAtEverySize(t *testing.T) {
	t.Parallel()
	var d Doc
	for _, n := range []int{2, 3, row, row + 1, row + 2, 31, 32, 33, 1000} {
		name := func(i int) string { return fmt.Sprint("n", i) }
		if err := d.Parse(wide(n, name)); err != nil {
			t.Errorf("%d names: %v", n, err)
		}
		for _, again := range []int{0, (n - 1) / 2, n - 2} {
			twice := wide(n, func(i int) string {
				if i == n-1 {
					i = again
				}
				return name(i)
			})
			if got := reasonOf(d.Parse(twice)); got != Duplicate {
				t.Errorf("name %d of %d twice: %q", again, n, got)
			}
			escaped := bytes.Replace(twice, fmt.Appendf(nil, "\"n%d\"", again), fmt.Appendf(nil, `"\u006e%d"`, again), 1)
			if got := reasonOf(d.Parse(escaped)); got != Duplicate {
				t.Errorf("name %d of %d twice, once escaped: %q", again, n, got)
			}
		}
	}
}

func TestManyNamesStayLinear(t *testing.T) {
	t.Parallel()
	text := wide(200_000, func(i int) string { return fmt.Sprintf("%08d", i) })
	var d Doc
	start := time.Now()
	if err := d.Parse(text); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > 5*time.Second { // about 30 ms; quadratic would be minutes
		t.Errorf("200,000 names took %v", took)
	}
	d.Trim(1000)
	if d.Len() != 0 || cap(d.names.slots) != 0 {
		t.Error("Trim keeps the room")
	}
}

func TestARecycledDocAnswersLikeANewOne(t *testing.T) {
	t.Parallel()
	var used Doc
	for _, text := range append(seeds(), seeds()...) {
		fresh := New(Limits{})
		a, b := used.Parse([]byte(text)), fresh.Parse([]byte(text))
		if reasonOf(a) != reasonOf(b) {
			t.Errorf("%q: %v and %v", text, a, b)
		}
		if !slices.Equal(used.Nodes(), fresh.Nodes()) {
			t.Errorf("%q: the nodes differ", text)
		}
	}
}

// body is a typical request of about size bytes.
func body(size int) []byte {
	b := []byte(`{"customer":{"id":"c_1029384756","name":"Ada Lovelace","email":"ada@example.com","active":true},"currency":"EUR","note":"leave at the door, é","lines":[`)
	for i := 0; len(b) < size-100; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"sku":"sku-%06d","quantity":%d,"price":12.50,"tags":["new","blue"],"gift":false}`, i, i%7+1)
	}
	return append(b, `],"created":"2026-01-02T03:04:05Z","discount":null}`...)
}

func TestARecycledDocDoesNotAllocate(t *testing.T) {
	for name, text := range map[string][]byte{
		"2 KB":  body(2 << 10),
		"names": wide(100, func(i int) string { return fmt.Sprint("name-", i) }),
		"keys":  []byte(strings.ReplaceAll(string(wide(100, func(i int) string { return fmt.Sprint("name-", i) })), "name", `n\u0061me`)),
	} {
		var d Doc
		if err := d.Parse(text); err != nil {
			t.Fatal(name, err)
		}
		if n := testing.AllocsPerRun(100, func() { _ = d.Parse(text) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string][]byte{"2KB": body(2 << 10), "100KB": body(100 << 10)} {
		b.Run(name, func(b *testing.B) {
			var d Doc
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
