package upstream

import (
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFewBodiesHaveTheirTurnAtATime(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, 1, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := turns{most: most}
			var at, seen, rounds atomic.Int32
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { // ends after its rounds
					var x turn
					for range 50 {
						s.next(&x)
						if n := at.Add(1); n > seen.Load() {
							seen.Store(n)
						}
						rounds.Add(1)
						at.Add(-1)
					}
					s.leave(&x)
				})
			}
			all.Wait()
			if n := int(seen.Load()); n > max(most, 1) || rounds.Load() != 20*50 {
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
		s := turns{most: 1}
		began := time.Now()
		var first turn // waits for its client all the time
		s.next(&first)
		var mu sync.Mutex
		var order []int
		var all sync.WaitGroup
		for i := range 3 {
			synctest.Wait() // those before wait
			all.Go(func() {
				var x turn
				s.next(&x)
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				if i == 1 {
					time.Sleep(10 * lapseTime) // as the first does
				}
				s.leave(&x)
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
		s.leave(&first)
		s.next(&first)
		if len(s.held) != 1 || !first.held {
			t.Error("whose turn lapsed gets no other")
		}
		s.leave(&first)
		s.leave(&first)
	})
}

func TestABodyThatWaitsForTheNetworkNeedsNoTurn(t *testing.T) {
	t.Parallel()
	const half = 4 * fairBytes
	more := make(chan bool)
	s, u := prepared(t, speaking(t, func(c net.Conn) {
		hear(c, 0)
		_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 2*half, make([]byte, half))
		<-more
		_, _ = c.Write(make([]byte, half))
	}))
	held := func() int {
		s.turns.mu.Lock()
		defer s.turns.mu.Unlock()
		return len(s.turns.held)
	}
	var p Response
	if err := s.Send(t.Context(), u, get("/"), &p); err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	if _, err := io.CopyN(io.Discard, p.Body, half); err != nil {
		t.Fatal(err)
	}
	x := p.Body.(*call)
	s.turns.next(&x.turn) // whatever the network did until here
	rest := make(chan error, 1)
	go func() { // ends with the body
		n, err := io.Copy(io.Discard, p.Body)
		if n != half {
			err = fmt.Errorf("%d bytes: %w", n, err)
		}
		rest <- err
	}()
	for held() > 0 {
		time.Sleep(time.Millisecond)
	}
	close(more)
	if err := <-rest; err != nil {
		t.Error(err)
	}
	_ = p.Body.Close()
	if n := held(); n != 0 {
		t.Errorf("%d turns are held after the end", n)
	}
}
