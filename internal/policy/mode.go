package policy

import "time"

// A ModeKind says what the guards of a risk do.
type ModeKind uint8

// The kinds. The zero value refuses.
const (
	Enforce ModeKind = iota // what a guard denies is refused
	Observe                 // what a guard would deny is counted
	Off                     // the guards do not run; a risk only, with a reason
)

// String is the word of the policy file.
func (k ModeKind) String() string {
	switch k {
	case Enforce:
		return "enforce"
	case Observe:
		return "observe"
	case Off:
		return "off"
	}
	return "enforce"
}

// A Mode is a kind with its end. The zero Mode enforces.
type Mode struct {
	Kind  ModeKind
	For   time.Duration // of Observe: how long, as written; Pin turns it into Until
	Until time.Time     // of Observe: enforced from then on; zero with zero For: no end
}

// Now is what m means at a moment: an observation that is over enforces, and
// so does one whose end was never fixed by Pin.
func (m Mode) Now(now time.Time) ModeKind {
	switch {
	case m.Kind != Observe:
		return m.Kind
	case m.Until.IsZero() && m.For == 0:
		return Observe
	case now.Before(m.Until):
		return Observe
	}
	return Enforce
}

// Dated tells whether m ends by itself.
func (m Mode) Dated() bool { return m.For != 0 || !m.Until.IsZero() }
