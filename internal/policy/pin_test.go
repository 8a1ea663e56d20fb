package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/source"
)

const dated = `version: 1
mode: { observe: 2026-12-01 }
risks: { cors: { mode: { observe: 2d } } }
apis:
  orders:
    upstream: http://a
    openapi: b
    mode: { observe: 14d }
    operations: { createOrder: { mode: { observe: 36h } }, getOrder: { mode: observe } }
`

func TestAnObservationEndsWhereItsFirstApplyPutIt(t *testing.T) {
	t.Parallel()
	p, err := parse(dated)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 5, time.UTC)
	day := 24 * time.Hour
	first, pins := Pin(p, nil, now)
	start := now.Truncate(time.Second)
	want := map[string]time.Time{
		"risks.cors.mode=2d":                          start.Add(2 * day),
		"apis.orders.mode=14d":                        start.Add(14 * day),
		"apis.orders.operations.createOrder.mode=36h": start.Add(36 * time.Hour),
	}
	if d := cmp.Diff(want, pins); d != "" {
		t.Errorf("pins: (-want +got)\n%s", d)
	}
	later, again := Pin(p, pins, now.Add(10*day))
	if d := cmp.Diff(pins, again); d != "" {
		t.Errorf("a second apply moved an end: %s", d)
	}
	m := later.API("orders").Mode.Value
	if m.Now(now.Add(13*day)) != Observe || m.Now(now.Add(14*day)) != Enforce {
		t.Errorf("14d ends at %s", m.Until)
	}
	if g := first.Mode.Value; g.Now(time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)) != Observe || g.Now(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) != Enforce {
		t.Errorf("the day ends at %s", g.Until)
	}
	if open := first.API("orders").Operations[1].Mode.Value; open.Now(now.Add(1000*day)) != Observe {
		t.Error("observe without an end ended")
	}
	if m := p.API("orders").Mode.Value; !m.Until.IsZero() || m.Now(now) != Enforce {
		t.Error("the policy given was changed, or an end that nobody fixed observes")
	}
}

func TestAnotherLengthIsAnotherDecision(t *testing.T) {
	t.Parallel()
	at := func(mode string) *Policy {
		p, err := parse("version: 1\nmode: " + mode + "\n")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, pins := Pin(at("{observe: 14d}"), nil, now)
	longer, pins := Pin(at("{observe: 30d}"), pins, now.Add(24*time.Hour))
	if want := now.Add(31 * 24 * time.Hour); !longer.Mode.Value.Until.Equal(want) || len(pins) != 1 {
		t.Errorf("30d ends %s, want %s; pins %v", longer.Mode.Value.Until, want, pins)
	}
	if _, pins = Pin(at("enforce"), pins, now); len(pins) != 0 {
		t.Errorf("the pin of a mode that is gone stays: %v", pins)
	}
}

func TestPinsOfTheDocumentAreKeptToo(t *testing.T) {
	t.Parallel()
	p, err := parse(layered)
	if err != nil {
		t.Fatal(err)
	}
	c := orders()
	observe := says("mode", "", 9)
	observe.Value.Kind = source.Object
	observe.Value.Members = append(observe.Value.Members, says("observe", "3d", 9))
	c.Operations[2].Extensions = append(c.Operations[2].Extensions, observe)
	p, l := p.WithContract("orders", c, fakes())
	if l.Err() != nil {
		t.Fatal(l)
	}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p, pins := Pin(p, nil, now)
	if _, ok := pins["apis.orders.document.operations.GET /orders.mode=3d"]; !ok || len(pins) != 2 {
		t.Errorf("pins are %v", pins)
	}
	site := p.Resolve(p.API("orders"), c, fakes()).Operations[2]
	if want := now.Add(72 * time.Hour); !site.Mode.Value.Until.Equal(want) || site.Mode.At.File != "orders.yaml" {
		t.Errorf("the end is %s from %s", site.Mode.Value.Until, site.Mode.At)
	}
}
