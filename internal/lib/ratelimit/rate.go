// Package ratelimit counts requests against rates in a table of fixed size,
// and requests under way. It knows neither callers nor clocks: keys are hashes
// that its user makes, and the time is an argument.
package ratelimit

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// A Rate allows one request in each Every on average, and Burst of them at
// once. Its zero value allows nothing.
type Rate struct {
	Every time.Duration
	Burst int
}

// longest bounds the time in which a burst is earned again, so that no sum
// overflows.
const longest = 31 * 24 * time.Hour

// errRate is what Parse says of a text that it cannot read.
var errRate = errors.New(`write a rate such as "100/s burst 200", with s, m or h`)

// Parse reads "100/s burst 200", "10/m" or "5/h". Without a burst, as many may
// come at once as the rate counts. A burst that takes more than 31 days to be
// earned again is an error.
func Parse(text string) (Rate, error) {
	words := strings.Fields(text)
	if len(words) != 1 && (len(words) != 3 || words[1] != "burst") {
		return Rate{}, errRate
	}
	count, unit, _ := strings.Cut(words[0], "/")
	n, err := strconv.Atoi(count)
	span := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}[unit]
	if err != nil || n < 1 || span == 0 || time.Duration(n) > span {
		return Rate{}, errRate
	}
	r := Rate{Every: span / time.Duration(n), Burst: n}
	if len(words) == 3 {
		if r.Burst, err = strconv.Atoi(words[2]); err != nil || r.Burst < 1 {
			return Rate{}, errRate
		}
	}
	if int64(r.Burst) > int64(longest/r.Every) {
		return Rate{}, errors.New("the burst of a rate must be earned again within 31 days")
	}
	return r, nil
}

// Window is the time in which a whole burst is earned again.
func (r Rate) Window() time.Duration { return time.Duration(r.Burst) * r.Every }

// A Standing is what became of one request.
type Standing struct {
	OK    bool
	Left  int           // requests that may come at once from now
	Reset time.Duration // until a whole burst may come again
	Retry time.Duration // of a refusal: until the next request may come
}

// take is the generic cell rate algorithm (ITU-T I.371), as virtual
// scheduling: tat is when the next request is due at the steady rate, in
// nanoseconds of now's clock. It returns the new one. A tat farther in the
// future than this rate can bring about is from a clock that was set back, or
// from another rate, and counts as the farthest.
func (r Rate) take(tat, now int64) (int64, Standing) {
	if r.Every <= 0 || r.Burst <= 0 {
		return tat, Standing{Retry: longest}
	}
	every, window := int64(r.Every), int64(r.Window())
	tat = min(max(tat, now), now+window)
	next := tat + every
	if next > now+window {
		return tat, Standing{Reset: time.Duration(tat - now), Retry: time.Duration(next - now - window)}
	}
	return next, Standing{OK: true, Left: int((now + window - next) / every), Reset: time.Duration(next - now)}
}
