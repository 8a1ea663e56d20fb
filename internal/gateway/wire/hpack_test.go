package wire

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

func newDecoder() *decoder { return &decoder{limit: tableSize, fields: 1 << 20, bytes: 1 << 30} }

// found are the fields of the last block, names as on the wire. Upper case is
// not to be told from canonical form, and is lower case here.
func (d *decoder) found() (out []hpack.HeaderField) {
	for _, p := range d.list {
		f := hpack.HeaderField{Name: p.name, Value: p.value}
		if p.name1 > 0 {
			f.Name = string(d.text[p.name0:p.name1])
		}
		if p.literal {
			f.Value = string(d.text[p.value0:p.value1])
		}
		f.Name = lower(f.Name)
		out = append(out, f)
	}
	return out
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// library is the oracle.
func library() func(b []byte) ([]hpack.HeaderField, error) {
	var out []hpack.HeaderField
	d := hpack.NewDecoder(tableSize, func(f hpack.HeaderField) {
		f.Sensitive = false
		f.Name = lower(f.Name)
		out = append(out, f)
	})
	return func(b []byte) ([]hpack.HeaderField, error) {
		out = nil
		if _, err := d.Write(b); err != nil {
			return nil, err
		}
		return out, d.Close()
	}
}

func TestBlocksOfTheLibraryAreReadAsItWroteThem(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	names := []string{":method", ":path", ":status", "cookie", "x-a", "x-b", "user-agent", "content-type", "x-long-name-of-our-own", "te", "", "x a", "X-A"}
	for range 200 {
		var buf bytes.Buffer
		enc, dec, oracle := hpack.NewEncoder(&buf), newDecoder(), library()
		for block := range 30 {
			buf.Reset()
			if r.IntN(5) == 0 {
				enc.SetMaxDynamicTableSize(uint32(r.IntN(tableSize + 1)))
			}
			for range 1 + r.IntN(20) { // or two changes of size would meet, which the library does not take
				_ = enc.WriteField(hpack.HeaderField{Name: names[r.IntN(len(names))], Value: strings.Repeat(fmt.Sprint(r.IntN(30)), r.IntN(1+r.IntN(300))), Sensitive: r.IntN(9) == 0})
			}
			want, err := oracle(buf.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if !dec.decode(buf.Bytes()) {
				t.Fatalf("block %d is refused: %x", block, buf.Bytes())
			}
			if got := dec.found(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("block %d: %v, want %v", block, got, want)
			}
		}
		if dec.size > tableSize {
			t.Fatalf("the table has %d bytes", dec.size)
		}
	}
}

// FuzzHPACK gives blocks to our decoder and to that of golang.org/x/net. What
// ours takes, the other one takes, and finds the same.
func FuzzHPACK(f *testing.F) {
	var buf bytes.Buffer
	enc := hpack.NewEncoder(&buf)
	for _, n := range []string{":method", "x-a", "cookie", "X-B", ""} {
		_ = enc.WriteField(hpack.HeaderField{Name: n, Value: "a value of " + n})
		f.Add(bytes.Clone(buf.Bytes()), uint8(3))
	}
	f.Add([]byte{0x3f, 0xe1, 0x1f, 0x82}, uint8(0))
	f.Add([]byte{0x20, 0x40, 1, 'a', 1, 'b', 0xbe}, uint8(1))
	f.Add([]byte{0x40, 1, 'a', 1, 'b', 0x20}, uint8(6))
	f.Add([]byte{0x00, 0x82, 0xff, 0xff, 0x01, 'a'}, uint8(0))
	f.Add([]byte{0x7f, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, uint8(0))
	fuzzloop.Run(f, func(t *testing.T, raw []byte, cut uint8) {
		at := min(int(cut), len(raw))
		ours, oracle := newDecoder(), library()
		for _, block := range [][]byte{raw[:at], raw[at:], raw} {
			ok := ours.decode(block)
			want, err := oracle(block)
			if !ok {
				return
			}
			if err != nil && strings.Contains(err.Error(), "dynamic table size update") {
				return // the library takes one at the beginning of a block, and RFC 7541 section 4.2 has two
			}
			if err != nil {
				t.Fatalf("%x: taken, but %v", block, err)
			}
			if got := ours.found(); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("%x: %v, want %v", block, got, want)
			}
			for _, p := range ours.list {
				if p.flaw&flawName != 0 {
					continue
				}
				name := p.name
				if p.name1 > 0 {
					name = string(ours.text[p.name0:p.name1])
				}
				if b := []byte(lower(name)); name[0] != ':' {
					if canonical(b); string(b) != name {
						t.Fatalf("%q is not canonical", name)
					}
				}
			}
			if ours.size > tableSize || ours.size < 0 {
				t.Fatalf("the table has %d bytes", ours.size)
			}
			ours.list, ours.text = ours.release()
		}
	})
}

func TestHeadsOfRepliesAreReadByTheLibrary(t *testing.T) {
	t.Parallel()
	date := dateBlock(time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC))
	for _, length := range []int64{-1, 0, 7, 1 << 60} {
		for _, status := range []int{100, 200, 204, 206, 304, 400, 404, 500, 599} {
			x := &Exchange{status: status, length: length}
			long := strings.Repeat("v", 1000)
			b := appendHead2(nil, x, benchFields, &date)
			b = appendName2(b, "X-"+strings.Repeat("Long", 100))
			b = append(appendInteger(b, 0, 7, len(long)), long...)
			got, err := library()(b)
			if err != nil {
				t.Fatal(err)
			}
			want := []hpack.HeaderField{{Name: ":status", Value: fmt.Sprint(status)}, {Name: "date", Value: "Sun, 22 Nov 2026 08:00:00 GMT"}, {Name: "content-type", Value: "application/json"}, {Name: "cache-control", Value: "no-store"}}
			if length >= 0 && !bodyless(status) {
				want = append(want, hpack.HeaderField{Name: "content-length", Value: fmt.Sprint(length)})
			}
			want = append(want, hpack.HeaderField{Name: "x-" + strings.Repeat("long", 100), Value: long})
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v, want %v", got, want)
			}
		}
	}
}
