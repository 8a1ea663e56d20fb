package event

// Bounds of one Event. Text is cut at a character boundary at or before the
// bound; lists keep their first entries.
const (
	MaxObjects    = 8
	MaxPassed     = 64
	MaxWould      = 16
	MaxViolations = 8
	MaxEdits      = 16
	MaxFlags      = 16

	MaxWord = 64   // bytes of an id, a code or a name from a closed set
	MaxName = 256  // bytes of a parameter name, an address, a subject, a place
	MaxText = 512  // bytes of a reason, a pointer, a template, a user agent
	MaxPath = 2048 // bytes of a path
)

// MaxBytes is the most that the canonical form of one Event takes. A test
// fills every field with the text that escapes worst and stays below it.
const MaxBytes = 256 << 10

// A Cut is the set of fields that were longer than their bound.
type Cut uint32

// The members of a Cut.
const (
	CutHead       Cut = 1 << iota // one of node to trace, or a word of the caller
	CutSubject                    //
	CutAddress                    //
	CutPath                       //
	CutUserAgent                  //
	CutObjects                    //
	CutDecision                   // risk, code, at or target
	CutReason                     //
	CutPassed                     //
	CutWould                      //
	CutViolations                 //
	CutEdits                      //
	CutUpstream                   //
	CutFlags                      //
	endCut
)

// String is the name that the canonical form has for one member of the set.
func (c Cut) String() string {
	switch c {
	case CutHead:
		return "head"
	case CutSubject:
		return "subject"
	case CutAddress:
		return "address"
	case CutPath:
		return "path"
	case CutUserAgent:
		return "agent"
	case CutObjects:
		return "objects"
	case CutDecision:
		return "decision"
	case CutReason:
		return "reason"
	case CutPassed:
		return "passed"
	case CutWould:
		return "would"
	case CutViolations:
		return "violations"
	case CutEdits:
		return "edits"
	case CutUpstream:
		return "upstream"
	case CutFlags:
		return "flags"
	case endCut:
	}
	return ""
}
