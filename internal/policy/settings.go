package policy

import (
	"time"

	"github.com/sallyport/sallyport/risk"
)

// levels are the members of Settings at each level.
type levels struct{ gateway, api, operation []member[Settings] }

// settings builds the members that stand at more than one level. What cannot
// be honoured at a level is no member there.
func settings(risks []risk.Risk) levels {
	limit := size(1, maxBytes)
	shared := []member[Settings]{
		given("mode", modeShape("mode", Enforce.String(), Observe.String()), func(s *Settings) *Given[Mode] { return &s.Mode },
			"enforce refuses, observe counts what it would refuse. { observe: 14d } observes first and then enforces."),
		given("undeclared", enum(Refuse, Strip), func(s *Settings) *Given[Undeclared] { return &s.Undeclared },
			"What happens to members that a schema neither lists nor speaks of: refuse the message, or strip them."),
		given("max_body", limit, func(s *Settings) *Size { return &s.MaxBody }, "Largest body of a request. Without it: 1MiB."),
		given("max_reply", limit, func(s *Settings) *Size { return &s.MaxReply }, "Largest reply that is read to be checked. Without it: 8MiB."),
		part("risks", risksShape(risks), func(s *Settings) *[]RiskSetting { return &s.Risks }, "Mode and settings of single risks, by id."),
	}
	owned := []member[Settings]{
		given("owner", pattern{form: textForm, want: "who answers for it, such as team@example.com", limit: 200}.shape(), func(s *Settings) *Text { return &s.Owner }, "Who answers for it."),
		given("review", length(day, maxKeep), func(s *Settings) *Duration { return &s.Review }, "How often it must be reviewed."),
		part("timeouts", timeoutsShape("timeouts_api", narrowTimeouts()), func(s *Settings) *Timeouts { return &s.Timeouts }, "How long a step may take."),
	}
	public := given("public", reasonText(), func(s *Settings) *Text { return &s.Public }, "Why this operation needs no credential.")
	everywhere := part("timeouts", timeoutsShape("timeouts", append(narrowTimeouts(), wideTimeouts()...)), func(s *Settings) *Timeouts { return &s.Timeouts }, "How long a step may take.")
	return levels{
		gateway:   join(shared, []member[Settings]{everywhere}),
		api:       join(shared, owned),
		operation: join(shared, owned, []member[Settings]{public}),
	}
}

// join concatenates into a slice of its own.
func join[S ~[]T, T any](lists ...S) S {
	var out S
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

func wait(name string, at func(*Timeouts) *Duration, doc string) member[Timeouts] {
	return given(name, length(time.Millisecond, maxWait), at, doc)
}

// narrowTimeouts hold for one exchange, so that an API can have its own.
func narrowTimeouts() []member[Timeouts] {
	return []member[Timeouts]{
		wait("body", func(t *Timeouts) *Duration { return &t.Body }, "From the head of the request to the end of its body. Without it: 30s."),
		wait("upstream", func(t *Timeouts) *Duration { return &t.Upstream }, "From the end of the request to the head of the reply. Without it: 30s."),
		wait("total", func(t *Timeouts) *Duration { return &t.Total }, "For all that the upstream does, repeated attempts and the body of the reply included. Without it: replies that are checked have 2m, and streams no end."),
	}
}

// wideTimeouts run before the API is known, or for the whole process.
func wideTimeouts() []member[Timeouts] {
	return []member[Timeouts]{
		wait("head", func(t *Timeouts) *Duration { return &t.Head }, "For the head of a request. Without it: 5s."),
		wait("idle", func(t *Timeouts) *Duration { return &t.Idle }, "Between two requests of a connection. Without it: 60s."),
		wait("drain", func(t *Timeouts) *Duration { return &t.Drain }, "For running exchanges when the gateway stops. Without it: 10s."),
	}
}

func timeoutsShape(name string, members []member[Timeouts]) shape[Timeouts] {
	o := record[Timeouts]{name: name, members: members, later: []string{"pool", "dial"}}
	if len(members) == len(narrowTimeouts()) {
		for _, m := range wideTimeouts() {
			o.astray = append(o.astray, strays("the gateway, at the top of the file: it is over before the API is known", m.name)...)
		}
	}
	return o.shape()
}
