package gateway

import (
	"io"
	"net"
	"runtime"
	"testing"

	"github.com/sallyport/sallyport/contract"
)

// TestIdleConnectionsAreSmall holds connections on which one request was
// served, and measures what both ends of each keep of memory, stacks included.
func TestIdleConnectionsAreSmall(t *testing.T) {
	w := newWorld(t, say("{}"), nil, []*contract.Operation{op("GET", "/a")})
	var conns []net.Conn
	open := func(n int) {
		for range n {
			c, err := net.Dial("tcp", w.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			if _, err := io.WriteString(c, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 4<<10)); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, c)
		}
	}
	inUse := func() uint64 {
		for range 5 { // stacks shrink by half in each
			runtime.GC()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse + m.StackInuse
	}
	open(20)
	const many = 500
	before := inUse()
	open(many)
	per := (int64(inUse()) - int64(before)) / many
	t.Logf("%d bytes for both ends of a connection", per)
	if per > 20<<10 {
		t.Errorf("%d bytes for an idle connection, want at most 20 KiB", per)
	}
	runtime.KeepAlive(conns)
}
