package schema

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/risk"
)

// streamed is a body of several JSON texts, some of them spoiled.
func streamed(rnd *rand.Rand, sequence bool) []byte {
	var out []byte
	for range 1 + rnd.IntN(4) {
		text := anyJSON(rnd, 3)
		if !sequence {
			text = bytes.ReplaceAll(withSpaces(rnd, text), []byte("\n"), []byte(" "))
		}
		switch rnd.IntN(40) {
		case 0:
			text = text[:rnd.IntN(len(text)+1)]
		case 1:
			text = append(text, text...)
		case 2:
			text = append(text, '\xff')
		case 3:
			text = append([]byte{0x1e}, text...)
		}
		if sequence {
			text = append(append([]byte{0x1e}, withSpaces(rnd, text)...), '\n')
		} else {
			text = append(text, '\n')
		}
		out = append(out, text...)
	}
	if rnd.IntN(8) == 0 {
		out = out[:len(out)-1]
	}
	return out
}

// sameInPieces holds what a Filter makes of a body to what Body and Cut make of it,
// and tells whether something was cut.
func sameInPieces(t *testing.T, r *Reply, media string, body []byte, kinds map[risk.MarkKind]bool, size func() int) bool {
	t.Helper()
	want, reading := cutWholeAs(r, media, body, kinds)
	got, also, err := filteredAs(t, r, media, body, kinds, size)
	switch {
	case reading.Has(risk.BadSyntax) != also.Has(risk.BadSyntax):
		t.Fatalf("%s %q: %q, but in pieces %q, %v", media, body, said(reading), said(also), err)
	case len(reading.Violations) == 0 != (len(also.Violations) == 0 && err == nil):
		t.Fatalf("%s %q: %q, but in pieces %q, %v", media, body, said(reading), said(also), err)
	case errors.Is(err, errGone), errors.Is(err, errRefuse) && reading.Has(risk.BadSyntax):
		return false
	case err != nil:
		t.Fatalf("%s %q: %v", media, body, err)
	case !reading.Has(risk.BadSyntax) && reading.Unchecked != also.Unchecked || reading.Unseen != also.Unseen:
		t.Fatalf("%s %q: unchecked %v, unseen %v; in pieces %v, %v", media, body, reading.Unchecked, reading.Unseen, also.Unchecked, also.Unseen)
	case !bytes.Equal(got, want):
		t.Fatalf("%s %q: %q\nwant %q", media, body, got, want)
	case len(reading.Violations) < risk.MaxViolations/2 && !slices.Equal(toldRules(reading), toldRules(also)):
		t.Fatalf("%s %q: %s", media, body, cmp.Diff(toldRules(reading), toldRules(also)))
	}
	return !bytes.Equal(got, body)
}

func TestABodyOfManyTextsIsStrippedInPiecesAsInOne(t *testing.T) {
	t.Parallel()
	schemas := 1500
	if testing.Short() {
		schemas = 250
	}
	rnd := rand.New(rand.NewPCG(21, 22))
	cut, total := 0, 0
	for range schemas {
		text := secretive(anySchema(rnd, 3))
		if rnd.IntN(3) == 0 {
			text = `{"type":"array","items":` + text + `}`
		}
		s := mustSchema(t, text)
		kinds := map[risk.MarkKind]bool{risk.WriteOnlyMember: true, risk.UndeclaredClosed: true, risk.UndeclaredSilent: rnd.IntN(2) == 0}
		for _, media := range []string{"application/x-ndjson", "application/json-seq"} {
			r := replyAs(t, media, s)
			for range 12 {
				most := 1 + rnd.IntN(12)
				if sameInPieces(t, r, media, streamed(rnd, media == "application/json-seq"), kinds, func() int { return 1 + rnd.IntN(most) }) {
					cut++
				}
				total++
			}
		}
	}
	t.Logf("%d bodies, %d cut", total, cut)
	if cut < total/20 {
		t.Errorf("only %d of %d were cut", cut, total)
	}
}

func TestTextIsCheckedInPiecesAsInOne(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{
		``, `true`, `{"type":"string"}`, `{"type":"string","maxLength":7}`, `{"type":"string","minLength":9}`, `{"type":"string","pattern":"^[a-zé\"\\\\ ]*$"}`,
		`{"type":"string","enum":["a","é\"","\\"]}`, `{"type":"object","properties":{"a":{"type":"integer"}}}`, `{"type":"integer"}`, `{"type":"string","writeOnly":true}`,
	} {
		for _, media := range []string{"text/plain", "text/plain; charset=utf-8", "text/plain; charset=latin1", "text/csv"} {
			var r *Reply
			if schema == "" {
				r = replyAs(t, "text/*", nil)
			} else {
				r = replyAs(t, "text/*", mustSchema(t, schema))
			}
			for _, body := range []string{"a", `é"`, `\`, "abc def é", "\xff", "abc\xc3", "\xc3\xa9", "a\xe2\x82", "\xed\xa0\x80", "\xf0\x9f\x98\x80 😀", "1", `{"a":1}`, strings.Repeat("é\t\x00", 40)} {
				for n := 1; n <= 4; n++ {
					sameInPieces(t, r, media, []byte(body), map[risk.MarkKind]bool{}, func() int { return n })
				}
			}
		}
	}
}

func TestWhatIsNotTextIsCountedInPiecesAsInOne(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{`{"type":"string","format":"binary","maxLength":5}`, `{"type":"string","format":"binary","minLength":3}`, `{"type":"object"}`, `true`} {
		for _, media := range []string{"application/octet-stream", "application/x-odd", "image/png"} {
			r := replyAs(t, media, mustSchema(t, schema))
			for _, body := range []string{"a", "abc", "abcdef"} {
				sameInPieces(t, r, media, []byte(body), map[risk.MarkKind]bool{}, func() int { return 1 })
			}
		}
	}
}

func TestABodyWithoutASchemaIsStillWhatItSays(t *testing.T) {
	t.Parallel()
	for _, media := range []string{"application/json", "application/x-ndjson", "application/json-seq"} {
		r := replyAs(t, media, nil)
		for _, body := range []string{`{"a":[1,2]}`, `{"a":1,"a":2}`, `{"a":`, "{}\n{}\n", "\x1e{}\n\x1e[1]\n", "\x1e{}\n\x1e[1]", "\n", "{}\n\n", "\x1e\x1e1\n"} {
			for n := 1; n <= 3; n++ {
				sameInPieces(t, r, media, []byte(body), map[risk.MarkKind]bool{}, func() int { return n })
			}
		}
	}
}

func TestWhatNobodyDeclaredIsNotedInPiecesAsInOne(t *testing.T) {
	t.Parallel()
	r := replyAs(t, "application/json", mustSchema(t, `{"type":"object"}`))
	sameInPieces(t, r, "text/html", []byte("<p>hello</p>"), map[risk.MarkKind]bool{}, func() int { return 3 })
	sameInPieces(t, r, "", []byte("hello"), map[risk.MarkKind]bool{}, func() int { return 3 })
	var whole, pieces risk.Reading
	for _, dst := range []*risk.Reading{&whole, &pieces} {
		r.Head(dst, &ReplyView{Method: "GET", Status: 203, Media: "application/json", Body: true})
	}
	r.Body(&whole, &Body{Bytes: []byte("{"), Type: "application/json"})
	f := r.Filter(&pieces, "application/json")
	defer f.Release()
	if err := errors.Join(f.Feed(&pieces, []byte("{")), f.Close(&pieces)); err != nil || !slices.Equal(said(&whole), said(&pieces)) {
		t.Errorf("%v: %q, but in pieces %q", err, said(&whole), said(&pieces))
	}
}

func TestFormsPartsAndXMLAreReadWholeOnly(t *testing.T) {
	t.Parallel()
	for _, media := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", "application/json; charset=utf-16", "application/json; charset"} {
		r := replyAs(t, strings.Split(media, ";")[0], mustSchema(t, `{"type":"object"}`))
		var dst risk.Reading
		r.Head(&dst, &ReplyView{Method: "GET", Status: 200, Media: strings.Split(media, ";")[0], Body: true})
		if r.Filter(&dst, media) != nil {
			t.Errorf("%s is read in pieces", media)
		}
	}
}

func TestAMalformedTextIsToldWhateverCameBefore(t *testing.T) {
	t.Parallel()
	for media, body := range map[string]string{
		"application/x-ndjson": strings.Repeat("1\n", 20) + "{\n", "application/json-seq": strings.Repeat("\x1e1\n", 20) + "\x1e{\n",
	} {
		r := replyAs(t, media, mustSchema(t, `{"type":"object"}`))
		_, whole := cutWholeAs(r, media, []byte(body), nil)
		_, pieces, err := filteredAs(t, r, media, []byte(body), nil, func() int { return 3 })
		if !whole.Has(risk.BadSyntax) || !pieces.Has(risk.BadSyntax) || err == nil {
			t.Errorf("%s: %q, %q, %v", media, said(whole), said(pieces), err)
		}
	}
}

func TestAnEndlessBodyLeavesTextByText(t *testing.T) {
	t.Parallel()
	for media, form := range map[string]string{"application/x-ndjson": "%s\n", "application/json-seq": "\x1e%s\n"} {
		r := replyAs(t, media, mustSchema(t, `{"oneOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false},
			{"type":"object","properties":{"b":{"type":"string","writeOnly":true}},"required":["b"]}]}`))
		var dst risk.Reading
		r.Head(&dst, &ReplyView{Method: "GET", Status: 200, Media: media, Body: true})
		f := r.Filter(&dst, media)
		defer f.Release()
		for i := range 20_000 {
			text, want := fmt.Sprintf(`{"a":%d}`, i), fmt.Sprintf(`{"a":%d}`, i)
			if i%2 == 1 {
				text, want = fmt.Sprintf(`{"b":"secret %d","c":%d}`, i, i), fmt.Sprintf(`{"c":%d}`, i)
			}
			text, want = fmt.Sprintf(form, text), fmt.Sprintf(form, want)
			if err := f.Feed(&dst, []byte(text)); err != nil {
				t.Fatal(err)
			}
			for _, m := range dst.Marks {
				if m.Kind == risk.WriteOnlyMember {
					if err := f.Cut(m.Start); err != nil {
						t.Fatal(err)
					}
				}
			}
			if out, err := f.Take(nil); err != nil || string(out) != want {
				t.Fatalf("%s: %q became %q, %v", media, text, out, err)
			}
		}
		if n := cap(f.room) + cap(f.told) + cap(f.cuts); n > 1<<12 {
			t.Errorf("%s: the room grew to %d", media, n)
		}
	}
}

// FuzzFilterForms passes bodies of many texts, and text, in pieces.
func FuzzFilterForms(f *testing.F) {
	for k := range byte(16) {
		f.Add(uint16(k), []byte("{\"a\":1}\n{\"b\":\"x\"}\n"), []byte{k, 3, 1, 0, 9, 2})
		f.Add(uint16(k), []byte("\x1e{\"a\":1}\n\x1e[\"x\"]\n"), []byte{k, 3, 1, 0, 9, 2})
	}
	var pools [3]pool[*Reply]
	medias := []string{"application/x-ndjson", "application/json-seq", "text/plain"}
	for k, media := range medias {
		pools[k].make = func(t testing.TB, text string) *Reply { return replyAs(t, media, mustSchema(t, secretive(text))) }
	}
	f.Fuzz(func(t *testing.T, pick uint16, body, sizes []byte) {
		if len(body) == 0 {
			return
		}
		k := int(pick>>8) % len(medias)
		sameInPieces(t, pools[k].at(t, pick), medias[k], body, map[risk.MarkKind]bool{risk.WriteOnlyMember: k < 2, risk.UndeclaredClosed: k < 2}, cutter(sizes))
	})
}
