package wire

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sallyport/sallyport/internal/lib/turns"
)

// TestWhoAsksWithoutEndTakesTurns sends many requests at once: those that are
// answered without waiting for anybody are answered in turns, and the others
// need none.
func TestWhoAsksWithoutEndTakesTurns(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){"plain": func(*Config) {}, "TLS": overTLS(t)} {
		for _, waits := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, waits %v", name, waits), func(t *testing.T) {
				t.Parallel()
				all := turns.New()
				taken := make(chan int, 30) // they fit into one record of TLS
				f := newFront(t, func(x *Exchange) {
					if waits {
						x.Waits()
					}
					taken <- all.Taken()
					_ = x.Reply(204, nil, nil)
				}, change, func(c *Config) { c.Turns = all })
				c := f.open(t, name)
				fmt.Fprint(c, strings.Repeat(get(), cap(taken)))
				r := bufio.NewReader(c)
				for i := range cap(taken) {
					if a := one(t, r, "GET"); a.status != 204 {
						t.Fatalf("%+v", a)
					}
					want := 0
					if i >= fairRun && !waits {
						want = 1
					}
					if n := <-taken; n != want {
						t.Errorf("request %d: %d turns are taken, want %d", i+1, n, want)
					}
				}
				_ = c.Close()
				for tick := time.NewTicker(time.Millisecond); all.Taken() > 0; {
					<-tick.C
				}
			})
		}
	}
}

// TestStreamsThatNeverWaitTakeTurns asks over HTTP/2, where streams of which few
// wait for anybody are served in turns.
func TestStreamsThatNeverWaitTakeTurns(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		each int // so many streams one waits; 0: none
		from int // the first stream that takes a turn; 0: none
	}{"none waits": {0, fairRun + 2}, "all wait": {1, 0}, "every fourth": {4, 0}, "every twelfth": {12, 23}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				all, asked := turns.New(), 0
				var taken []int
				p := newPeer(t, func(x *Exchange) {
					taken = append(taken, all.Taken())
					if asked++; c.each > 0 && asked%c.each == 0 {
						x.Waits()
						if n := all.Taken(); n != 0 {
							t.Errorf("request %d waits, and %d turns are taken", asked, n)
						}
					}
					_ = x.Reply(204, nil, nil)
				}, Config{Turns: all})
				for range 40 {
					p.answer(p.ask(true, soundly("GET")...))
				}
				synctest.Wait()
				sum := 0
				for i, n := range taken {
					sum += n
					if want := c.from > 0 && i+1 >= c.from; (n > 0) != want && (c.each == 0 || !want) {
						t.Errorf("request %d: %d turns are taken", i+1, n)
					}
				}
				if (sum > 0) != (c.from > 0) {
					t.Errorf("%d turns are taken", sum)
				}
				if n := all.Taken(); n != 0 {
					t.Errorf("%d turns are taken at the end", n)
				}
			})
		})
	}
}
