package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// strictURI is URI, and strictReference URI-reference, of RFC 3986 appendix A,
// without IPvFuture. The oracle itself takes what net/url can parse, which is
// more.
var (
	strictURI       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:` + uriBehind(`[A-Za-z0-9._~!$&'()*+,;=:@-]`) + `$`)
	strictReference = regexp.MustCompile(`^` + uriBehind(`[A-Za-z0-9._~!$&'()*+,;=@-]`) + `$`)
)

// uriBehind is what follows the scheme; first are the characters of the first
// segment, in which a relative reference has no colon.
func uriBehind(first string) string {
	const (
		triplet   = `%[0-9A-Fa-f]{2}`
		pchar     = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|` + triplet + `)`
		authority = `(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|` + triplet + `)*@)?(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|` + triplet + `)*)(?::[0-9]*)?`
		rest      = `(?:\?(?:` + pchar + `|[/?])*)?(?:#(?:` + pchar + `|[/?])*)?`
	)
	begin := `(?:` + first + `|` + triplet + `)`
	return `(?://` + authority + `(?:/` + pchar + `*)*|/(?:` + pchar + `+(?:/` + pchar + `*)*)?|` + begin + `+(?:/` + pchar + `*)*|)` + rest
}

// strictOracle is the oracle with stricter URIs.
func strictOracle(t testing.TB, text string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	for name, re := range map[string]*regexp.Regexp{"uri": strictURI, "uri-reference": strictReference} {
		c.RegisterFormat(&jsonschema.Format{Name: name, Validate: func(v any) error {
			s, ok := v.(string)
			if !ok || re.MatchString(s) || name == "uri-reference" && strictURI.MatchString(s) {
				return nil
			}
			return errors.New("no " + name)
		}})
	}
	if err := c.AddResource(testURI, doc); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	s, err := c.Compile(testURI)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return s
}

// A pairing is a schema on both sides: ours by the way that the gateway goes, and
// the oracle's.
type pairing struct {
	text    string
	request *Request
	reply   *Reply
	oracle  *jsonschema.Schema
}

func newPairing(t testing.TB, text string, judge func(testing.TB, string) *jsonschema.Schema) *pairing {
	t.Helper()
	media := jsonMedia(mustSchema(t, text))
	op := post(media)
	op.Replies = []*contract.Reply{{Code: 200, Media: []*contract.Media{media}}}
	o := Options{Programs: NewPrograms()}
	p := &pairing{text: text}
	p.request, _ = CompileRequest(op, o)
	p.reply, _ = CompileReply(op, o)
	if judge != nil {
		p.oracle = judge(t, text)
	}
	return p
}

// read gives the Reading of a request with this body.
func (p *pairing) read(t testing.TB, body []byte) *risk.Reading {
	t.Helper()
	var dst risk.Reading
	if p.request.Media(&dst, "application/json", true) != Inspect {
		t.Fatal("not inspected")
	}
	p.request.Body(&dst, &Body{Bytes: body, Type: "application/json"})
	return &dst
}

// readReply gives the Reading of a reply with this body.
func (p *pairing) readReply(t testing.TB, body []byte) *risk.Reading {
	t.Helper()
	var dst risk.Reading
	view := ReplyView{Method: "POST", Status: 200, Media: "application/json", Body: true}
	if p.reply.Head(&dst, &view) != Inspect {
		t.Fatal("not inspected")
	}
	p.reply.Body(&dst, &Body{Bytes: body, Type: "application/json"})
	return &dst
}

// pairings keeps the schemas of the last inputs, since a fuzzer mostly changes
// one input at a time and compiling costs most.
type pairings struct {
	mu    sync.Mutex
	by    map[string]*pairing
	judge func(testing.TB, string) *jsonschema.Schema
}

func (c *pairings) of(t testing.TB, text string) *pairing {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.by[text]; p != nil {
		return p
	}
	if c.by == nil || len(c.by) > 512 {
		c.by = map[string]*pairing{}
	}
	p := newPairing(t, text, c.judge)
	c.by[text] = p
	return p
}

// seedDice adds inputs of which the decisions are spread.
func seedDice(f *testing.F) {
	f.Helper()
	for seed := range byte(32) {
		a, b := make([]byte, 96), make([]byte, 64)
		for i := range a {
			a[i] = byte(i)*(2*seed+37) ^ seed*17
		}
		for i := range b {
			b[i] = byte(i)*(2*seed+11) ^ seed*29
		}
		f.Add(a, b)
	}
}

// FuzzSchemaAgainstOracle lets the bytes decide on a schema and an instance:
// our verdict is the oracle's, for requests and for replies.
func FuzzSchemaAgainstOracle(f *testing.F) {
	seedDice(f)
	cache := &pairings{judge: strictOracle}
	fuzzloop.Run(f, func(t *testing.T, schema, instance []byte) {
		p := cache.of(t, roll(schema).schema(false))
		body := []byte(roll(instance).value(3))
		want := oracleAccepts(t, p.oracle, body)
		for side, dst := range map[string]*risk.Reading{"request": p.read(t, body), "reply": p.readReply(t, body)} {
			if got := len(dst.Violations) == 0; got != want {
				t.Fatalf("schema %s\nvalue %s\n%s: the oracle says %v, we say %v", p.text, body, side, want, said(dst))
			}
		}
	})
}

// poolOfSchemas is how many schemas FuzzInstanceAgainstOracle has.
const poolOfSchemas = 4096

// FuzzInstanceAgainstOracle is FuzzSchemaAgainstOracle over a pool of schemas
// that are compiled once, so that most of the time goes into verdicts.
func FuzzInstanceAgainstOracle(f *testing.F) {
	for k := range uint16(64) {
		f.Add(k*61, []byte{byte(k), 7, 3, byte(5 * k), 1, 9, 2, byte(k >> 1), 8, 1, 4, 6, 3, byte(11 * k), 2, 5, 7, 1, 0, 3})
	}
	pairs := pool[*pairing]{make: func(t testing.TB, text string) *pairing { return newPairing(t, text, strictOracle) }}
	fuzzloop.Run(f, func(t *testing.T, pick uint16, instance []byte) {
		p := pairs.at(t, pick)
		body := []byte(roll(instance).value(3))
		want := oracleAccepts(t, p.oracle, body)
		if dst := p.read(t, body); (len(dst.Violations) == 0) != want {
			t.Fatalf("schema %s\nvalue %s\nthe oracle says %v, we say %v", p.text, body, want, said(dst))
		}
	})
}

// spreadDice makes decisions from a number.
func spreadDice(seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 5))
	out := make([]byte, 128)
	for i := range out {
		out[i] = byte(rnd.Uint32())
	}
	return out
}

// FuzzTextAgainstOracle takes the instance as it comes, so that the reader is
// in play: what ours reads, the oracle reads and judges alike.
func FuzzTextAgainstOracle(f *testing.F) {
	for k, text := range []string{`{"a":[1,"x",null],"b":{}}`, `"\u00e9"`, `[1.0,1,10e-1]`, `{"":0,"é":-0}`, `12345678901234567890.5`} {
		f.Add([]byte{byte(k), 7, 1, 19, 200, 3, 4, 50, 6, 99}, []byte(text))
	}
	cache := &pairings{judge: strictOracle}
	fuzzloop.Run(f, func(t *testing.T, schema, body []byte) {
		if len(body) > 2048 || hugeExponent(body) {
			return
		}
		d := roll(schema)
		d.formats = firmFormats
		p := cache.of(t, d.schema(false))
		dst := p.read(t, body)
		if dst.Has(risk.BadSyntax) || len(body) == 0 {
			return // what is refused here is held to a strict reader elsewhere
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
		if err != nil {
			t.Fatalf("%q: the oracle cannot read it: %v", body, err)
		}
		if got, want := len(dst.Violations) == 0, p.oracle.Validate(v) == nil; got != want {
			t.Fatalf("schema %s\nvalue %q\nthe oracle says %v, we say %v", p.text, body, want, said(dst))
		}
	})
}

// hugeExponent finds numbers that the oracle would write out digit by digit.
func hugeExponent(body []byte) bool {
	digits, after := 0, false
	for _, c := range body {
		switch {
		case c|0x20 == 'e':
			digits, after = 0, true
		case c-'0' <= 9 && after:
			digits++
		case c != '+' && c != '-':
			after = false
		}
		if digits > 3 {
			return true
		}
	}
	return false
}

// FuzzStrip cuts what the contract does not declare. Where the schema is one
// that a missing member cannot break and the body is lawful, what is left is
// lawful, nothing in it is undeclared, and cutting again changes nothing.
// Whatever the schema, what is left is JSON, and is what the oracle of Cut
// writes.
func FuzzStrip(f *testing.F) {
	seedDice(f)
	cache := &pairings{}
	fuzzloop.Run(f, func(t *testing.T, schema, instance []byte) {
		monotone := len(schema) > 0 && schema[0]&1 == 0
		p := cache.of(t, roll(schema).schema(monotone))
		body := []byte(roll(instance).value(4))
		first := p.readReply(t, body)
		spans := undeclaredSpans(first)
		left := Cut(nil, body, append([]Span{}, spans...))
		var d, e jsonx.Doc
		if err := e.Parse(left); err != nil {
			t.Fatalf("schema %s\nvalue %s without %v is %s: %v", p.text, body, spans, left, err)
		}
		if err := d.Parse(body); err != nil {
			t.Fatal(err)
		}
		gone := map[int]bool{}
		for _, m := range first.Marks {
			if cuts(m.Kind) {
				gone[d.Find(m.Pointer)] = true
			}
		}
		if diff := cmp.Diff(string(pruned(&d, 0, gone)), string(pruned(&e, 0, nil))); diff != "" {
			t.Fatalf("schema %s\nvalue %s without %v: %s", p.text, body, spans, diff)
		}
		if !monotone || len(first.Violations) > 0 {
			return
		}
		second := p.readReply(t, left)
		if again := undeclaredSpans(second); len(second.Violations)+len(again) > 0 {
			t.Fatalf("schema %s\nvalue %s is lawful\nand stripped %s\nis not: %v %v", p.text, body, left, said(second), marked(second, string(left)))
		}
	})
}

// cuts tells whether a reply loses what is marked so.
func cuts(k risk.MarkKind) bool {
	return k == risk.UndeclaredClosed || k == risk.UndeclaredSilent || k == risk.WriteOnlyMember
}

func undeclaredSpans(r *risk.Reading) []Span {
	var out []Span
	for _, m := range r.Marks {
		if cuts(m.Kind) {
			out = append(out, Span{m.Start, m.End})
		}
	}
	return out
}

func TestDiceWriteSchemasAndValues(t *testing.T) {
	t.Parallel()
	n := 2000
	if testing.Short() {
		n = 200
	}
	accepted, keywords := 0, map[string]bool{}
	for k := range n {
		b := make([]byte, 128)
		for i := range b {
			b[i] = byte((i*i + 31*k + i*k) >> 1)
		}
		text := roll(b).schema(k%2 == 0)
		if !json.Valid([]byte(text)) {
			t.Fatalf("no JSON: %s", text)
		}
		for _, word := range append(applicators, "uniqueItems", "dependentRequired", "$defs", "format") {
			if strings.Contains(text, `"`+word+`"`) {
				keywords[word] = true
			}
		}
		p := newPairing(t, text, strictOracle)
		body := []byte(roll(b[64:]).value(3))
		got, want := len(p.read(t, body).Violations) == 0, oracleAccepts(t, p.oracle, body)
		if got != want {
			t.Errorf("schema %s\nvalue %s\nthe oracle says %v", text, body, want)
		}
		if got {
			accepted++
		}
	}
	if accepted < n/10 || accepted > n*9/10 || len(keywords) < 20 {
		t.Errorf("%d of %d accepted, %d keywords: the dice are loaded", accepted, n, len(keywords))
	}
}
