package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/event"
)

func TestActsOfAdministrationAreReadable(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 31, 7, 0, time.UTC)
	id := event.ID{1}.String()
	for _, c := range []struct {
		e    event.Event
		want string
	}{
		{event.Event{Kind: event.KeyCreated, Target: "k_4fT0a9ZkQ1", Reason: "valid until 2027-02-20T10:31:07Z"},
			"KEY CREATED     key k_4fT0a9ZkQ1  valid until 2027-02-20T10:31:07Z"},
		{event.Event{Kind: event.KeyRevoked, Target: "k_4fT0a9ZkQ1", Reason: "withdrawn"}, "KEY REVOKED     key k_4fT0a9ZkQ1  withdrawn"},
		{event.Event{Kind: event.PolicyApplied, Target: "7c1e"}, "POLICY APPLIED  plan 7c1e"},
		{event.Event{Kind: event.PolicyRefused, Reason: "a.yaml:1:2: error\nx"}, "POLICY REFUSED  -  a.yaml:1:2: error\\nx"},
		{event.Event{Kind: event.Start, Target: "0.1\x1b[31m"}, "START           sallyport 0.1\\x1b[31m"},
		{event.Event{Kind: event.Stop}, "STOP            -"},
	} {
		c.e.Time, c.e.ID = at, event.ID{1}
		if diff := cmp.Diff("2026-11-22 10:31:07Z  "+c.want+"  "+id, oneLine(&console{}, &c.e)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.e.Kind, diff)
		}
		story := explanation(&console{}, []*event.Event{&c.e})
		if !strings.HasPrefix(story, strings.TrimRight(c.want[:14], " ")+"   ") || strings.ContainsRune(story, '\x1b') {
			t.Errorf("%v is explained as\n%s", c.e.Kind, story)
		}
	}
}
