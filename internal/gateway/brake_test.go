package gateway

import (
	"bufio"
	"context"
	"io"
	"math"
	"net/http"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
)

// A crowdedMachine serves so many requests a second, one after the other.
type crowdedMachine struct {
	brake
	now    time.Time
	queue  float64
	served float64
	shed   float64
}

const machineRate = 2000

// load lets rate requests a second come for d. A refusal costs a tenth of an
// answer.
func (m *crowdedMachine) load(rate float64, d time.Duration) (worst time.Duration) {
	const step = time.Millisecond
	due := 0.0
	for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(step) {
		for due += rate * step.Seconds(); due >= 1; due-- {
			if m.enter(m.now) {
				m.queue++
				continue
			}
			m.leave()
			m.shed++
			m.queue += 0.1
		}
		done := min(m.queue, machineRate*step.Seconds())
		m.queue -= done
		m.served += done
		m.under.Store(int64(m.queue))
		worst = max(worst, m.delay())
	}
	return worst
}

func (m *crowdedMachine) delay() time.Duration {
	return time.Duration(m.queue / machineRate * float64(time.Second))
}

func newCrowdedMachine() *crowdedMachine {
	m := &crowdedMachine{now: time.Unix(1000, 0)}
	m.few, m.wait = 16, m.delay
	return m
}

func TestTheBrakeKeepsTheWaitShortUnderOverload(t *testing.T) {
	t.Parallel()
	for _, times := range []float64{1.2, 2, 5} {
		m := newCrowdedMachine()
		m.load(0.7*machineRate, 5*time.Second)
		if m.shed > 0 {
			t.Fatalf("%.0f are refused at 70 %%", m.shed)
		}
		if worst := m.load(times*machineRate, 5*time.Second); worst > 4*time.Second {
			t.Errorf("at %.1f times: a wait of %v at first", times, worst)
		}
		if worst := m.load(times*machineRate, 10*time.Second); worst > time.Second {
			t.Errorf("at %.1f times: a wait of %v", times, worst)
		}
		if busy := m.served / (20 * machineRate); busy < 0.9 {
			t.Errorf("at %.1f times: it is busy %.0f %% of the time", times, 100*busy)
		}
		m.load(0.7*machineRate, 3*time.Second)
		before := m.shed
		if m.load(0.7*machineRate, 5*time.Second); m.shed > before {
			t.Errorf("after %.1f times: %.0f are refused", times, m.shed-before)
		}
	}
}

func TestAPauseOfTheMachineIsNoOverload(t *testing.T) {
	t.Parallel()
	m := newCrowdedMachine()
	pause := time.Duration(0)
	m.wait = func() time.Duration { return pause }
	for i := range 1000 {
		pause = 0
		if i%10 < brakeBurst-1 {
			pause = time.Second
		}
		m.under.Store(1000)
		if m.now = m.now.Add(brakeTime); !m.enter(m.now) {
			t.Fatal("refused")
		}
	}
}

func TestFewAreNeverRefused(t *testing.T) {
	t.Parallel()
	m := newCrowdedMachine()
	m.wait = func() time.Duration { return time.Minute }
	for range 1000 {
		if m.now = m.now.Add(brakeTime); !m.enter(m.now) {
			t.Fatal("refused")
		}
		m.leave()
	}
}

func TestWaitsOfTheRuntimeAreRead(t *testing.T) {
	t.Parallel()
	var b brake
	b.start()
	b.wait()
	for range 100 {
		done := make(chan struct{})
		go close(done)
		<-done
	}
	if d := b.wait(); d < 0 || d > time.Minute {
		t.Errorf("%v", d)
	}
}

// overload makes a gateway refuse everything.
func (w *world) overload() {
	w.gw.brake.few = -1
	w.gw.brake.wait = func() time.Duration { return 10 * time.Second }
	w.gw.brake.next.Store(math.MaxInt64)
	w.gw.brake.share.Store(wholeShare)
}

func TestWhatIsRefusedUnderOverloadIs503WithRetryAfterAndRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unused, nil, []*contract.Operation{op("GET", "/a")})
	w.overload()
	began := time.Now()
	resp, body := w.do(t, "GET", "/a", "")
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || w.calls() > 0 {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
	}
	if took := time.Since(began); took < parkTime {
		t.Errorf("it waited for %v", took)
	}
	if e := w.log.last(t); e.Decision != event.Shed || e.Code != "gateway/overloaded" {
		t.Errorf("recorded as %s %s", e.Decision, e.Code)
	}
	if n := w.gw.brake.under.Load(); n != 0 {
		t.Errorf("%d are under way", n)
	}
}

// TestABodyThatComesWhileItsRefusalWaitsEndsNoConnection sends the body of a
// request in two parts: the refusal waits once, whenever the second one comes.
func TestABodyThatComesWhileItsRefusalWaitsEndsNoConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, unused, nil, []*contract.Operation{op("POST", "/a")})
	w.overload()
	for name, late := range map[string]bool{"at once": false, "later": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := w.dial(t)
			r := bufio.NewReader(c)
			for i := range 2 {
				began := time.Now()
				const head = "POST /a HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n"
				first, second := head+"[1, 2", "]  "
				if !late {
					first, second = first+second, ""
				}
				if _, err := io.WriteString(c, first); err != nil {
					t.Fatal(err)
				}
				if late {
					for w.gw.brake.parked.Load() == 0 && time.Since(began) < parkTime/2 {
						runtime.Gosched()
					}
				}
				if _, err := io.WriteString(c, second); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatalf("%d: %v", i, err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if resp.StatusCode != http.StatusServiceUnavailable || resp.Close {
					t.Errorf("%d: %d, and the connection ends: %v", i, resp.StatusCode, resp.Close)
				}
				if took := time.Since(began); took < parkTime {
					t.Errorf("%d: it waited for %v", i, took)
				}
			}
		})
	}
}

// TestARefusalUnderOverloadWaits parks as many as there is room for, and lets
// those go whose client left.
func TestARefusalUnderOverloadWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b brake
		began := time.Now()
		leaves, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		var took [maxParked]time.Duration
		for i := range took {
			ctx := t.Context()
			if i%2 > 0 {
				ctx = leaves
			}
			all.Go(func() {
				b.park(ctx)
				took[i] = time.Since(began)
			})
		}
		synctest.Wait()
		if b.park(t.Context()); time.Since(began) > 0 {
			t.Error("one too many waits")
		}
		time.Sleep(parkTime / 2)
		leave()
		all.Wait()
		for i, d := range took {
			if want := parkTime >> (i % 2); d != want {
				t.Fatalf("%d waited for %v, want %v", i, d, want)
			}
		}
		if n := b.parked.Load(); n != 0 {
			t.Errorf("%d are parked at the end", n)
		}
	})
}
