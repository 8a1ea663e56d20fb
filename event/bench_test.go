package event

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"runtime/debug"
	"slices"
	"testing"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

func TestTheHotPathAllocatesNothing(t *testing.T) {
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector makes pools forget; run it without")
	}
	e, buf := sample(), make([]byte, 0, MaxBytes)
	k, err := NewKey("h1", bytes.Repeat([]byte{7}, KeySize))
	if err != nil {
		t.Fatal(err)
	}
	e.Personal = Personal{"alice", "192.0.2.7", "/orders/42?token=*", "curl/8"}
	ids := NewIDs(clock.System{}, rand.Reader)
	m := NewMemo()
	for name, f := range map[string]func(){
		"Memo":            func() { buf = m.AppendCanonical(buf[:0], e) },
		"AppendCanonical": func() { buf = AppendCanonical(buf[:0], e) },
		"Seal":            func() { k.Seal(e, [NonceSize]byte{}) },
		"NewID":           func() { e.ID, _ = ids.NewID() },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkAppendCanonicalAndHash(b *testing.B) {
	e, buf := sample(), []byte(nil)
	var sum [32]byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendCanonical(buf[:0], e)
		sum = sha256.Sum256(buf)
	}
	b.SetBytes(int64(len(buf)))
	_ = sum
}

// BenchmarkUsual is what most exchanges record: allowed, nothing to remark.
func BenchmarkUsual(b *testing.B) {
	e, buf := sample(), []byte(nil)
	e.Would, e.Violations, e.Edits, e.Gap, e.Objects, e.Flags, e.Cut, e.Risk, e.Code, e.At, e.Reason = nil, nil, nil, Gap{}, nil, nil, 0, "", "", "", ""
	e.Decision = Allow
	var sum [32]byte
	b.ReportAllocs()
	for b.Loop() {
		buf = AppendCanonical(buf[:0], e)
		sum = sha256.Sum256(buf)
	}
	b.SetBytes(int64(len(buf)))
	_ = sum
}

func BenchmarkSealPersonal(b *testing.B) {
	e := sample()
	e.Personal = Personal{"alice", "192.0.2.7", "/orders/42?token=*", "curl/8"}
	k, err := NewKey("h1", bytes.Repeat([]byte{7}, KeySize))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		k.Seal(e, [NonceSize]byte{})
	}
}

func BenchmarkNewID(b *testing.B) {
	ids := NewIDs(clock.System{}, rand.Reader)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ids.NewID(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse([]byte(sampleText)); err != nil {
			b.Fatal(err)
		}
	}
}
