package turns

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFewHaveTheirTurnAtATime(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := Turns{most: most}
			var at, seen, rounds atomic.Int32
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { // ends after its rounds
					var x Turn
					for range 50 {
						s.Next(&x)
						if n := at.Add(1); n > seen.Load() {
							seen.Store(n)
						}
						rounds.Add(1)
						at.Add(-1)
					}
					s.Leave(&x)
				})
			}
			all.Wait()
			if n := int(seen.Load()); n > most || rounds.Load() != 20*50 {
				t.Errorf("%d at a time, of %d; %d rounds", n, most, rounds.Load())
			}
			if len(s.held) > 0 || len(s.waiting) > 0 {
				t.Errorf("%d held and %d waiting at the end", len(s.held), len(s.waiting))
			}
		})
	}
}

func TestTurnsComeInOrderAndLapse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := Turns{most: 1}
		began := time.Now()
		var first Turn // waits for something all the time
		s.Next(&first)
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		for i := range 3 {
			synctest.Wait() // those before wait
			all.Go(func() {
				var x Turn
				s.Next(&x)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				if i == 1 {
					time.Sleep(10 * lapseTime) // as the first does
				}
				s.Leave(&x)
			})
		}
		all.Wait()
		if order[0] != 0 || order[1] != 1 || order[2] != 2 {
			t.Errorf("order %v", order)
		}
		if took := time.Since(began); took < 11*lapseTime || took > 14*lapseTime {
			t.Errorf("took %v: turns do not lapse", took)
		}
		if !first.held {
			t.Error("the first does not know that it had a turn")
		}
		s.Leave(&first)
		s.Next(&first)
		if len(s.held) != 1 || !first.held {
			t.Error("whose turn lapsed gets no other")
		}
		s.Leave(&first)
		s.Leave(&first)
	})
}
