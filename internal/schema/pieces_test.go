package schema

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// cutter gives the sizes of pieces, decided by bytes; behind them all pieces
// are of one byte.
func cutter(b []byte) func() int {
	return func() int {
		if len(b) == 0 {
			return 1
		}
		n := int(b[0])
		b = b[1:]
		return 1 + n%64
	}
}

// A pool makes something of random schemas, once each.
type pool[T any] struct {
	made  [poolOfSchemas]T
	there [poolOfSchemas]bool
	make  func(t testing.TB, text string) T
}

func (p *pool[T]) at(t testing.TB, pick uint16) T {
	t.Helper()
	k := pick % poolOfSchemas
	if !p.there[k] {
		p.made[k], p.there[k] = p.make(t, poolSchema(k)), true
	}
	return p.made[k]
}

// poolSchema is the schema at a place of the pools.
func poolSchema(k uint16) string { return roll(spreadDice(uint64(k % poolOfSchemas))).schema(false) }

// secretive makes some members writeOnly.
func secretive(text string) string {
	return strings.ReplaceAll(text, `"type":"string"`, `"type":"string","writeOnly":true`)
}

// FuzzPieces reads any text whole and in pieces, in both directions: the
// acceptance is that of package jsonx, and the Readings are the same.
func FuzzPieces(f *testing.F) {
	for k, text := range []string{
		`{"a":[1,"x",null],"b":{"c":"\u00e9"}}`, `{"a":1,"a":2}`, `[1.5e3,-0,"\ud83d\ude00"]`, `{"a":{"b":{"c":{}}},"d":[[],{}]} `, `tru`, "\"\xff\"",
	} {
		f.Add(uint16(k), []byte(text), []byte{3, 1, 0, 9, 2})
	}
	programs := pool[*program]{make: func(t testing.TB, text string) *program { return NewPrograms().compile(mustSchema(t, text)) }}
	r := newRun()
	var d jsonx.Doc
	fuzzloop.Run(f, func(t *testing.T, pick uint16, body, sizes []byte) {
		p := programs.at(t, pick)
		way := direction(len(sizes) & 1)
		whole, ok := wholeReading(r, p, body, way)
		if err := d.Parse(body); (err == nil) != ok {
			t.Fatalf("%q: the machine says %v, jsonx %v", body, ok, err)
		}
		pieces, also := chunkedReading(r, p, body, way, cutter(sizes))
		if ok != also {
			t.Fatalf("%q: whole %v, in pieces %v", body, ok, also)
		}
		if !ok {
			return
		}
		if a, b := told(whole, body), told(pieces, body); !slices.Equal(a, b) {
			t.Fatalf("schema %s\nbody %q: %s", poolSchema(pick), body, cmp.Diff(a, b))
		}
	})
}

func TestANameTwiceIsSeenWhereverItStands(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{`true`, `{"items":{"properties":{"b":{}}}}`, `{"additionalProperties":{"additionalProperties":true}}`} {
		for _, name := range []string{"a", "ab", "abcdefg", "abcdefgh", "abcdefghijklmno", "abcdefghijklmnop", ""} {
			for _, form := range []string{`{"%":0,"%":0}`, `[{"%":0,"%":0}]`, `{"x":{"%":0,"y":1,"%":0}}`, `[{"%":0,"%":0}         ]`} {
				text := strings.ReplaceAll(form, "%", name)
				body := make([]byte, len(text)) // nothing lies behind it
				copy(body, text)
				p := NewPrograms().compile(mustSchema(t, schema))
				if _, ok := wholeReading(newRun(), p, body[:len(body):len(body)], asRequest); ok {
					t.Errorf("%s: %s is accepted", schema, text)
				}
				for n := 1; n < len(body); n++ {
					if _, ok := chunkedReading(newRun(), p, body, asRequest, func() int { return n }); ok {
						t.Errorf("%s: %s is accepted in pieces of %d", schema, text, n)
					}
				}
			}
		}
	}
}

// FuzzFilter passes a reply in pieces and takes out what is marked: what is
// left is what Cut leaves of the whole, and what is said is the same.
func FuzzFilter(f *testing.F) {
	for k := range byte(32) {
		f.Add(uint16(k), spreadDice(uint64(k) + 1000)[:64], []byte{k, 3, 1, 0, 9, 2})
	}
	replies := pool[*Reply]{make: func(t testing.TB, text string) *Reply { return replyOf(t, secretive(text)) }}
	fuzzloop.Run(f, func(t *testing.T, pick uint16, instance, sizes []byte) {
		r := replies.at(t, pick)
		kinds := map[risk.MarkKind]bool{
			risk.WriteOnlyMember: true, risk.UndeclaredClosed: true,
			risk.UndeclaredSilent: len(sizes)&1 == 0, risk.UndeclaredOpen: len(sizes)&2 == 0,
		}
		body := []byte(roll(instance).value(4))
		want, reading := cutWhole(r, body, kinds)
		got, also, err := filtered(t, r, body, kinds, cutter(sizes))
		if len(reading.Violations) == 0 != (len(also.Violations) == 0 && err == nil) {
			t.Fatalf("schema %s\nbody %q\ngot %v %q\nwant %q", poolSchema(pick), body, err, toldRules(also), told(reading, body))
		}
		switch {
		case errors.Is(err, errGone):
		case err != nil:
			t.Fatalf("schema %s\nbody %q: %v", poolSchema(pick), body, err)
		case !bytes.Equal(got, want):
			t.Fatalf("schema %s\nbody %q\ngot  %q\nwant %q\n%q", poolSchema(pick), body, got, want, told(reading, body))
		}
		if again, _ := cutWhole(r, slices.Clone(want), map[risk.MarkKind]bool{}); !bytes.Equal(again, want) {
			t.Fatalf("%q changes to %q though nothing is cut", want, again)
		}
	})
}
