package demo

import (
	"fmt"
	"net/http"
	"sync"
	"time"
)

// What the sound twin takes from one caller.
const (
	maxPerSecond = 1000
	maxCallers   = 1000 // counted in one second; the others share a counter
)

// A meter counts requests by caller, second by second.
type meter struct {
	mu     sync.Mutex
	second int64
	counts map[string]int
}

// left counts one request of caller and returns how many more may come in this
// second; below 0 it is one too many.
func (m *meter) left(caller string, now time.Time) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := now.Unix(); s != m.second || m.counts == nil {
		m.second, m.counts = s, map[string]int{}
	}
	if len(m.counts) >= maxCallers {
		caller = ""
	}
	m.counts[caller]++
	return maxPerSecond - m.counts[caller]
}

// metered answers for a caller of the sound twin who has had enough, and tells
// the others what is left. The weak twin never has enough. It tells whether it
// answered.
func (a *API) metered(w http.ResponseWriter, r *http.Request) bool {
	if !a.sound {
		return false
	}
	left := a.meter.left(r.Header.Get("X-API-Key"), a.now())
	w.Header().Set("RateLimit-Policy", fmt.Sprintf(`"caller";q=%d;w=1`, maxPerSecond))
	w.Header().Set("RateLimit", fmt.Sprintf(`"caller";r=%d;t=1`, max(left, 0)))
	if left >= 0 {
		return false
	}
	w.Header().Set("Retry-After", "1")
	a.refuse(w, http.StatusTooManyRequests, "too_many_requests", "come again in a second")
	return true
}
