package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/source"
)

// A RiskState is what becomes of one risk under a policy: on how many
// operations of an API its guards run, and how.
type RiskState struct {
	Risk    string
	API     string
	Modes   []ModeCount // the most frequent first; none where it has nothing to do
	Nothing int         // operations on which it has nothing to do
}

// A ModeCount is one mode of a risk, with the line of the policy that says so.
type ModeCount struct {
	Mode       string // enforce, observe or off
	Until      time.Time
	At         source.Span // zero for a default
	Operations int
	Unknown    bool // it also runs for requests that match no operation
}

// String is one mode in words.
func (m ModeCount) String() string {
	var b strings.Builder
	b.WriteString(m.Mode)
	switch {
	case m.Operations > 0:
		fmt.Fprintf(&b, " on %d", m.Operations)
	case m.Unknown:
		b.WriteString(" elsewhere")
	}
	if !m.Until.IsZero() {
		b.WriteString(" until " + m.Until.UTC().Format(time.DateOnly))
	}
	return b.String()
}

// States tells the state of every risk for every API of the policy that opt
// names; ends of observations are those that opt.State has kept. It is nil
// where there is no policy, and starts nothing.
func States(ctx context.Context, opt Options) ([]RiskState, error) {
	if opt.Policy == "" && opt.To == "" {
		if _, err := os.Stat(PolicyFile); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
	}
	l, err := load(ctx, opt, readPins(opt.State))
	if err != nil {
		return nil, err
	}
	var out []RiskState
	for _, r := range allRisks() {
		for _, a := range l.plan.APIs {
			out = append(out, stateOf(l.plan, a, r.ID))
		}
	}
	return out, nil
}

// stateOf counts one risk over the operations of one API.
func stateOf(p *plan.Plan, a *plan.API, id string) RiskState {
	s := RiskState{Risk: id, API: a.Name}
	for _, u := range a.Units {
		if !s.count(u, id, true) {
			s.Nothing++
		}
	}
	s.count(a.Unknown, id, false)
	s.count(p.Listener, id, false)
	slices.SortStableFunc(s.Modes, func(x, y ModeCount) int { return cmp.Compare(y.Operations, x.Operations) })
	return s
}

// count adds one unit, and tells whether the risk has something to do there,
// or would have if it were not off.
func (s *RiskState) count(u *plan.Unit, id string, operation bool) bool {
	i := slices.IndexFunc(u.Settings, func(set plan.Setting) bool { return set.Risk == id })
	if i < 0 {
		return false
	}
	set := u.Settings[i]
	if set.Guards == 0 && set.Mode != plan.Off {
		return false
	}
	k := slices.IndexFunc(s.Modes, func(m ModeCount) bool { return m.Mode == set.Mode.String() && m.Until.Equal(set.Until) })
	if k < 0 {
		k = len(s.Modes)
		s.Modes = append(s.Modes, ModeCount{Mode: set.Mode.String(), Until: set.Until, At: set.At})
	}
	if operation {
		s.Modes[k].Operations++
	} else {
		s.Modes[k].Unknown = true
	}
	return true
}
