package schema

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// tapeReading is what the simple reader says of a text: it parses first, and
// then walks the values.
func tapeReading(p *program, text []byte, d direction) (*risk.Reading, bool) {
	r := newTape()
	r.direction = d
	var dst risk.Reading
	if r.parse(text) != nil {
		return &dst, false
	}
	r.check(p)
	r.report(&dst, where{in: contract.InBody, spans: true, to: p})
	return &dst, true
}

// wholeReading is what the machine says of a text in one piece.
func wholeReading(r *run, p *program, text []byte, d direction) (*risk.Reading, bool) {
	r.direction = d
	var dst risk.Reading
	ok := r.read(&dst, text, where{in: contract.InBody, spans: true, to: p})
	return &dst, ok
}

// chunkedReading is what the machine says of a text in pieces of these sizes.
func chunkedReading(r *run, p *program, text []byte, d direction, size func() int) (*risk.Reading, bool) {
	var dst risk.Reading
	r.machine.begin(p, d)
	for len(text) > 0 {
		n := min(size(), len(text))
		r.machine.feed(slices.Clone(text[:n])) // nothing may be kept of a piece
		text = text[n:]
	}
	r.machine.close()
	if r.machine.reason != "" {
		return &dst, false
	}
	r.machine.report(&dst, where{in: contract.InBody, spans: true, to: p})
	return &dst, true
}

// told is a Reading as text.
func told(r *risk.Reading, body []byte) []string {
	out := []string{fmt.Sprint("overflow ", r.Overflow)}
	for _, v := range r.Violations {
		out = append(out, fmt.Sprintf("%s at %q of %s", v.Rule, v.Pointer, v.At))
	}
	for _, m := range r.Marks {
		at := ""
		if m.Schema != nil {
			at = m.Schema.Pointer
		}
		out = append(out, fmt.Sprintf("mark %d at %q: %s (value %d) by %s", m.Kind, m.Pointer, body[m.Start:m.End], m.Value, at))
	}
	return out
}

// toldRules are the violations of a Reading as text.
func toldRules(r *risk.Reading) []string {
	var out []string
	for _, v := range r.Violations {
		out = append(out, fmt.Sprintf("%s at %q of %s", v.Rule, v.Pointer, v.At))
	}
	slices.Sort(out) // those of one value have no order
	return slices.Compact(out)
}

// verdicts are the parts of a reading that do not depend on which alternative
// came closest.
func accepted(r *risk.Reading) bool { return len(r.Violations) == 0 }

func TestTheMachineAgreesWithTheSimpleReader(t *testing.T) {
	t.Parallel()
	schemas := 6000
	if testing.Short() {
		schemas = 600
	}
	rnd := rand.New(rand.NewPCG(7, 8))
	whole := newRun() // is used again and again, as in a pool
	total, same, failing, rules := 0, 0, 0, 0
	for range schemas {
		text := anySchema(rnd, 4)
		text = strings.Replace(text, `"type":"string"`, `"type":"string","readOnly":true`, 1)
		text = strings.Replace(text, `"type":"integer"`, `"type":"integer","x-sallyport-sensitive":true`, 1)
		p := NewPrograms().compile(mustSchema(t, text))
		for range 30 {
			body := anyJSON(rnd, 4)
			d := direction(rnd.IntN(2))
			want, ok := tapeReading(p, body, d)
			got, also := wholeReading(whole, p, body, d)
			total++
			if ok != also || accepted(want) != accepted(got) {
				t.Fatalf("schema %s\nbody %s\ngot %v %v\nwant %v %v", text, body, also, told(got, body), ok, told(want, body))
			}
			if strings.Contains(text, "unevaluatedProperties") {
				// Which schema is named for a member that several speak of
				// depends on the order, which differs.
				for i := range min(len(got.Marks), len(want.Marks)) {
					got.Marks[i].Schema, want.Marks[i].Schema = nil, nil
				}
			}
			if slices.Equal(told(got, body), told(want, body)) {
				same++
				continue
			}
			if accepted(want) {
				t.Fatalf("schema %s\nbody %s\ngot  %q\nwant %q", text, body, told(got, body), told(want, body))
			}
			failing++
			if slices.Equal(toldRules(got), toldRules(want)) {
				continue
			}
			rules++
			if rules < 10 {
				t.Logf("schema %s\nbody %s\ngot  %q\nwant %q", text, body, told(got, body), told(want, body))
			}
		}
	}
	if rules > total/2000 {
		t.Errorf("%d of %d refusals name other rules", rules, total)
	}
	t.Logf("%d readings, %d the same, %d differ in what is told of a refusal, %d of them in the rules", total, same, failing, rules)
}

func TestTheSameIsReadInPieces(t *testing.T) {
	t.Parallel()
	schemas := 3000
	if testing.Short() {
		schemas = 300
	}
	rnd := rand.New(rand.NewPCG(9, 10))
	whole, chunked := newRun(), newRun()
	for range schemas {
		text := anySchema(rnd, 4)
		p := NewPrograms().compile(mustSchema(t, text))
		for range 20 {
			body := anyJSON(rnd, 4)
			if rnd.IntN(4) == 0 && len(body) > 0 {
				body[rnd.IntN(len(body))] = " \"\\{}[],:x\xc3"[rnd.IntN(11)]
			}
			want, ok := wholeReading(whole, p, body, asReply)
			most := 1 + rnd.IntN(9)
			got, also := chunkedReading(chunked, p, body, asReply, func() int { return 1 + rnd.IntN(most) })
			if ok != also || !slices.Equal(told(got, body), told(want, body)) {
				t.Fatalf("schema %s\nbody %q\ngot %v %q\nwant %v %q", text, body, also, told(got, body), ok, told(want, body))
			}
		}
	}
}
