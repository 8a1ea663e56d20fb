// Package demo is a deliberately weak API: customers, accounts, orders and
// their administration, over SQLite in memory, with the OpenAPI document that
// its team would publish.
//
// Every weakness has a sound twin in the same code (Options.Sound), so that a
// guard can be shown to stop what the weak API allows and to let pass what
// both allow. Traffic is the lawful use of it, Attacks the unlawful.
//
// The weaknesses are real, the harm is bounded: the data lives in memory and
// is invented, bodies, rows, replies, streams and query times are capped, and
// SQL injection reaches neither files nor other processes. It listens nowhere
// by itself and calls nobody.
package demo

import (
	"context"
	"crypto/rand"
	"database/sql"
	_ "embed"
	"fmt"
	"net/http"
	"time"
)

// Document is the OpenAPI 3.0.3 document of the API, in YAML. It declares no
// security. Callers must not change it.
//
//go:embed openapi.yaml
var Document []byte

// The caps that keep the demo harmless, whatever is sent to it.
const (
	maxBody    = 1 << 20         // bytes of a request body
	maxRows    = 2000            // rows in a table, and in a reply
	maxBusy    = 64              // requests answered at the same time
	maxValue   = 64 << 10        // bytes of a value in the database
	maxStream  = 10              // seconds that an event stream may last
	maxSearch  = 200             // bytes of a text that is put into SQL
	maxElapsed = 2 * time.Second // of all the queries of one request
)

// Options says which twin of the API to serve.
type Options struct {
	// Sound serves the sound twin: it wants a key (see Caller.Key), checks
	// input, shows each caller their own objects, and says little.
	Sound bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// API is one running copy with its own data. It must be closed.
type API struct {
	db     *sql.DB
	sound  bool
	now    func() time.Time
	secret []byte        // signs session tokens of the sound twin
	busy   chan struct{} // a place for each request under way
	next   http.Handler
	meter  meter
}

// New starts a copy of the API with fresh data: customers 1 (alice, a user),
// 2 (bob, a user), 3 (carol, an admin) and 4 (dave, a user).
func New(o Options) (*API, error) {
	db, err := openStore(context.Background())
	if err != nil {
		return nil, err
	}
	a := &API{db: db, sound: o.Sound, now: o.Now, secret: make([]byte, 32), busy: make(chan struct{}, maxBusy)}
	if a.now == nil {
		a.now = time.Now
	}
	if _, err := rand.Read(a.secret); err != nil {
		db.Close()
		return nil, fmt.Errorf("make a session secret: %w", err)
	}
	a.next = a.routes()
	return a, nil
}

// Handler is New for a process that keeps the API until it ends. It panics
// where an SQLite database cannot be made in memory.
func Handler(o Options) http.Handler {
	a, err := New(o)
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err))
	}
	return a
}

// Close drops the data. Requests under way fail.
func (a *API) Close() error { return a.db.Close() }

// ServeHTTP answers one request, within the caps of the package.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case a.busy <- struct{}{}:
		defer func() { <-a.busy }()
	default:
		http.Error(w, "the demo is busy", http.StatusServiceUnavailable)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	defer a.recoverPanic(w, r)
	a.setHeaders(w, r)
	if a.preflight(w, r) || a.metered(w, r) {
		return
	}
	if r = a.settle(w, r); r != nil {
		a.next.ServeHTTP(w, r)
	}
}
