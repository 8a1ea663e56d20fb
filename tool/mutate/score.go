package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// A score counts what became of mutants.
type score struct {
	killed, excused     int
	overworked, waiting []*mutant // killed by a limit of time
	alive               []*mutant
	wrong               []*mutant // excused, but killed
}

func (s *score) add(o *score) {
	s.killed += o.killed
	s.excused += o.excused
	s.overworked = append(s.overworked, o.overworked...)
	s.waiting = append(s.waiting, o.waiting...)
	s.alive = append(s.alive, o.alive...)
	s.wrong = append(s.wrong, o.wrong...)
}

// take counts one result.
func (s *score) take(r result, e *excuses) {
	excused := e.has(r.m.key())
	switch {
	case r.killed && excused:
		s.wrong = append(s.wrong, r.m)
		s.killed++
	case r.killed:
		s.killed++
		s.takeLate(r)
	case excused:
		s.excused++
	default:
		s.alive = append(s.alive, r.m)
	}
}

func (s *score) takeLate(r result) {
	switch r.late {
	case overworked:
		s.overworked = append(s.overworked, r.m)
	case waiting:
		s.waiting = append(s.waiting, r.m)
	case inTime:
	}
}

// percent of the mutants that are not excused are killed.
func (s *score) percent() float64 {
	if n := s.killed + len(s.alive); n > 0 {
		return 100 * float64(s.killed) / float64(n)
	}
	return 100
}

// String is one line.
func (s *score) String() string {
	return fmt.Sprintf("%d mutants, %d killed (%d by the limit of the processor, %d by the clock), %d excused, %d survive: %.1f %%",
		s.killed+s.excused+len(s.alive), s.killed, len(s.overworked), len(s.waiting), s.excused, len(s.alive), s.percent())
}

// print lists what survived, and what only a limit of time killed.
func (s *score) print() {
	for _, l := range [...]struct {
		was     string
		mutants []*mutant
	}{
		{"survives", s.alive}, {"works without end", s.overworked}, {"waits without end", s.waiting}, {"is excused but killed", s.wrong},
	} {
		slices.SortFunc(l.mutants, func(a, b *mutant) int { return cmp.Compare(a.id, b.id) })
		for _, m := range l.mutants {
			fmt.Println(l.was + "  " + m.String())
		}
	}
}

// verdict is an error where the score is too low, or excuses are wrong.
func (s *score) verdict(o *options, e *excuses) error {
	total := s.killed + s.excused + len(s.alive)
	if len(s.wrong) > 0 {
		return errors.New("excused mutants are killed: take them out of equivalent.txt")
	}
	if len(o.names) == 0 && o.match.String() == "" {
		if unused := e.unused(); len(unused) > 0 {
			return fmt.Errorf("equivalent.txt excuses what is no mutant: %s", strings.Join(unused, "; "))
		}
		if 100*s.excused > maxExcused*total {
			return fmt.Errorf("%d of %d mutants are excused, more than %d percent", s.excused, total, maxExcused)
		}
	}
	if s.percent() < o.least {
		return fmt.Errorf("%w: %.1f percent killed, %.1f needed", errScore, s.percent(), o.least)
	}
	return nil
}

// excuses are the mutants that are equivalent, by key.
type excuses struct{ used map[string]bool }

// readExcuses reads lines "KEY :: REASON". Lines that begin with # and empty
// ones say nothing.
func readExcuses(file string) (*excuses, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the equivalent mutants: %w", err)
	}
	e := &excuses{used: map[string]bool{}}
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, " :: ")
		key = strings.TrimSpace(key)
		if _, twice := e.used[key]; !ok || twice || len(strings.TrimSpace(reason)) < 20 {
			return nil, fmt.Errorf("%s:%d: write each mutant once, as FILE FUNCTION: CHANGE :: REASON", file, n)
		}
		e.used[key] = false
	}
	return e, nil
}

func (e *excuses) has(key string) bool {
	_, ok := e.used[key]
	if ok {
		e.used[key] = true
	}
	return ok
}

// unused lists the excuses that no mutant asked for.
func (e *excuses) unused() []string {
	var out []string
	for key, used := range e.used {
		if !used {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}
