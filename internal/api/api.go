// Package api is the admin plane of one gateway: health that names the guards
// that are active, and metrics. It listens on loopback unless the policy names
// another address, never shares a listener with the data plane, and answers
// only on names of its own, so that a web page cannot reach it by DNS
// rebinding.
package api

import (
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// Health is what the gateway says of itself. Its JSON names are public.
type Health struct {
	Status  string    `json:"status"` // "ok", "degraded" or "stopping"
	Version string    `json:"version"`
	Node    string    `json:"node"`
	Plan    string    `json:"plan"`
	Since   time.Time `json:"since"`
	Mode    string    `json:"mode"` // "enforce", or "observe" where anything is only observed
	APIs    []API     `json:"apis"`
	Faults  []string  `json:"faults,omitempty"` // what makes it degraded
	Streams int       `json:"streams"`
	Keys    int       `json:"keys"`
	Certs   []Cert    `json:"certificates,omitempty"`
}

// API is the state of one guarded API.
type API struct {
	Name       string  `json:"name"`
	Title      string  `json:"title,omitempty"`
	Operations int     `json:"operations"`
	Open       int     `json:"open"` // operations that need no credential
	Guards     []Guard `json:"guards"`
	// Upstreams are the addresses behind the API, in the order of the policy.
	Upstreams []Upstream `json:"upstreams"`
}

// Upstream is the state of one address behind an API. That of an API does not
// make the gateway degraded: it answers for it, with 502 to 504.
type Upstream struct {
	Address string `json:"address"`
	State   string `json:"state"`   // "up", "down" by its checks, or "open", "half-open" and, for some operations, "open-in-part" by its breakers
	Idle    int    `json:"idle"`    // connections
	Pending int64  `json:"pending"` // requests
	Shut    int    `json:"shut"`    // operations that are not asked of it for now, while others are
	Opens   int64  `json:"opens"`   // how often its breakers opened since the start
}

// Guard is the state of one risk's guards over the operations of an API.
type Guard struct {
	Risk    string     `json:"risk"`
	Enforce int        `json:"enforce"`         // operations where it is enforced
	Observe int        `json:"observe"`         // operations where it only counts
	Off     int        `json:"off"`             // operations where the policy switched it off
	Until   *time.Time `json:"until,omitempty"` // the earliest end of an observation
}

// Cert is the end of one certificate.
type Cert struct {
	Name string    `json:"name"`
	Ends time.Time `json:"ends"`
}

// Config is what the admin plane shows.
type Config struct {
	Health  func() Health
	Ready   func() bool // whether traffic should be sent here
	Metrics http.Handler
	Names   []string // hosts that it answers on beside loopback names
}

// Handler serves the admin plane:
//
//	GET /livez     200 while the process lives
//	GET /readyz    200 when traffic may come, else 503
//	GET /healthz   Health as JSON; 200, or 503 when degraded
//	GET /metrics   Prometheus text
func Handler(c Config) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if !known(r.Host, c.Names) {
			http.Error(w, "this host is not served here", http.StatusMisdirectedRequest)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		c.serve(w, r)
	})
}

func (c Config) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/livez":
		text(w, http.StatusOK, "ok")
	case "/readyz":
		if c.Ready() {
			text(w, http.StatusOK, "ready")
			return
		}
		text(w, http.StatusServiceUnavailable, "not ready")
	case "/healthz":
		state := c.Health()
		status := http.StatusOK
		if state.Status != "ok" {
			status = http.StatusServiceUnavailable
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		_ = enc.Encode(state) //nolint:errcheck // the client left
	case "/metrics":
		c.Metrics.ServeHTTP(w, r)
	default:
		text(w, http.StatusNotFound, "not found")
	}
}

func text(w http.ResponseWriter, status int, s string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(s + "\n")) //nolint:errcheck // the client left
}

// known tells whether host is an address, a loopback name or one of names.
func known(host string, names []string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" {
		return true
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for _, n := range names {
		if strings.ToLower(n) == host {
			return true
		}
	}
	return false
}
