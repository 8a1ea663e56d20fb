package wire

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestARefusedBodyThatIsHereEndsNoConnection refuses requests with bodies that
// nobody reads: the connection goes on where the body is short and has come.
func TestARefusedBodyThatIsHereEndsNoConnection(t *testing.T) {
	t.Parallel()
	for how, change := range map[string]func(*Config){"plain": func(*Config) {}, "TLS": overTLS(t)} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			forgoes(t, how, change)
		})
	}
}

func forgoes(t *testing.T, how string, change func(*Config)) {
	f := newFront(t, func(x *Exchange) {
		if x.Body != nil && x.Target != "/read" {
			x.Forgo()
			_ = x.Reply(503, nil, nil)
			return
		}
		tell(x)
	}, change)
	const second = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, c := range map[string]struct {
		raw  string
		goes bool
	}{
		"short":                     {post("Content-Length: 5", "hello") + second, true},
		"longer than room":          {post("Content-Length: 60000", strings.Repeat("a", 60000)) + second, true},
		"what looks like a request": {post(fmt.Sprintf("Content-Length: %d", len(second)), second) + second, true},
		"too long":                  {post("Content-Length: 65537", strings.Repeat("a", 65537)) + second, false},
		"cut off":                   {post("Content-Length: 5", "hell"), false},
		"chunked":                   {post("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n") + second, false},
		"awaits 100":                {post("Expect: 100-continue\r\nContent-Length: 5", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 3 { // what has come is a matter of chance where it is long
				conn := f.open(t, how)
				if _, err := fmt.Fprint(conn, c.raw); err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(conn)
				first := one(t, r, "POST")
				if first.status != 503 {
					t.Fatalf("%+v", first)
				}
				closes := first.close
				if closes && c.goes && len(c.raw) < roomIn {
					t.Error("the connection ends")
				}
				if !closes && !c.goes {
					t.Error("the connection goes on")
				}
				if closes {
					continue
				}
				if a := one(t, r, "GET"); a.status != 200 || !strings.HasPrefix(a.body, "GET /second ") {
					t.Errorf("what comes behind it: %+v", a)
				}
			}
		})
	}
}

// TestWhatIsLeftOfARefusedBodyIsTakenWhenItCame forgoes a body twice: before and
// after its second part has come.
func TestWhatIsLeftOfARefusedBodyIsTakenWhenItCame(t *testing.T) {
	t.Parallel()
	for how, change := range map[string]func(*Config){"plain": func(*Config) {}, "TLS": overTLS(t)} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			begun, gone := make(chan struct{}), make(chan struct{})
			f := newFront(t, func(x *Exchange) {
				if x.Body == nil {
					tell(x)
					return
				}
				if x.Forgo() {
					t.Error("nothing is left of half a body")
				}
				close(begun)
				<-gone
				for end := time.Now().Add(patience); !x.Forgo(); {
					if time.Now().After(end) {
						t.Error("it never came")
						break
					}
				}
				_ = x.Reply(503, nil, nil)
			}, change)
			c := f.open(t, how)
			fmt.Fprint(c, post("Content-Length: 5", "he"))
			<-begun
			fmt.Fprint(c, "llo"+"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
			close(gone)
			r := bufio.NewReader(c)
			if a := one(t, r, "POST"); a.status != 503 || a.close {
				t.Errorf("%+v", a)
			}
			if a := one(t, r, "GET"); a.status != 200 || !strings.HasPrefix(a.body, "GET /second ") {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestABodyThatDripsOverTLSIsNotWaitedFor sends a refused body byte by byte, each
// in a record of its own: one deadline counts for all of them.
func TestABodyThatDripsOverTLSIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	over := make(chan bool, 1)
	f := newFront(t, func(x *Exchange) {
		over <- x.Forgo()
		_ = x.Reply(503, nil, nil)
	}, overTLS(t))
	c := f.open(t, "TLS")
	const length = 60000
	fmt.Fprint(c, post(fmt.Sprintf("Content-Length: %d", length), ""))
	drop := time.NewTicker(100 * time.Microsecond)
	defer drop.Stop()
	for range length - 1 {
		select {
		case whole := <-over:
			if whole {
				t.Error("all of it came")
			}
			return
		case <-drop.C:
			if _, err := c.Write([]byte("a")); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Error("it was waited for")
}
