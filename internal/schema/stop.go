package schema

// The functions of this file end what nobody asks for any more.

// The steps of a machine: firstSteps, and so many for each byte. Ten times what a
// usual body costs is some four a byte; what passes needs less, whatever the
// schema, and what has to be marked or told seldom as much.
const (
	firstSteps   = 1 << 18
	stepsPerByte = 8
)

// overspent tells whether the text has cost more than one of its size may. It
// is refused then.
func (m *machine) overspent() bool { return m.steps > firstSteps+stepsPerByte*(m.base+len(m.src)) }

// drain ends the checking of a request of which more is wrong than is told:
// what is left of it is read as JSON. A reply is read to its end, since what
// must not leave has to be marked.
func (m *machine) drain() {
	if m.drained || m.direction != asRequest {
		return
	}
	m.drained = true
	m.acts[0].failed = true
	m.unseen = true
	for i := 1; i < len(m.acts); i++ {
		m.stop(int32(i))
	}
}

// unasked makes the next value of f one of which nobody asks anything.
func (m *machine) unasked(f *frame) {
	m.wants, m.edges = m.wants[:0], m.edges[:f.kids]
	m.only, m.veiled = nil, true
}

// rest ends an act that has failed, and those that it joins, where nobody asks
// for more of what they find.
func (m *machine) rest(i int32) {
	if m.acts[i].dead {
		return
	}
	m.stop(i)
	for k := i + 1; k < int32(len(m.acts)); k++ {
		if x := &m.acts[k]; x.parent >= i && m.acts[x.parent].rests {
			m.stop(k)
		}
	}
}

func (m *machine) stop(i int32) {
	x := &m.acts[i]
	x.dead, x.rests, x.waits, x.late = true, true, false, false
}
