// Package taxon holds the clauses that a risk can answer: paragraphs of
// standards, each with a title in our own words and a link. A clause is a
// constant, so that an unknown one does not compile.
package taxon

// A Standard is a document that clauses come from.
type Standard uint8

// The standards.
const (
	OWASP2023 Standard = iota + 1
	OWASP2019
	CWE
	NIST800228
	ASVS5
	PCIDSS4
	RFC
)

// String is the name that reports print.
func (s Standard) String() string {
	switch s {
	case OWASP2023:
		return "OWASP API Security Top 10 2023"
	case OWASP2019:
		return "OWASP API Security Top 10 2019"
	case CWE:
		return "CWE"
	case NIST800228:
		return "NIST SP 800-228"
	case ASVS5:
		return "OWASP ASVS 5.0"
	case PCIDSS4:
		return "PCI DSS 4.0.1"
	case RFC:
		return "RFC"
	}
	return "unknown standard"
}

// A Clause is one paragraph of one standard.
type Clause uint16

// An Entry says what a Clause is.
type Entry struct {
	Standard Standard
	ID       string // as the standard writes it, "API1:2023"
	Title    string // in our words
	Link     string
}

// Entry returns what c is. It is the zero Entry for a number that is no
// clause.
func (c Clause) Entry() Entry {
	if int(c) >= len(table()) {
		return Entry{}
	}
	return table()[c]
}

// String is the clause's standard identifier, such as "API1:2023" or "CWE-639".
func (c Clause) String() string { return c.Entry().ID }

// All lists every clause in the order of declaration.
func All() []Clause {
	out := make([]Clause, 0, end-1)
	for c := Clause(1); c < end; c++ {
		out = append(out, c)
	}
	return out
}
