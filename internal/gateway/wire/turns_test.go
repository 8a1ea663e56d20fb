package wire

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
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
