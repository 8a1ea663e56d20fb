package ratelimit

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func TestRatesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Rate{
		"100/s burst 200": {10 * time.Millisecond, 200}, "10/m": {6 * time.Second, 10}, "5/h": {12 * time.Minute, 5}, "1/h burst 3": {time.Hour, 3},
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "100", "0/s", "-1/s", "1/d", "1/s burst", "1/s burst 0", "1/s 2", "1/s burst 1 2", "99999999999999999999/s", "2000000000/s", "1/h burst 10000000"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q is taken as %+v", text, got)
		}
	}
}

func TestABurstPassesAndThenTheRate(t *testing.T) {
	t.Parallel()
	table, r := New(0), Rate{Every: 10 * time.Millisecond, Burst: 5}
	key := table.Key("a", "alice")
	for i := range 5 {
		if s := table.Take(key, r, start); !s.OK || s.Left != 4-i || s.Reset != time.Duration(i+1)*10*time.Millisecond {
			t.Fatalf("request %d: %+v", i, s)
		}
	}
	if s := table.Take(key, r, start); s.OK || s.Retry != 10*time.Millisecond || s.Left != 0 {
		t.Errorf("over the burst: %+v", s)
	}
	if s := table.Take(key, r, start.Add(9*time.Millisecond)); s.OK || s.Retry != time.Millisecond {
		t.Errorf("too early: %+v", s)
	}
	if s := table.Take(key, r, start.Add(10*time.Millisecond)); !s.OK {
		t.Errorf("at its time: %+v", s)
	}
	if s := table.Take(table.Key("a", "bob"), r, start); !s.OK {
		t.Errorf("bob pays for alice: %+v", s)
	}
	if s := table.Take(key, r, start.Add(time.Hour)); !s.OK || s.Left != 4 {
		t.Errorf("after a rest: %+v", s)
	}
}

// TestItCountsLikeABucket holds the algorithm against a bucket that is filled
// step by step.
func TestItCountsLikeABucket(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		r := Rate{Every: time.Duration(1+rnd.IntN(20)) * time.Millisecond, Burst: 1 + rnd.IntN(10)}
		table := New(1)
		key := table.Key("", "x")
		now, tokens := start, time.Duration(r.Burst)*r.Every
		for range 500 {
			step := time.Duration(rnd.IntN(15)) * time.Millisecond
			now = now.Add(step)
			tokens = min(tokens+step, r.Window())
			want := tokens >= r.Every
			if want {
				tokens -= r.Every
			}
			if s := table.Take(key, r, now); s.OK != want || want && s.Left != int(tokens/r.Every) || !want && s.Retry != r.Every-tokens {
				t.Fatalf("%+v with %v left: %+v", r, tokens, s)
			}
		}
	}
}

func TestAClockThatIsSetBackLocksNobodyOut(t *testing.T) {
	t.Parallel()
	table, r := New(0), Rate{Every: time.Second, Burst: 2}
	key := table.Key("a", "alice")
	table.Take(key, r, start.Add(24*time.Hour))
	if s := table.Take(key, r, start); s.OK || s.Retry > time.Second {
		t.Errorf("got %+v", s)
	}
	if s := table.Take(key, r, start.Add(time.Second)); !s.OK {
		t.Errorf("got %+v", s)
	}
	if s := table.Take(key, Rate{}, start); s.OK {
		t.Errorf("the zero rate allows: %+v", s)
	}
}

func TestAFloodOfKeysForgetsThoseThatUsedLeast(t *testing.T) {
	t.Parallel()
	table, r := New(512), Rate{Every: time.Second, Burst: 1000}
	heavy := table.Key("a", "heavy")
	for range 900 {
		table.Take(heavy, r, start)
	}
	for i := range 100_000 {
		table.Take(table.Key("a", fmt.Sprint(i)), r, start)
	}
	if s := table.Take(heavy, r, start); s.Left != 99 {
		t.Errorf("the flood washed the heavy user clean: %+v", s)
	}
	n := 0
	for i := range table.shards {
		n += len(table.shards[i].entries)
	}
	if n != 512 {
		t.Errorf("the table has %d entries", n)
	}
}

func TestAnIPv6NetworkIsOneAddress(t *testing.T) {
	t.Parallel()
	table := New(0)
	key := func(s string) uint64 { return table.AddrKey("a", netip.MustParseAddr(s)) }
	if key("2001:db8:1:2::1") != key("2001:db8:1:2:ffff::9") || key("2001:db8:1:2::1") == key("2001:db8:1:3::1") {
		t.Error("a /64 is not one")
	}
	if key("192.0.2.1") == key("192.0.2.2") || key("192.0.2.1") != key("::ffff:192.0.2.1") {
		t.Error("IPv4 addresses are not told apart, or not the same in IPv6")
	}
	if table.AddrKey("b", netip.MustParseAddr("192.0.2.1")) == key("192.0.2.1") || table.Key("a", "x") == table.Key("b", "x") || table.Key("ab", "c") == table.Key("a", "bc") {
		t.Error("scopes share a counter")
	}
}

func TestAsManyAreUnderWayAsAllowed(t *testing.T) {
	t.Parallel()
	table := New(0)
	key := table.Key("a", "alice")
	var wg sync.WaitGroup
	got := make(chan bool, 100)
	for range 100 {
		wg.Go(func() { got <- table.Hold(key, 7) })
	}
	wg.Wait()
	close(got)
	held := 0
	for ok := range got {
		if ok {
			held++
		}
	}
	if held != 7 || table.Held(key) != 7 {
		t.Fatalf("%d are under way, the table says %d", held, table.Held(key))
	}
	for range 7 {
		table.Release(key)
	}
	if table.Held(key) != 0 || len(table.shards[key%shards].held) != 0 {
		t.Error("something stays")
	}
	table.Release(key)
	if !table.Hold(key, 1) || table.Hold(key, 1) {
		t.Error("a release too many lets more in")
	}
}

func TestNothingIsAllocated(t *testing.T) {
	table, r := New(0), Rate{Every: time.Millisecond, Burst: 10}
	addr := netip.MustParseAddr("2001:db8::1")
	now := start
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(time.Millisecond)
		table.Take(table.Key("orders caller", "alice"), r, now)
		key := table.AddrKey("address", addr)
		table.Take(key, r, now)
		table.Hold(key, 5)
		table.Release(key)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTake(b *testing.B) {
	table, r := New(0), Rate{Every: time.Microsecond, Burst: 1000}
	b.ReportAllocs()
	for b.Loop() {
		table.Take(table.Key("orders caller 300/s", "c_0123456789abcdef"), r, start)
	}
}

func BenchmarkTakeOfManyInParallel(b *testing.B) {
	table, r := New(0), Rate{Every: time.Microsecond, Burst: 1000}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		addr := netip.AddrFrom4([4]byte{10, 0, byte(rand.IntN(256)), 1})
		for pb.Next() {
			addr = addr.Next()
			table.Take(table.AddrKey("address 1000/s", addr), r, start)
		}
	})
}
