package ledger

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A stopwatch adds up processor time, which other processes on the machine
// change less than they change the time of day.
type stopwatch struct {
	clock int32
	began time.Duration
	sum   time.Duration
}

// ownTime counts for the thread that calls it, wholeTime for the process.
func ownTime() *stopwatch   { return &stopwatch{clock: unix.CLOCK_THREAD_CPUTIME_ID} }
func wholeTime() *stopwatch { return &stopwatch{clock: unix.CLOCK_PROCESS_CPUTIME_ID} }

func (s *stopwatch) now(b testing.TB) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(s.clock, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

func (s *stopwatch) start(b testing.TB) { s.began = s.now(b) }
func (s *stopwatch) stop(b testing.TB)  { s.sum += s.now(b) - s.began }

// report shows the sum for each of b.N.
func (s *stopwatch) report(b *testing.B, unit string) {
	b.ReportMetric(float64(s.sum.Nanoseconds())/float64(b.N), unit)
}
