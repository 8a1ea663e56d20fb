package sqlite

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/sallyport/sallyport/internal/identity"
	"github.com/sallyport/sallyport/internal/lib/clock"
)

// many fills a store with n keys of three scopes.
func many(t testing.TB, s *Store, n int) {
	t.Helper()
	_, err := s.db.ExecContext(t.Context(), `
		WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?)
		INSERT INTO api_key (id, digest, hint, name, owner, scopes, tier, created, expires)
		SELECT printf('k_%010d', i), CAST(printf('%032d', i) AS BLOB), 'sp_live_abc…', 'a name', printf('owner-%d', i), 'a:read a:write b:read', 'free', 0, 1 FROM c`, n)
	if err != nil {
		t.Fatal(err)
	}
}

// BenchmarkPoll is what a keyring costs five times a second.
func BenchmarkPoll(b *testing.B) {
	s := open(b)
	create(b, keysOf(b, s))
	first, err := s.Changes(b.Context(), 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if page, err := s.Changes(b.Context(), first.Version); err != nil || len(page.Records) != 0 {
			b.Fatal(page, err)
		}
	}
}

// BenchmarkStart loads all keys; it reports the memory that a key takes.
func BenchmarkStart(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := open(b)
			many(b, s, n)
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var k *identity.Keyring
			for b.Loop() {
				var err error
				if k, err = identity.NewKeyring(context.Background(), s, clock.System{}, identity.Following{}); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(n), "B/key")
			runtime.KeepAlive(k)
		})
	}
}

// BenchmarkCreate is one durable change.
func BenchmarkCreate(b *testing.B) {
	k := keysOf(b, open(b))
	for b.Loop() {
		create(b, k)
	}
}
