package gateway

import (
	"time"

	"github.com/sallyport/sallyport/internal/lib/ratelimit"
	"github.com/sallyport/sallyport/risk"
)

// env lends the gateway's engines to the guards of one exchange.
type env struct {
	e        *exchange
	observes bool     // the guard that runs only observes
	again    bool     // a stream is looked at again, which counts no second time
	held     []uint64 // what this exchange holds as under way
}

// Now is the time at which the exchange began.
func (v *env) Now() time.Time { return v.e.now }

// Verify asks the keyring.
func (v *env) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	return v.e.g.conf.Verifier.Verify(c)
}

// Pseudonym is a keyed hash of text.
func (v *env) Pseudonym(text string) string { return v.e.g.conf.Pseudonym(text) }

// Limiter counts for the guard that runs.
func (v *env) Limiter() risk.Limiter { return v }

// Take counts the exchange against a rate, at the time at which it began.
func (v *env) Take(u risk.User, r ratelimit.Rate) ratelimit.Standing {
	if v.again {
		return ratelimit.Standing{OK: true, Left: r.Burst}
	}
	return v.e.g.conf.Limits.Take(v.key(u), r, v.e.now)
}

// Hold counts the exchange as under way until release.
func (v *env) Hold(u risk.User, most int) bool {
	if v.again {
		return true
	}
	key := v.key(u)
	if !v.e.g.conf.Limits.Hold(key, most) {
		return false
	}
	v.held = append(v.held, key)
	return true
}

// shadow parts the counters of guards that only observe, so that nobody is
// refused on the day of enforcement for what was counted before.
const shadow = 0x9e3779b97f4a7c15

func (v *env) key(u risk.User) uint64 {
	key := uint64(0)
	if u.Who != "" {
		key = v.e.g.conf.Limits.Key(u.Scope, u.Who)
	} else {
		key = v.e.g.conf.Limits.AddrKey(u.Scope, u.Addr)
	}
	if v.observes {
		key ^= shadow
	}
	return key
}

// release ends what the exchange held as under way.
func (v *env) release() {
	for _, key := range v.held {
		v.e.g.conf.Limits.Release(key)
	}
	v.held = v.held[:0]
}
