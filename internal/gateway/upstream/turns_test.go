package upstream

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

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
	var p Response
	if err := s.Send(t.Context(), u, get("/"), &p); err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	if _, err := io.CopyN(io.Discard, p.Body, half); err != nil {
		t.Fatal(err)
	}
	x := p.Body.(*call)
	s.opt.Turns.Next(&x.turn) // whatever the network did until here
	rest := make(chan error, 1)
	go func() { // ends with the body
		n, err := io.Copy(io.Discard, p.Body)
		if n != half {
			err = fmt.Errorf("%d bytes: %w", n, err)
		}
		rest <- err
	}()
	for tick := time.NewTicker(time.Millisecond); s.opt.Turns.Taken() > 0; {
		<-tick.C
	}
	close(more)
	if err := <-rest; err != nil {
		t.Error(err)
	}
	_ = p.Body.Close()
	if n := s.opt.Turns.Taken(); n != 0 {
		t.Errorf("%d turns are held after the end", n)
	}
}
