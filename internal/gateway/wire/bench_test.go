package wire

import (
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// ordinary is a head as browsers and libraries send it.
const ordinary = "GET /orders/4711?expand=items HTTP/1.1\r\nHost: api.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: application/json\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\nX-Api-Key: sp_live_0123456789abcdef\r\nConnection: keep-alive\r\n\r\n"

var reply = []byte(strings.Repeat("{\"id\":4711}", 93)) // 1 KB

func answerBench(x *Exchange) {
	if x.Body != nil {
		_, _ = io.Copy(io.Discard, x.Body)
	}
	_ = x.Reply(200, benchFields, reply)
}

var benchFields = risk.Fields{{Name: "Content-Type", Value: "application/json"}, {Name: "Cache-Control", Value: "no-store"}}

// roundTrips sends raw and reads replies of n bytes.
func roundTrips(b *testing.B, c net.Conn, raw string) {
	b.Helper()
	request, buf := []byte(raw), make([]byte, 16<<10)
	size := 0
	trip := func() {
		if _, err := c.Write(request); err != nil {
			b.Fatal(err)
		}
		for n := 0; n < size || size == 0; {
			m, err := c.Read(buf)
			if err != nil {
				b.Fatal(err)
			}
			if n += m; size == 0 {
				size = n
			}
		}
	}
	_ = c.SetDeadline(time.Time{})
	trip()
	b.ReportAllocs()
	for b.Loop() {
		trip()
	}
}

func BenchmarkKeepAlive(b *testing.B) {
	post := strings.Replace(ordinary, "GET", "POST", 1)
	for name, raw := range map[string]string{
		"GET":            ordinary,
		"POST 2 KB":      strings.Replace(post, "\r\n\r\n", "\r\nContent-Length: 2048\r\n\r\n", 1) + strings.Repeat("a", 2048),
		"POST in chunks": strings.Replace(post, "\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n", 1) + "400\r\n" + strings.Repeat("a", 1024) + "\r\n0\r\n\r\n",
	} {
		b.Run("wire/"+name, func(b *testing.B) { roundTrips(b, newFront(b, answerBench).dial(b), raw) })
		b.Run("net-http/"+name, func(b *testing.B) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			s := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header()["Content-Type"], w.Header()["Cache-Control"] = []string{"application/json"}, []string{"no-store"}
				_, _ = w.Write(reply)
			})}
			go func() { _ = s.Serve(ln) }()
			defer s.Close()
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			roundTrips(b, c, raw)
		})
	}
}

func BenchmarkHead(b *testing.B) {
	l := limits{head: defaultMaxHead, fields: defaultMaxFields, target: defaultMaxTarget}
	spans := make([]span, l.fields)
	x := &Exchange{}
	raw := []byte(ordinary)
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var s scan
		n, f := s.find(raw, l)
		if f != nil {
			b.Fatal(f)
		}
		x.reset()
		if f := parse(raw[:n], x, spans, l); f != nil {
			b.Fatal(f)
		}
	}
}

func TestAKeepAliveGETAllocatesLittle(t *testing.T) {
	f := newFront(t, func(x *Exchange) { _ = x.Reply(200, benchFields, reply) })
	c := f.dial(t)
	request, buf := []byte(ordinary), make([]byte, 16<<10)
	n := testing.AllocsPerRun(500, func() {
		if _, err := c.Write(request); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(buf); err != nil {
			t.Fatal(err)
		}
	})
	if n > 3 {
		t.Errorf("%v allocations", n)
	}
}

// TestIdleConnectionsAreSmall holds many idle connections and measures what
// each of them keeps of memory, without what the kernel and the clients keep.
func TestIdleConnectionsAreSmall(t *testing.T) {
	for name, change := range map[string]func(*Config){"plain": func(*Config) {}, "TLS": overTLS(t), "HTTP/2": overTLS(t)} {
		t.Run(name, func(t *testing.T) {
			f := newFront(t, func(x *Exchange) { _ = x.Reply(200, benchFields, reply) }, change)
			const many = 500
			var clients []net.Conn
			dial := func(n int) {
				for range n {
					if name == "HTTP/2" {
						clients = append(clients, newBurst(t, f.address, nil).c)
						continue
					}
					c := f.open(t, name)
					if _, err := io.WriteString(c, ordinary); err != nil {
						t.Fatal(err)
					}
					if _, err := c.Read(make([]byte, 4<<10)); err != nil {
						t.Fatal(err)
					}
					clients = append(clients, c)
				}
			}
			dial(10)
			before := inUse()
			dial(many)
			after := inUse()
			per := int64(after-before) / many
			t.Logf("%d bytes for both ends of a connection", per)
			if limit := map[string]int64{"plain": 20 << 10, "TLS": 60 << 10, "HTTP/2": 60 << 10}[name]; per > limit { // both ends of TLS
				t.Errorf("%d bytes for an idle connection, want at most %d", per, limit)
			}
			runtime.KeepAlive(clients)
		})
	}
}

// inUse is the memory in use, stacks included.
func inUse() uint64 {
	for range 3 {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
