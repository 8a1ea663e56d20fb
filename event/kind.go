package event

// A Kind says what an Event records. The set is closed: Parse refuses others.
type Kind uint8

// The kinds. The zero Kind is not valid and is refused by Parse.
const (
	_             Kind = iota
	Intent             // an unsafe request is about to go upstream
	Exchange           // a request and its reply, complete
	Missing            // events that were not recorded, or an intent whose outcome is unknown
	StreamOpen         // a long stream began
	StreamMark         // and goes on
	StreamClose        // and ended
	KeyCreated         // Target is the public part of the key
	KeyRevoked         //
	PolicyApplied      // Target is the hash id of the Plan
	PolicyRefused      // Reason is the first diagnostic
	SubjectErased      // Target is the pseudonym that the subject had
	Repaired           // the ledger cut a torn tail at start
	Start              // the process began
	Stop               // and ended in good order
	endKind
)

// String is the name that the canonical form has.
func (k Kind) String() string {
	switch k {
	case Intent:
		return "intent"
	case Exchange:
		return "exchange"
	case Missing:
		return "gap"
	case StreamOpen:
		return "stream-open"
	case StreamMark:
		return "stream-mark"
	case StreamClose:
		return "stream-close"
	case KeyCreated:
		return "key-created"
	case KeyRevoked:
		return "key-revoked"
	case PolicyApplied:
		return "policy-applied"
	case PolicyRefused:
		return "policy-refused"
	case SubjectErased:
		return "subject-erased"
	case Repaired:
		return "repaired"
	case Start:
		return "start"
	case Stop:
		return "stop"
	case endKind:
	}
	return ""
}

// Valid tells whether k is one of the kinds.
func (k Kind) Valid() bool { return k > 0 && k < endKind }

// ParseKind finds the Kind with a name.
func ParseKind(name string) (Kind, bool) {
	for k := Kind(1); k < endKind; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}

// A Decision says how an exchange ended.
type Decision uint8

// The decisions. The zero Decision means that none was made yet, as in an
// intent.
const (
	Undecided Decision = iota
	Allow              // it went upstream and came back
	Deny               // a guard refused it
	Answer             // a guard answered it, as with a preflight
	Failed             // something of ours or upstream broke
	Shed               // refused for want of room
	endDecision
)

// String is the name that the canonical form has; Undecided has none.
func (d Decision) String() string {
	switch d {
	case Allow:
		return "allow"
	case Deny:
		return "deny"
	case Answer:
		return "answer"
	case Failed:
		return "error"
	case Shed:
		return "shed"
	case Undecided, endDecision:
	}
	return ""
}

// ParseDecision finds the Decision with a name.
func ParseDecision(name string) (Decision, bool) {
	for d := Undecided + 1; d < endDecision; d++ {
		if d.String() == name {
			return d, true
		}
	}
	return 0, false
}

// A CallerKind says what is known of a caller.
type CallerKind uint8

// The kinds of caller. The zero value knows nothing.
const (
	Anonymous   CallerKind = iota
	ByKey                  // a key that Sallyport issued
	Provisional            // a credential that Sallyport passes on unverified
	ByUser                 // a person or client that a token names
	endCallerKind
)

// String is the name that the canonical form has.
func (k CallerKind) String() string {
	switch k {
	case Anonymous:
		return "anonymous"
	case ByKey:
		return "key"
	case Provisional:
		return "provisional"
	case ByUser:
		return "user"
	case endCallerKind:
	}
	return "anonymous"
}

// ParseCallerKind finds the CallerKind with a name.
func ParseCallerKind(name string) (CallerKind, bool) {
	for k := Anonymous; k < endCallerKind; k++ {
		if k.String() == name {
			return k, true
		}
	}
	return 0, false
}
