package schema

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// leaves tells whether a test cuts what is marked.
func leaves(m *risk.Mark, kinds map[risk.MarkKind]bool) bool { return !kinds[m.Kind] }

// filtered passes a JSON body through a Filter in pieces, without what is of
// one of the kinds.
func filtered(t testing.TB, r *Reply, body []byte, kinds map[risk.MarkKind]bool, size func() int) ([]byte, *risk.Reading, error) {
	t.Helper()
	return filteredAs(t, r, "application/json", body, kinds, size)
}

// filteredAs is filtered for a body of any media type.
func filteredAs(t testing.TB, r *Reply, media string, body []byte, kinds map[risk.MarkKind]bool, size func() int) ([]byte, *risk.Reading, error) {
	t.Helper()
	var dst risk.Reading
	r.Head(&dst, &ReplyView{Method: "GET", Status: 200, Media: strings.Split(media, ";")[0], Body: true})
	f := r.Filter(&dst, media)
	if f == nil {
		t.Fatal("no filter")
	}
	defer f.Release()
	var out []byte
	step := func(err error) error {
		if err != nil {
			return err
		}
		for i := range dst.Marks {
			if leaves(&dst.Marks[i], kinds) {
				continue
			}
			if err := f.Cut(dst.Marks[i].Start); err != nil {
				return err
			}
		}
		out, err = f.Take(out)
		return err
	}
	for len(body) > 0 {
		n := min(size(), len(body))
		if err := step(f.Feed(&dst, bytes.Clone(body[:n]))); err != nil {
			return out, &dst, err
		}
		body = body[n:]
	}
	return out, &dst, step(f.Close(&dst))
}

// replyOf is the reply side of an operation with one schema.
func replyOf(t testing.TB, schema string) *Reply {
	t.Helper()
	return replyAs(t, "application/json", mustSchema(t, schema))
}

// replyAs is the reply side of an operation with one media type.
func replyAs(t testing.TB, media string, s *contract.Schema) *Reply {
	t.Helper()
	op := &contract.Operation{Method: "GET", Path: "/x", Replies: []*contract.Reply{{Code: 200, Media: []*contract.Media{{Type: media, Schema: s}}}}}
	r, _ := CompileReply(op, Options{})
	return r
}

// cutWhole is what Body and Cut make of a JSON body.
func cutWhole(r *Reply, body []byte, kinds map[risk.MarkKind]bool) ([]byte, *risk.Reading) {
	return cutWholeAs(r, "application/json", body, kinds)
}

// cutWholeAs is cutWhole for a body of any media type.
func cutWholeAs(r *Reply, media string, body []byte, kinds map[risk.MarkKind]bool) ([]byte, *risk.Reading) {
	var dst risk.Reading
	r.Head(&dst, &ReplyView{Method: "GET", Status: 200, Media: strings.Split(media, ";")[0], Body: true})
	r.Body(&dst, &Body{Bytes: body, Type: media})
	var spans []Span
	for i := range dst.Marks {
		if !leaves(&dst.Marks[i], kinds) {
			spans = append(spans, Span{dst.Marks[i].Start, dst.Marks[i].End})
		}
	}
	return Cut(nil, body, spans), &dst
}

// withSpaces puts white space where JSON may have it.
func withSpaces(rnd *rand.Rand, body []byte) []byte {
	var out []byte
	text := false
	for i, c := range body {
		if c == '"' && (i == 0 || body[i-1] != '\\') {
			text = !text
		}
		if !text && strings.IndexByte("{}[],:", c) >= 0 {
			blank := func() []byte { return bytes.Repeat([]byte(" \n\t"[rnd.IntN(3):][:1]), rnd.IntN(3)) }
			out = append(append(append(out, blank()...), c), blank()...)
			continue
		}
		out = append(out, c)
	}
	return out
}

func TestWhatAFilterLetsPassIsWhatCutLeaves(t *testing.T) {
	t.Parallel()
	schemas := 4000
	if testing.Short() {
		schemas = 400
	}
	rnd := rand.New(rand.NewPCG(11, 12))
	cut, aborted, total := 0, 0, 0
	for range schemas {
		text := strings.ReplaceAll(anySchema(rnd, 4), `"type":"string"`, `"type":"string","writeOnly":true`)
		r := replyOf(t, text)
		kinds := map[risk.MarkKind]bool{risk.WriteOnlyMember: true, risk.UndeclaredClosed: true, risk.UndeclaredSilent: rnd.IntN(2) == 0, risk.UndeclaredOpen: rnd.IntN(4) == 0}
		for range 20 {
			body := withSpaces(rnd, anyJSON(rnd, 4))
			want, reading := cutWhole(r, body, kinds)
			most := 1 + rnd.IntN(12)
			got, also, err := filtered(t, r, body, kinds, func() int { return 1 + rnd.IntN(most) })
			total++
			if len(reading.Violations) == 0 != (len(also.Violations) == 0 && err == nil) {
				t.Fatalf("schema %s\nbody %q\ngot %v %q\nwant %q", text, body, err, toldRules(also), told(reading, body))
			}
			switch {
			case err != nil && errors.Is(err, errGone):
				aborted++
			case err != nil:
				t.Fatalf("schema %s\nbody %q: %v", text, body, err)
			case !bytes.Equal(got, want):
				t.Fatalf("schema %s\nbody %q\ngot  %q\nwant %q\n%q", text, body, got, want, told(reading, body))
			case len(want) != len(body):
				cut++
			}
		}
	}
	t.Logf("%d bodies, %d cut, %d refused since what had to go had gone", total, cut, aborted)
	if cut < total/20 {
		t.Errorf("only %d of %d were cut", cut, total)
	}
}

func TestAFilterHoldsLittle(t *testing.T) {
	t.Parallel()
	r := replyOf(t, `{"type":"object","required":["items"],"additionalProperties":false,"properties":{"items":{"type":"array","items":
		{"oneOf":[{"type":"object","properties":{"kind":{"const":"a"},"text":{"type":"string"}},"additionalProperties":false},
		{"type":"object","properties":{"kind":{"const":"b"},"secret":{"type":"string","writeOnly":true}},"required":["secret"],"additionalProperties":false}]}}}}`)
	var body bytes.Buffer
	body.WriteString(`{"extra":"` + strings.Repeat("x", 1<<20) + `","items":[`)
	for i := range 50000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"secret":"s%d","kind":"b"},{"text":"%s","kind":"a"}`, i, strings.Repeat("t", i%100))
	}
	body.WriteString(`]}`)
	kinds := map[risk.MarkKind]bool{risk.WriteOnlyMember: true, risk.UndeclaredClosed: true}
	want, _ := cutWhole(r, body.Bytes(), map[risk.MarkKind]bool{})
	if !bytes.Equal(want, body.Bytes()) {
		t.Fatal("nothing was to be cut")
	}
	got, dst, err := filtered(t, r, body.Bytes(), kinds, func() int { return 32 << 10 })
	if err != nil || len(dst.Violations) != 1 || bytes.Contains(got, []byte("secret")) || bytes.Contains(got, []byte("extra")) {
		t.Fatalf("%v %v %.200q", err, told(dst, body.Bytes())[:1], got)
	}
	t.Logf("%d bytes became %d", body.Len(), len(got))
}
