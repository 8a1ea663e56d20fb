package schema

import "slices"

// pass passes over an object or array that keeps all that is wanted of it and
// of which nothing has to be said, by a sieve. It is refused where the machine
// has to read the value itself. A text in pieces is read by the machine alone.
func (m *machine) pass(at int) int {
	f := &m.frames[len(m.frames)-1]
	if m.pieces || f.digests || m.blank.home == nil || m.sifter.looked > maxLooks*len(m.src) {
		return refused
	}
	s := m.wanted(f)
	if s == nil || m.sifter.doubts(at, s) {
		return refused
	}
	quiet := !m.veiled && !m.over && (f.settled || !m.cells.spilled)
	m.sifter.dubious, m.sifter.next, m.sifter.reach = m.sifter.dubious[:0], 0, at
	m.pending = m.pending[:0]
	r := m.sift(s, at, len(m.frames), quiet && len(s.roots) == 1)
	m.sifter.looked += max(r.end, m.sifter.reach) - at
	slices.SortFunc(m.sifter.dubious, func(a, b dubious) int { return a.start - b.start })
	if r.end < 0 {
		return refused
	}
	if !quiet {
		r.noise = 0
	}
	if f.fast {
		if r.fail|r.noise != 0 {
			return refused
		}
		return m.ended(f, r.end)
	}
	for k := f.kids; k < len(m.edges); k++ {
		e := &m.edges[k]
		if fails := r.fail>>e.want&1 != 0; fails && e.role != byContains || r.noise>>e.want&1 != 0 {
			return refused
		}
	}
	for k := f.kids; k < len(m.edges); k++ {
		if e := &m.edges[k]; e.role == byContains && r.fail>>e.want&1 == 0 {
			m.acts[e.act].hits++
			m.speakUp(e.act)
		}
	}
	return m.ended(f, r.end)
}

// maxLooks bounds how often a byte is read by sieves, on average.
const maxLooks = 3

// wanted is the sieve of all that is wanted of the value that is read, nil
// where that is too much.
func (m *machine) wanted(f *frame) *sieve {
	switch {
	case f.fast && m.only != nil:
		return m.only.sieveOf(m.direction)
	case f.fast || len(m.wants) == 0:
		return m.blank.sieveOf(m.direction)
	case len(m.wants) == 1:
		return m.wants[0].p.sieveOf(m.direction)
	case len(m.wants) > maxNodes:
		return nil
	}
	for _, s := range m.sieves {
		if s != nil && m.wants[0].p.home == s.home && s.way == m.direction && m.same(s) {
			return s
		}
	}
	s := m.sieveOfWants()
	m.sieves[m.turn%len(m.sieves)] = s
	m.turn++
	return s
}

func (m *machine) same(s *sieve) bool {
	if len(s.roots) != len(m.wants) {
		return false
	}
	for i := range s.roots {
		if s.roots[i] != m.wants[i].p {
			return false
		}
	}
	return true
}

func (m *machine) sieveOfWants() *sieve {
	home := m.blank.home
	home.mu.Lock()
	defer home.mu.Unlock()
	var roots []*program
	for i := range m.wants {
		roots = append(roots, m.wants[i].p)
	}
	return home.sieve(m.direction, roots)
}

// doubts tells whether s has found the value that starts here wanting.
func (s *sifter) doubts(at int, by *sieve) bool {
	for s.next < len(s.dubious) && s.dubious[s.next].start < at {
		s.next++
	}
	return s.next < len(s.dubious) && s.dubious[s.next] == dubious{at, by}
}
