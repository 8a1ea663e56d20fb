package event

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// sample is a record with most fields, as a denied write makes it.
func sample() *Event {
	return &Event{
		Kind: Exchange, ID: ID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, Seq: 7,
		Time: time.Date(2026, 11, 22, 10, 31, 7, 123456000, time.UTC), Node: "gw-1", Plan: "7c1e0d9b2f",
		API: "orders", Operation: "GET /orders/{}", Method: "GET", Template: "/orders/{id}", Proto: "HTTP/1.1",
		TLS: TLS{"TLS1.3", "TLS_AES_128_GCM_SHA256"}, Trace: "4bf92f3577b34da6a3ce929d0e0e4736",
		Caller: Caller{Kind: ByKey, KeyID: "sp_live_8f2", Tier: "free", Pseudonym: "ABCDEFGHIJKLMNOPQRSTUVWX"},
		Box:    Box{"k1", []byte("nonce and ciphertext and a tag: 62 bytes of them or thereabouts")}, Objects: []string{"o1", "o2"},
		Decision: Deny, Risk: "bola", Code: "bola/not-yours", Status: 403, At: "sallyport.yaml:22", Reason: "the rule is false",
		Passed: []string{"tls", "authn", "ratelimit", "contract"}, Would: []Would{{"cors", "cors/origin", "sallyport.yaml:9:3"}},
		Violations: []Violation{{"/a/0", "type", "body", "", "orders.yaml:41:9"}}, Edits: []Edit{{"strip", "/secret"}},
		Upstream: Upstream{true, "127.0.0.1:8080", 200, 912}, BytesIn: 12, BytesOut: 345, Micros: 1800, Flags: []string{"observe"},
		Gap: Gap{2, time.UnixMicro(1).UTC(), time.UnixMicro(2).UTC()}, Cut: CutReason,
	}
}

const sampleText = `{"v":1,"kind":"exchange","id":"01081G81860W40J2GB1G6GW3RG","seq":7,"time":"2026-11-22T10:31:07.123456Z","node":"gw-1","plan":"7c1e0d9b2f",` +
	`"api":"orders","op":"GET /orders/{}","method":"GET","template":"/orders/{id}","proto":"HTTP/1.1","tls":{"version":"TLS1.3","suite":"TLS_AES_128_GCM_SHA256"},` +
	`"trace":"4bf92f3577b34da6a3ce929d0e0e4736","caller":{"kind":"key","key":"sp_live_8f2","tier":"free","who":"ABCDEFGHIJKLMNOPQRSTUVWX"},` +
	`"box":{"key":"k1","data":"bm9uY2UgYW5kIGNpcGhlcnRleHQgYW5kIGEgdGFnOiA2MiBieXRlcyBvZiB0aGVtIG9yIHRoZXJlYWJvdXRz"},"objects":["o1","o2"],` +
	`"decision":"deny","risk":"bola","code":"bola/not-yours","status":403,"at":"sallyport.yaml:22","reason":"the rule is false",` +
	`"passed":["tls","authn","ratelimit","contract"],"would":[{"risk":"cors","code":"cors/origin","at":"sallyport.yaml:9:3"}],` +
	`"violations":[{"pointer":"/a/0","keyword":"type","in":"body","line":"orders.yaml:41:9"}],"edits":[{"kind":"strip","pointer":"/secret"}],` +
	`"upstream":{"called":true,"address":"127.0.0.1:8080","status":200,"micros":912},"in":12,"out":345,"micros":1800,"flags":["observe"],` +
	`"gap":{"count":2,"from":"1970-01-01T00:00:00.000001Z","to":"1970-01-01T00:00:00.000002Z"},"cut":["reason"]}`

func TestTheCanonicalFormIsFrozen(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(sampleText, string(AppendCanonical(nil, sample()))); diff != "" {
		t.Errorf("logs already written no longer have the same form (-want +got):\n%s", diff)
	}
	got, err := Parse([]byte(sampleText))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sample(), got); diff != "" {
		t.Errorf("Parse loses something (-want +got):\n%s", diff)
	}
	if got := string(AppendCanonical([]byte("x"), &Event{Kind: Start})); got != `x{"v":1,"kind":"start"}` {
		t.Errorf("empty fields are left out, got %s", got)
	}
	if got := string(AppendCanonical(nil, &Event{Status: 403})); got != `{"v":1,"status":403}` {
		t.Errorf("search looks for single fields, got %s", got)
	}
}

func TestEveryFieldSurvivesTheRoundTrip(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		e := &Event{}
		fill(rng, reflect.ValueOf(e).Elem())
		e.Personal = Personal{}
		text := AppendCanonical(nil, e)
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Fatalf("(-want +got):\n%s\n%s", diff, text)
		}
	}
}

func TestAMemoChangesNoByte(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(5, 6))
	m := NewMemo()
	text := []byte("GET")
	method := unsafe.String(&text[0], len(text)) // of a buffer that is used again
	long, at := strings.Repeat("x", 2*MaxText), time.Date(2026, 12, 31, 23, 59, 57, 0, time.UTC)
	for n := range 8000 {
		e := &Event{Kind: Exchange, Operation: []string{"a", "b", "", long}[rng.IntN(4)], Method: method, Passed: slicesOf("tls", rng.IntN(3))}
		e.Caller = Caller{Kind: CallerKind(rng.IntN(int(endCallerKind))), KeyID: method, Pseudonym: []string{"a", "b", "", long, "\""}[rng.IntN(5)]}
		e.Time = at.Add(time.Duration(rng.IntN(4e6)) * time.Microsecond)
		e.Status, e.Micros = 200, rng.Int64N(1<<rng.IntN(63))
		if rng.IntN(3) > 0 {
			e.Box = Box{Key: []string{"", "k1", "k2", method}[rng.IntN(4)], Data: text}
		}
		if n%5 == 0 {
			fill(rng, reflect.ValueOf(e).Elem())
		}
		text[0] = "GSTU"[rng.IntN(4)]
		if diff := cmp.Diff(string(AppendCanonical(nil, e)), string(m.AppendCanonical(nil, e))); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func TestNumbersAreThoseOfStrconv(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 8))
	for n := range uint64(20_000) {
		for _, v := range []uint64{n, rng.Uint64() >> rng.IntN(64), ^uint64(0) - n} {
			if got, want := string(appendUint(nil, v)), strconv.FormatUint(v, 10); got != want {
				t.Fatalf("%s, want %s", got, want)
			}
		}
	}
}

// fill sets every field at random, within its bounds, so that a field that
// somebody adds and forgets to write fails the round trip.
func fill(rng *rand.Rand, v reflect.Value) {
	switch x := v.Addr().Interface().(type) {
	case *Kind:
		*x = 1 + Kind(rng.IntN(int(endKind)-1))
	case *Decision:
		*x = Decision(rng.IntN(int(endDecision)))
	case *CallerKind:
		*x = CallerKind(rng.IntN(int(endCallerKind)))
	case *Cut:
		*x = Cut(rng.IntN(int(endCut)))
	case *ID:
		for i := range x {
			x[i] = byte(1 + rng.IntN(255))
		}
	case *time.Time:
		*x = time.UnixMicro(rng.Int64N(4e15)).UTC()
	case *string:
		*x = []string{"", "plain", "\"\\\x00\x1b[31m\u202e", "\U000e0041 \ufeff é 漢 🙂", "\x7f\u0085\u2028"}[rng.IntN(5)]
	case *[]byte:
		*x = []byte("some bytes")[:1+rng.IntN(9)]
	case *bool:
		*x = rng.IntN(2) == 1
	case *int:
		*x = rng.IntN(1000)
	case *int64:
		*x = rng.Int64()
	case *uint64:
		*x = rng.Uint64()
	default:
		fillParts(rng, v)
	}
}

func fillParts(rng *rand.Rand, v reflect.Value) {
	if v.Kind() == reflect.Slice {
		if n := rng.IntN(9); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			fill(rng, v.Index(i))
		}
		return
	}
	for i := range v.NumField() {
		fill(rng, v.Field(i))
	}
}

func TestNothingGrowsPastItsBound(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("\x1b", 1<<16)
	words := slicesOf(long, 1000)
	e := &Event{
		Kind: PolicyApplied, ID: ID{1}, Seq: 1<<64 - 1, Time: time.UnixMicro(1), Node: long, Plan: long, API: long, Operation: long, Method: long, Template: long,
		Proto: long, TLS: TLS{long, long}, Trace: long, Caller: Caller{ByUser, long, long, long}, Personal: Personal{long, long, long, long}, Objects: words,
		Decision: Answer, Risk: long, Code: long, Status: 999, At: long, Reason: long, Target: long, Passed: words, Would: slicesOf(Would{long, long, long}, 100),
		Violations: slicesOf(Violation{long, long, long, long, long}, 100), Edits: slicesOf(Edit{long, long}, 100), Upstream: Upstream{true, long, 1, 1}, Flags: words,
	}
	k, err := NewKey("handle", make([]byte, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	k.Seal(e, [NonceSize]byte{})
	text := AppendCanonical(nil, e)
	if len(text) > MaxBytes {
		t.Errorf("%d bytes are more than %d", len(text), MaxBytes)
	}
	got, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if got.Cut != endCut-1 {
		t.Errorf("every cut is told, got %b", got.Cut)
	}
	if !bytes.Equal(AppendCanonical(nil, got), text) {
		t.Error("what was cut once is cut again")
	}
	if err := k.Open(got); err != nil || len(got.Personal.Path) != MaxPath {
		t.Errorf("the path is %d bytes, %v", len(got.Personal.Path), err)
	}
}

func slicesOf[T any](v T, n int) []T {
	s := make([]T, n)
	for i := range s {
		s[i] = v
	}
	return s
}

func TestHostileTextIsSafeToPrint(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"\x1b]0;pwned\a", "a\nb\r", "\u202etxt.exe", "\xff\xfe\x80", "\u009b31m", "\U000e0001x", "\u2066\u200f\u061c\ufeff", strings.Repeat("\xff", 3*MaxText), strings.Repeat("漢", MaxText)} {
		e := &Event{Kind: Exchange, Reason: s, Passed: []string{s}}
		text := AppendCanonical(nil, e)
		if !utf8.Valid(text) || bytes.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r == 0x7f || r >= 0x80 && invisible(r) }) {
			t.Errorf("%.20q is written as %.80q", s, text)
		}
		got, err := Parse(text)
		if err != nil || len(got.Reason) > MaxText || !strings.HasPrefix(strings.ToValidUTF8(s, "\ufffd"), strings.TrimRight(got.Reason, "\ufffd")) {
			t.Errorf("%.20q reads back as %.20q, %v", s, got.Reason, err)
		} else if again := AppendCanonical(nil, got); !bytes.Equal(again, text) {
			t.Errorf("the form of %.20q is not stable", s)
		}
	}
}

func TestParseIsStrict(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"an empty text": ``, "an empty object": `{}`, "no version": `{"kind":"start"}`, "version 0": `{"v":0,"kind":"start"}`, "a late version": `{"kind":"start","v":1}`,
		"no kind": `{"v":1}`, "a name twice": `{"v":1,"kind":"start","node":"a","node":"a"}`, "v twice": `{"v":1,"v":1,"kind":"start"}`,
		"an unknown name": `{"v":1,"kind":"start","new":1}`, "an unknown nested name": `{"v":1,"kind":"start","tls":{"new":1}}`, "a folded name": `{"v":1,"Kind":"start"}`,
		"a nested name twice": `{"v":1,"kind":"start","tls":{"suite":"a","suite":"a"}}`, "a blank": `{"v":1, "kind":"start"}`, "a trailing comma": `{"v":1,"kind":"start",}`,
		"more text": `{"v":1,"kind":"start"} `, "a fraction": `{"v":1,"kind":"start","in":1.5}`, "a leading zero": `{"v":1,"kind":"start","in":01}`,
		"a negative": `{"v":1,"kind":"start","in":-1}`, "an overflow": `{"v":1,"kind":"start","in":9223372036854775808}`, "an unsigned overflow": `{"v":1,"kind":"start","seq":18446744073709551616}`,
		"a null": `{"v":1,"kind":"start","in":null}`, "an upper-case escape": `{"v":1,"kind":"start","node":"\u00AD"}`, "half a pair": `{"v":1,"kind":"start","node":"\ud800"}`,
		"half a pair and more": `{"v":1,"kind":"start","node":"\ud800\u0041"}`, "not UTF-8": "{\"v\":1,\"kind\":\"start\",\"node\":\"\xff\"}", "a bare control": "{\"v\":1,\"kind\":\"start\",\"node\":\"\n\"}",
		"a bare override": "{\"v\":1,\"kind\":\"start\",\"node\":\"\u202e\"}", "an unknown decision": `{"v":1,"kind":"start","decision":"maybe"}`, "an unknown caller": `{"v":1,"kind":"start","caller":{"kind":"god"}}`,
		"a word over its bound": `{"v":1,"kind":"start","node":"` + strings.Repeat("a", MaxWord+1) + `"}`, "a list over its bound": `{"v":1,"kind":"start","flags":["` + strings.Repeat(`a","`, MaxFlags) + `a"]}`,
		"a bad id": `{"v":1,"kind":"start","id":"81081G81860W40J2GB1G6GW3RG"}`, "a bad time": `{"v":1,"kind":"start","time":"2026-11-22T10:31:07Z"}`, "no end": `{"v":1,"kind":"start"`,
		"an unknown cut": `{"v":1,"kind":"start","cut":["hair"]}`, "a false": `{"v":1,"kind":"start","upstream":{"called":false}}`, "a long status": `{"v":1,"kind":"start","status":1000}`,
		"padded base64": `{"v":1,"kind":"start","box":{"key":"a","data":"YQ=="}}`,
	} {
		if e, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s is accepted: %+v", name, e)
		}
	}
	if _, err := Parse([]byte(`{"v":1,"kind":"party"}`)); !errors.Is(err, ErrKind) {
		t.Errorf("an unknown kind gives %v", err)
	}
}

func TestALaterVersionMayHaveMoreFields(t *testing.T) {
	t.Parallel()
	got, err := Parse([]byte(`{"v":2,"kind":"start","new":{"a":[1,"x",{"b":true}],"c":{}},"node":"gw","tls":{"suite":"s","ech":true},"cut":["new"]}`))
	want := &Event{Kind: Start, Node: "gw", TLS: TLS{Suite: "s"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := Parse([]byte(`{"v":2,"kind":"start","new":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`)); err == nil {
		t.Error("endless depth is accepted")
	}
}

func TestPlainTextIsFoundByteByByte(t *testing.T) {
	t.Parallel()
	for length := range 20 {
		for c := range 256 {
			for at := range length {
				b := bytes.Repeat([]byte{'a'}, length)
				b[at] = byte(c)
				if want := c >= ' ' && c < 0x7f && c != '"' && c != '\\'; plain(string(b)) != want {
					t.Fatalf("byte %#x at %d of %d is plain: %t", c, at, length, !want)
				}
			}
		}
	}
	if !plain("") {
		t.Error("no text is not plain")
	}
}

func TestTimesAreThoseOfTheStandardLibrary(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(3, 4))
	for range 10000 {
		at := time.Unix(rng.Int64N(253402300800), rng.Int64N(1e9)).UTC()
		if got, want := string(appendMicro(appendSecond(nil, at), at)), at.Format(timeLayout); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
	for _, strange := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if got := string(AppendCanonical(nil, &Event{Kind: Start, Time: strange})); got != `{"v":1,"kind":"start"}` {
			t.Errorf("a year that RFC 3339 does not have gives %s", got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sampleText))
	f.Add([]byte(`{"v":1,"kind":"start","node":"\u202e\udb40\udc41"}`))
	f.Add([]byte(`{"v":3,"kind":"gap","new":[{}],"cut":["passed"]}`))
	fuzzloop.Run(f, func(t *testing.T, b []byte) {
		e, err := Parse(b)
		if err != nil {
			return
		}
		text := AppendCanonical(nil, e)
		again, err := Parse(text)
		if err != nil {
			t.Fatalf("the canonical form of what was read is refused: %v\n%q", err, text)
		}
		if !bytes.Equal(AppendCanonical(nil, again), text) {
			t.Fatalf("not stable: %q", text)
		}
	})
}
