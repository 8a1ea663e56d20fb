package framing

import (
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

// TestNothingMalformedIsForwardedAndNobodyLosesCount sends every case through
// the gateway to each back end and judges the bytes that went between them.
func TestNothingMalformedIsForwardedAndNobodyLosesCount(t *testing.T) {
	if testing.Short() {
		t.Skip("not a short test: it sends thousands of cases to five back ends")
	}
	t.Parallel()
	list := chosen(probes(), func(p *probe) string { return p.class + ": " + p.name })
	two := chosen(streams(), func(s *stream) string { return "HTTP/2: " + s.class + ": " + s.name })
	if n := len(list) + len(two); n < leastCases && os.Getenv("FRAMING_CASE") == "" {
		t.Errorf("only %d cases", n)
	}
	for n, b := range backEnds() {
		t.Run(b.name, func(t *testing.T) {
			t.Parallel()
			e := newTee(t, b.start(t), 0)
			r := newRun(t, b.name, e)
			r.one(list, func(name string) bool { return meets(name, n) })
			r.two(two, func(name string) bool { return meets(name, n) })
			r.end()
		})
	}
}

// leastCases is how many cases there have to be.
const leastCases = 5000

// chosen keeps what FRAMING_CASE, a regular expression, chooses.
func chosen[T any](list []T, name func(*T) string) []T {
	only := os.Getenv("FRAMING_CASE")
	if only == "" {
		return list
	}
	re := regexp.MustCompile(only)
	return slices.DeleteFunc(list, func(x T) bool { return !re.MatchString(name(&x)) })
}

// meets tells whether a case is sent to the back end n. By default each case
// meets two of the five; FRAMING=all sends each to all of them.
func meets(name string, n int) bool {
	return os.Getenv("FRAMING") == "all" || os.Getenv("FRAMING_CASE") != "" || (int(hash(name)%5)+n)%5 < 2
}

// A run sends cases through one gateway to one back end.
type run struct {
	t    *testing.T
	name string
	e    *tee
	g    *gate
	d    *dialer
	y    *canary
	j    *judge
}

func newRun(t *testing.T, name string, e *tee) *run {
	t.Helper()
	g := newGate(t, e.address)
	d := &dialer{g: g, sessions: tls.NewLRUClientSessionCache(4)}
	return &run{t: t, name: name, e: e, g: g, d: d, y: &canary{d: d}, j: newJudge()}
}

// canary asks on the connection that was pooled last, or on a fresh one where
// that was dropped, and wants its own answer.
func (r *run) canary(id int, letter, after string) {
	path := fmt.Sprintf("/echo/%06d%s", id, letter)
	m, err := r.y.ask(path)
	if err != nil || m.status != 200 || !strings.Contains(m.get("x-saw"), " GET "+path+" 0 ") {
		r.j.blame("behind %s a canary gets another answer: %v %+v", after, err, m)
		r.y.close()
		r.y.c = nil
	}
}

// one sends cases of HTTP/1.1.
func (r *run) one(list []probe, meets func(string) bool) {
	begin := time.Now()
	for i := range list {
		p, id := &list[i], i+1
		if !meets(p.name) {
			continue
		}
		_, _, err := requests([]byte(p.text(id)), true)
		pauses := 0
		out, oops := r.d.send(p, id, errors.Is(err, errCut), func() {
			if pauses++; pauses == 1 {
				r.canary(id, "p", "a half of "+p.class+": "+p.name)
			}
		})
		if oops != nil {
			r.t.Fatalf("%s: %v", p.name, oops)
		}
		r.j.replies(p, id, &out)
		r.after(id, p.class+": "+p.name)
		if len(r.j.faults) > 200 {
			break
		}
	}
	r.t.Logf("%s, HTTP/1.1: %d cases in %.1f s", r.name, r.j.n["cases"], time.Since(begin).Seconds())
}

// two sends cases of HTTP/2.
func (r *run) two(list []stream, meets func(string) bool) {
	begin := time.Now()
	w := &two{d: r.d}
	defer w.close()
	for i := range list {
		s, id := &list[i], firstStream+i
		if !meets(s.name) {
			continue
		}
		if len(r.j.faults) > 200 {
			break
		}
		a, err := w.send(s, id)
		if err != nil {
			r.t.Fatalf("%s: %v", s.name, err)
		}
		r.j.stream(s, id, &a)
		r.after(id, "HTTP/2: "+s.class+": "+s.name)
	}
	r.t.Logf("%s, HTTP/2: %d cases in %.1f s", r.name, r.j.n["cases of HTTP/2"], time.Since(begin).Seconds())
}

// firstStream is the number of the first case of HTTP/2.
const firstStream = 500_000

// after asks behind a case. Where that moved a byte to the back end it asks
// twice: over the connection that it used, and over a fresh one.
func (r *run) after(id int, name string) {
	moved := r.e.moved.Load() > 0
	r.canary(id, "y", name)
	if moved {
		r.e.drop()
		r.canary(id, "z", name)
	}
	r.e.moved.Store(0)
}

// end judges the tapes and the log.
func (r *run) end() {
	r.y.close()
	r.e.mu.Lock()
	tapes := slices.Clone(r.e.tapes)
	for _, err := range r.e.fail {
		r.j.blame("the back end cannot be reached: %v", err)
	}
	r.e.mu.Unlock()
	byMark := r.j.tapes(tapes, r.name)
	r.j.settle(byMark)
	r.j.events(r.settled(byMark), byMark)
	r.same(byMark)
	for i, f := range r.j.faults {
		if i == 40 {
			r.t.Errorf("and %d more", len(r.j.faults)-i)
			break
		}
		r.t.Errorf("%s: %s", r.name, f)
	}
	var counts []string
	for _, name := range slices.Sorted(maps.Keys(r.j.n)) {
		counts = append(counts, fmt.Sprintf("%d %s", r.j.n[name], name))
	}
	r.t.Logf("%s: %s", r.name, strings.Join(counts, ", "))
}

// settled reads the log once every record of a forwarded request is in it.
func (r *run) settled(byMark map[string][]sent) map[string]*event.Event {
	var all map[string]*event.Event
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		all = r.g.records(r.t)
		missing := 0
		for _, list := range byMark {
			for i := range list {
				if all[list[i].get("sallyport-decision")] == nil {
					missing++
				}
			}
		}
		if missing == 0 {
			break
		}
	}
	return all
}

// same counts the cases whose canary went over the connection that they used.
func (r *run) same(byMark map[string][]sent) {
	for id, v := range r.j.cases {
		last := -1
		for _, w := range v.want {
			if list := byMark[marks.FindString(w.target)]; len(list) > 0 {
				last = list[len(list)-1].tape
			}
		}
		for _, c := range []string{"y", "z"} {
			list := byMark[fmt.Sprintf("%06d%s", id, c)]
			if last < 0 || len(list) == 0 {
				continue
			}
			if list[len(list)-1].tape == last {
				r.j.n["canaries on the connection of the case"]++
			} else {
				r.j.n["canaries on another connection"]++
			}
		}
	}
}
