package match

// inline is how many parameters a Match holds without allocating.
const inline = 16

// Match is what Find found. It is meant to be reused from call to call, by one
// goroutine at a time; it refers to the path given last.
type Match struct {
	// Value and Template are the route's, set with Yes.
	Value    int
	Template string
	// Allowed are the methods of the path item, sorted, set with Yes and
	// NoMethod. It belongs to the router: read only.
	Allowed []string

	path  string
	names []string
	n     int
	spans [inline]Span
	spill []Span
}

// Len is the number of parameters.
func (m *Match) Len() int { return m.n }

// Name is the i-th parameter's name, as its template writes it.
func (m *Match) Name(i int) string { return m.names[i] }

// Span is the i-th parameter's place in the path.
func (m *Match) Span(i int) Span {
	if i < inline {
		return m.spans[i]
	}
	return m.spill[i-inline]
}

// Text is the i-th parameter's decoded text.
func (m *Match) Text(i int) string {
	s := m.Span(i)
	return m.path[s.Start:s.End]
}

// Param is the decoded text of the parameter of this name.
func (m *Match) Param(name string) (string, bool) {
	for i := range m.n {
		if m.names[i] == name {
			return m.Text(i), true
		}
	}
	return "", false
}

func (m *Match) reset(path string) {
	m.Value, m.Template, m.Allowed, m.path, m.names, m.n = 0, "", nil, path, nil, 0
}

func (m *Match) push(start, stop int) {
	s := Span{uint32(start), uint32(stop)} //nolint:gosec // Find bounds paths to 31 bits
	if m.n < inline {
		m.spans[m.n] = s
	} else {
		m.spill = append(m.spill[:m.n-inline], s)
	}
	m.n++
}
