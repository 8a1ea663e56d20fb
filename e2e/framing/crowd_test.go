package framing

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestManyClientsAtOnceGetTheirOwnAnswers lets clients send, leave and break off
// side by side, before back ends that take their time: connections to them are
// shared, and whoever comes next must not get what was meant for who left.
func TestManyClientsAtOnceGetTheirOwnAnswers(t *testing.T) {
	if testing.Short() {
		t.Skip("not a short test: it sends a thousand cases")
	}
	t.Parallel()
	list := probes()
	list = slices.DeleteFunc(list, func(p probe) bool { return p.class != "pipelines" && p.class != "cut short" && !p.lawful })
	list = slices.Concat(choose(700, list, func(p *probe) string { return p.name + "crowd" }), slices.Repeat(leavingProbes(), 12))
	slices.SortStableFunc(list, func(a, b probe) int { return int(hash(a.name+"x")>>1) - int(hash(b.name+"x")>>1) })
	for _, b := range backEnds()[:2] {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			e := newTee(t, b.start(t), 4*time.Millisecond)
			r := newRun(t, b.name, e)
			r.crowd(list)
			r.end()
		})
	}
}

// clients is how many there are at once.
const clients = 12

// crowd sends cases side by side, and judges them then.
func (r *run) crowd(list []probe) {
	outs, errs := make([]outcome, len(list)), make([]error, clients)
	var work sync.WaitGroup
	for c := range clients {
		work.Go(func() {
			y := &canary{d: r.d}
			defer y.close()
			for i := c; i < len(list); i += clients {
				p, id := &list[i], i+1
				_, _, err := requests([]byte(p.text(id)), true)
				if outs[i], err = r.d.send(p, id, errors.Is(err, errCut), func() {}); err != nil {
					errs[c] = err
					return
				}
				path := fmt.Sprintf("/echo/%06dy", id)
				m, err := y.ask(path)
				if err != nil || m.status != 200 || !strings.Contains(m.get("x-saw"), " GET "+path+" 0 ") {
					errs[c] = fmt.Errorf("behind %s: %s a canary gets another answer: %w %+v", p.class, p.name, err, m)
					return
				}
			}
		})
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		r.t.Error(err)
	}
	for i := range list {
		r.j.replies(&list[i], i+1, &outs[i])
	}
}
