package ledger

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"time"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// usual is what most exchanges record.
func usual() *event.Event {
	e := get(1)
	e.Node, e.Plan, e.Template, e.Proto = "gw-1", "7c1e0d9b2f", "/orders/{id}", "HTTP/1.1"
	e.TLS, e.Trace = event.TLS{Version: "TLS1.3", Suite: "TLS_AES_128_GCM_SHA256"}, "4bf92f3577b34da6a3ce929d0e0e4736"
	e.Caller.KeyID, e.Caller.Tier = "sp_live_8f2", "free"
	e.Personal.UserAgent = "curl/8.5.0"
	e.Upstream = event.Upstream{Called: true, Address: "127.0.0.1:8080", Status: 200, Micros: 912}
	e.BytesOut, e.Micros = 1024, 1800
	return e
}

// BenchmarkSeal is what one exchange costs the goroutine that serves it and
// the one that writes, with everything written to a real file.
func BenchmarkSeal(b *testing.B) {
	l := mustOpen(b, options(b, func(o *Options) { o.QueueBytes = 1 << 20 }))
	e := usual()
	e.Method = "POST" // never dropped: a full queue is written at once
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Seal(e); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(l.Stats().Records)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSealDurable waits for fsync: every event is on the disk before the
// clock stops, by group commit.
func BenchmarkSealDurable(b *testing.B) {
	l := mustOpen(b, options(b, func(o *Options) { o.Durability = Fsync }))
	e := usual()
	e.Method = "POST"
	b.ReportAllocs()
	for b.Loop() {
		err := l.Seal(e)
		if err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(l.Stats().Records)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(l.Stats().Commits), "commits")
}

// BenchmarkIntentAndSeal is an unsafe exchange by itself: one write call.
func BenchmarkIntentAndSeal(b *testing.B) {
	l := mustOpen(b, options(b))
	e := usual()
	b.ReportAllocs()
	for b.Loop() {
		if err := l.Intent(e); err != nil {
			b.Fatal(err)
		}
		e.Kind = event.Exchange
		if err := l.Seal(e); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIntentDurable waits for fsync in each of many writers.
func BenchmarkIntentDurable(b *testing.B) {
	l := mustOpen(b, options(b, func(o *Options) { o.Durability = Fsync }))
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		e := usual()
		for pb.Next() {
			if err := l.Intent(e); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(l.Stats().Records)/b.Elapsed().Seconds(), "events/s")
}

func BenchmarkVerify(b *testing.B) {
	o := options(b)
	l := mustOpen(b, o)
	e := usual()
	e.Method = "POST"
	for range 100_000 {
		if err := l.Seal(e); err != nil {
			b.Fatal(err)
		}
	}
	mustClose(b, l)
	for b.Loop() {
		if r := mustVerify(b, o.Dir, VerifyOptions{}); !r.OK() || r.Records != 100_000 {
			b.Fatal(r)
		}
	}
	b.ReportMetric(100_000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkScan(b *testing.B) {
	o := options(b)
	l := mustOpen(b, o)
	e := usual()
	e.Method = "POST"
	for range 20_000 {
		if err := l.Seal(e); err != nil {
			b.Fatal(err)
		}
	}
	mustClose(b, l)
	for b.Loop() {
		for _, err := range (Reader{Dir: o.Dir}).Scan(b.Context(), Query{Risk: "bola"}) {
			b.Fatal("found one", err)
		}
	}
	b.ReportMetric(20_000*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// mendFrames makes records of what an input says, so that inputs get past the
// checksum: each length is taken below 256, and the checksum is made right
// unless the byte before the payload is above 200, where all is left as it is.
func mendFrames(b []byte) {
	for len(b) > frameHead {
		n := min(int(b[4]), len(b)-frameHead)
		if b[8] <= 200 {
			frame(append(b[:frameHead-1], 0)[:frameHead+n], 0)
		}
		b = b[frameHead+n:]
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(appendFrame(appendFrame(nil, &event.Event{Kind: event.Start}), &event.Event{Kind: event.Intent, ID: id(1)}))
	f.Add(appendFrame(nil, get(1))[:30])
	f.Add([]byte{0, 0, 0, 0, 255, 255, 255, 255, 201})
	room := make([]byte, 64)
	fuzzloop.Run(f, func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		mendFrames(b)
		r := &frames{r: bytes.NewReader(b), buf: room} // smaller than most records
		whole := 0
		for {
			frame, err := r.next()
			if err != nil {
				if !errors.Is(err, io.EOF) && !errors.Is(err, errTorn) {
					t.Fatal(err)
				}
				break
			}
			if !bytes.Equal(frame, b[whole:whole+len(frame)]) {
				t.Fatal("a frame is not what stands in the file")
			}
			whole += len(frame)
			peek(frame[frameHead:])
		}
		if r.offset != int64(whole) {
			t.Fatalf("the offset is %d, want %d", r.offset, whole)
		}
	})
}

func FuzzParseHead(f *testing.F) {
	s := &signer{private: make([]byte, 64), fingerprint: "0011223344556677"}
	for _, kind := range []headKind{headMark, headEnd, headTomb} {
		f.Add(s.line(&Head{Kind: kind, Segment: 3, First: 7, Count: 9, Open: 2, Time: time.Unix(1, 0)}))
	}
	fuzzloop.Run(f, func(t *testing.T, b []byte) {
		h, body, _, err := parseHead(b)
		if err != nil {
			if !errors.Is(err, errHead) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.HasPrefix(b, body) || !bytes.Equal(h.appendBody(nil), body) {
			t.Fatal("a line that is not canonical is taken")
		}
	})
}

// mendRing makes a ring of what an input says, so that inputs get past the
// headers and the checksums: bits of the first byte of each half leave its
// header as it is, and those of each record its epoch.
func mendRing(b []byte) {
	half := len(b) / 2
	for i := range 2 {
		h := b[i*half : (i+1)*half]
		if len(h) < ringHeader {
			return
		}
		if h[0]&15 != 15 {
			copy(h, ringMagic)
			binary.LittleEndian.PutUint32(h[8:], ringFormat)
			binary.LittleEndian.PutUint32(h[12:], uint32(half))
		}
		for rest := h[ringHeader:]; len(rest) > epochSize+frameHead; {
			if rest[0]&15 != 15 {
				copy(rest[:epochSize], h[epochAt:])
			}
			n := min(int(rest[epochSize+4]), len(rest)-epochSize-frameHead)
			one := rest[epochSize:][:frameHead+n]
			mendFrames(one)
			rest = rest[epochSize+len(one):]
		}
	}
}

func FuzzRing(f *testing.F) {
	const half = 300
	whole := make([]byte, 2*half)
	r := &ring{mapped: whole, half: half, epoch: 7}
	for i := range 2 {
		copy(whole[i*half:], ringMagic)
		binary.LittleEndian.PutUint32(whole[i*half+8:], ringFormat)
		binary.LittleEndian.PutUint32(whole[i*half+12:], half)
		r.begin(i)
	}
	for n := range 4 {
		if r.keep(appendFrame(nil, &event.Event{Kind: event.Intent, ID: id(n)})); n == 1 {
			r.turn()
		}
	}
	if n := len(parseRing(whole)); n != 4 {
		f.Fatalf("%d intents, want 4", n)
	}
	f.Add(whole)
	f.Add(whole[:half])
	f.Add([]byte(ringMagic))
	fuzzloop.Run(f, func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		mendRing(b)
		for id, k := range parseRing(b) {
			if frame, err := newFrame(k.frame); err != nil || len(frame) != len(k.frame) || k.id != id || !bytes.Contains(b, k.frame) {
				t.Fatalf("an intent that is no record of the file: %v", err)
			}
		}
	})
}
