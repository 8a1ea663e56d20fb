package risk

import (
	"net/netip"
	"time"

	"github.com/sallyport/sallyport/internal/lib/ratelimit"
	"github.com/sallyport/sallyport/internal/lib/secret"
)

// Env is what a guard may use at run time. Engines implement it; `check` uses
// an offline one that verifies nothing.
type Env interface {
	// Now is the current time.
	Now() time.Time
	// Verify checks a credential that Sallyport issued. It makes no call over
	// the network and does not block.
	Verify(Credential) (Caller, Verdict)
	// Pseudonym is a keyed hash of text, the same for the same text as long as
	// the gateway keeps its state; it never reveals text.
	Pseudonym(text string) string
	// Limiter counts what callers use. What a guard that only observes counts
	// is kept apart from what is enforced.
	Limiter() Limiter
}

// A Limiter counts exchanges and holds them against limits. Its counters
// outlive Plans; where they are lost, everybody starts anew. It never blocks.
type Limiter interface {
	// Take counts this exchange for user against r.
	Take(user User, r ratelimit.Rate) ratelimit.Standing
	// Hold counts this exchange as under way until it ends, unless most of user
	// are already; then it returns false.
	Hold(user User, most int) bool
}

// A User is whom a Limiter counts for: who, or an address where who is "".
// Scope parts counters; it must be the same text for the same limit in every
// Plan.
type User struct {
	Scope string
	Who   string
	Addr  netip.Addr // of IPv6, the /64 counts
}

// A Credential is something that a caller presents.
type Credential struct {
	API  string // name of the API that it is presented to
	Kind CredentialKind
	Text secret.Text
}

// A CredentialKind is a kind of Credential.
type CredentialKind uint8

// The kinds.
const (
	KeyCredential CredentialKind = iota + 1
)

// A Verdict is the result of a check of a credential. The zero value is no
// verdict, and passes nothing.
type Verdict uint8

// The verdicts. Broken means that the verifier itself failed: the exchange is
// refused with 503.
const (
	Unverified Verdict = iota
	Valid
	Malformed
	UnknownCredential
	Expired
	Revoked
	Broken
)

// A CallerKind says how a caller is known.
type CallerKind uint8

// The kinds. The zero value is the weakest.
const (
	Anonymous         CallerKind = iota
	ProvisionalCaller            // by a credential that only the upstream can check
	KeyCaller                    // by a key of ours
)

// String is the word in events.
func (k CallerKind) String() string {
	switch k {
	case Anonymous:
		return "anonymous"
	case ProvisionalCaller:
		return "provisional"
	case KeyCaller:
		return "key"
	}
	return "anonymous"
}

// A Caller is who calls.
type Caller struct {
	Kind   CallerKind
	ID     string // stable id of the person or client: the subject of events
	KeyID  string // public id of the key, where Kind is KeyCaller
	Hint   string // what may be shown of the key: "sp_live_8f2…"
	Scopes []string
	Tier   string
}

// Has tells whether the caller holds scope.
func (c *Caller) Has(scope string) bool {
	for _, s := range c.Scopes {
		if s == scope {
			return true
		}
	}
	return false
}
