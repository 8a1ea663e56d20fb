package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/app"
	"github.com/sallyport/sallyport/internal/ledger"
	"github.com/sallyport/sallyport/internal/lib/clock"
)

func TestMain(m *testing.M) {
	all := programs()
	all["sallyport"] = main
	testscript.Main(leakFree{m}, all)
}

// leakFree runs all tests and then looks for goroutines that are left:
// testscript ends the process itself.
type leakFree struct{ m *testing.M }

func (l leakFree) Run() int {
	code := l.m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScripts runs testdata/script/*.txt: transcripts that a user could type.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOME", e.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": exitCode, "freeport": freePort, "await": await},
	})
}

// exitCode runs a program and wants an exit code: code 2 sallyport key lis.
func exitCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = fmt.Sprint(err)
	}
	if want := args[0]; got != want && got != "exit status "+want {
		ts.Fatalf("exit code %s, want %s", got, want)
	}
}

// writeLog writes the audit log that the scripts read: what a gateway writes
// in a short life.
func writeLog(state string) error {
	at := time.Date(2026, 11, 22, 10, 31, 7, 0, time.UTC)
	l, err := ledger.Open(ledger.Options{Dir: app.LogPath(state), Clock: clock.Fixed(at), Rand: rand.Reader})
	if err != nil {
		return err
	}
	for i, e := range events(at) {
		e.ID[15] = byte(i + 1)
		switch e.Kind {
		case event.Intent:
			err = l.Intent(e)
		case event.Exchange:
			err = l.Seal(e)
		default:
			err = l.Record(e)
		}
		if err != nil {
			return err
		}
	}
	return l.Close(context.Background())
}

// reopen starts and stops a ledger, as the next run of a gateway does.
func reopen(state string) error {
	l, err := ledger.Open(ledger.Options{Dir: app.LogPath(state), Clock: clock.System{}, Rand: rand.Reader})
	if err != nil {
		return err
	}
	return l.Close(context.Background())
}

// events are a start, an allowed read, a denial of each sort, and a write
// whose outcome was never recorded.
func events(at time.Time) []*event.Event {
	base := event.ID{0x01, 0xa2, 0x02, 0xcf, 0x41, 0xf8} // the time of at
	key := event.Caller{Kind: event.ByKey, KeyID: "k_4fT0a9ZkQ1", Tier: "free"}
	alice := event.Personal{Subject: "alice", Address: "192.0.2.7", Path: "/orders/42", UserAgent: "curl/8\x1b[31m"}
	tls := event.TLS{Version: "TLS1.3", Suite: "TLS_AES_128_GCM_SHA256"}
	return []*event.Event{
		{Kind: event.Start, ID: base, Time: at, Node: "gw-1"},
		{Kind: event.Exchange, ID: base, Time: at, Node: "gw-1", Plan: "7c1e", API: "orders", Operation: "GET /orders/{}", Method: "GET", Template: "/orders/{id}",
			TLS: tls, Caller: key, Personal: alice, Decision: event.Allow, Status: 200, Passed: []string{"transport", "authn"},
			Would: []event.Would{{Risk: "reply", Code: "reply/undeclared", At: "orders.yaml:88:9"}}, Edits: []event.Edit{{Kind: "reply/cut", Pointer: "/margin"}},
			Upstream: event.Upstream{Called: true, Address: "127.0.0.1:8080", Status: 200, Micros: 1200}, Micros: 1800},
		{Kind: event.Exchange, ID: base, Time: at.Add(time.Second), Node: "gw-1", Plan: "7c1e", API: "orders", Operation: "GET /orders/{}", Method: "GET", Template: "/orders/{id}",
			TLS: tls, Personal: event.Personal{Address: "192.0.2.9", Path: "/orders/43"}, Decision: event.Deny, Risk: "authn", Code: "authn/missing", Status: 401,
			At: "orders.yaml:12:3", Reason: "no credential", Passed: []string{"transport"}, Micros: 210},
		{Kind: event.Exchange, ID: base, Time: at.Add(2 * time.Second), Node: "gw-1", Plan: "7c1e", API: "orders", Operation: "POST /orders", Method: "POST", Template: "/orders",
			TLS: tls, Caller: key, Personal: alice, Decision: event.Deny, Risk: "request", Code: "request/body", Status: 422, At: "orders.yaml:60:11", Reason: "the body breaks the contract",
			Passed: []string{"transport", "authn"}, Violations: []event.Violation{{In: "body", Pointer: "/items/0/price", Keyword: "minimum", Line: "orders.yaml:60:11"}}, Micros: 450},
		{Kind: event.Intent, ID: base, Time: at.Add(3 * time.Second), Node: "gw-1", Plan: "7c1e", API: "orders", Operation: "DELETE /orders/{}", Method: "DELETE", Template: "/orders/{id}",
			TLS: tls, Caller: key, Personal: alice},
	}
}
