package ledger

import (
	"runtime"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

// burst is how many exchanges the next benchmarks record between two commits:
// those of 20 ms at 12,800 a second.
const burst = 256

// BenchmarkHotPath is what records cost in processor time: own-ns is what the
// goroutine of the request spends, cpu-ns what the whole process does, with
// the commits and the garbage collector.
func BenchmarkHotPath(b *testing.B) {
	read, write := usual(), usual()
	write.Method, write.Operation = "POST", "POST /orders"
	for name, record := range map[string]func(*Ledger) error{
		"read": func(l *Ledger) error { return l.Seal(read) },
		"write": func(l *Ledger) error {
			write.ID[9]++ // an id is used once
			if write.ID[9] == 0 {
				write.ID[8]++
			}
			if err := l.Intent(write); err != nil {
				return err
			}
			write.Kind = event.Exchange
			return l.Seal(write)
		},
	} {
		b.Run(name, func(b *testing.B) {
			l := mustOpen(b, options(b, func(o *Options) { o.CommitEvery = time.Hour }))
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			own, whole := ownTime(), wholeTime()
			b.ReportAllocs()
			whole.start(b)
			own.start(b)
			for n := 0; b.Loop(); n++ {
				if err := record(l); err != nil {
					b.Fatal(err)
				}
				if n%burst == burst-1 {
					own.stop(b)
					if err := l.Flush(); err != nil {
						b.Fatal(err)
					}
					own.start(b)
				}
			}
			own.stop(b)
			whole.stop(b)
			own.report(b, "own-ns/op")
			whole.report(b, "cpu-ns/op")
		})
	}
}
