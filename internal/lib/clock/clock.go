// Package clock gives the time as an argument, so that no decision depends on
// a hidden global.
package clock

import "time"

// A Clock tells the time. Implementations are safe for concurrent use.
type Clock interface {
	// Now is the current time, with a monotonic reading where there is one.
	Now() time.Time
}

// System is the clock of the machine.
type System struct{}

// Now returns time.Now.
func (System) Now() time.Time { return time.Now() }

// Fixed is a Clock that always shows the same time; tests and `check` use it.
type Fixed time.Time

// Now returns the fixed time.
func (f Fixed) Now() time.Time { return time.Time(f) }
