package policy

import (
	"slices"
	"time"
)

// Pin fixes the end of every dated observation. pins are the ends that were
// fixed before, by the place and length of the observation; what is new ends
// its length after now. It returns the policy with Mode.Until set everywhere,
// and the pins to keep for the next time: those of modes that are gone are
// dropped. Neither argument is changed.
//
// The end belongs to the mode as written: another length is another decision
// and starts anew, and so does an observation that was taken out and put back.
// Ends are whole seconds of UTC.
func Pin(p *Policy, pins map[string]time.Time, now time.Time) (*Policy, map[string]time.Time) {
	q := pinner{old: pins, kept: map[string]time.Time{}, now: now.UTC().Truncate(time.Second)}
	out := *p
	out.Settings = q.settings("", p.Settings)
	out.APIs = make([]*API, len(p.APIs))
	for i, api := range p.APIs {
		a := *api
		at := "apis." + a.Name.Value + "."
		a.Settings = q.settings(at, a.Settings)
		a.Document.Settings = q.settings(at+"document.", a.Document.Settings)
		a.Operations = q.operations(at+"operations.", a.Operations)
		a.Document.Operations = q.operations(at+"document.operations.", a.Document.Operations)
		out.APIs[i] = &a
	}
	return &out, q.kept
}

// pinner walks the modes of a policy.
type pinner struct {
	old, kept map[string]time.Time
	now       time.Time
}

func (q *pinner) operations(at string, operations []Operation) []Operation {
	out := slices.Clone(operations)
	for i := range out {
		name := out[i].Key
		if name == "" {
			name = out[i].Selector.Value
		}
		out[i].Settings = q.settings(at+name+".", out[i].Settings)
	}
	return out
}

func (q *pinner) settings(at string, s Settings) Settings {
	s.Mode = q.mode(at+"mode", s.Mode)
	s.Risks = slices.Clone(s.Risks)
	for i := range s.Risks {
		s.Risks[i].Mode = q.mode(at+"risks."+s.Risks[i].Risk+".mode", s.Risks[i].Mode)
	}
	return s
}

func (q *pinner) mode(at string, m Given[Mode]) Given[Mode] {
	if m.Value.Kind != Observe || m.Value.For == 0 {
		return m
	}
	at += "=" + amount{units: timeUnits()}.text(int64(m.Value.For))
	end, ok := q.old[at]
	if !ok {
		end = q.now.Add(m.Value.For)
	}
	q.kept[at] = end
	m.Value.Until = end
	return m
}
