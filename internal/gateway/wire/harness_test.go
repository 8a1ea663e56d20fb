package wire

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// patience bounds what a test waits for.
const patience = 10 * time.Second

// A front is a Server on loopback.
type front struct {
	*Server
	address string
	mu      sync.Mutex
	refused []string // codes
	faults  []string
}

// newFront serves h, which sees no refusals: those are counted and answered.
func newFront(t testing.TB, h HandlerFunc, change ...func(*Config)) *front {
	t.Helper()
	f := &front{}
	conf := Config{
		Handler: HandlerFunc(func(x *Exchange) {
			if x.Refused != nil {
				f.mu.Lock()
				f.refused = append(f.refused, string(x.Refused.Code))
				f.mu.Unlock()
				_ = x.Reply(x.Refused.Status, risk.Fields{{Name: "Content-Type", Value: "text/plain"}}, []byte(x.Refused.Code))
				return
			}
			h(x)
		}),
		Fault: func(where string, err error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.faults = append(f.faults, where+": "+err.Error())
		},
	}
	for _, c := range change {
		c(&conf)
	}
	f.Server = New(conf)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = ln.Addr().String()
	served := make(chan error, 1)
	go func() { served <- f.Serve(ln) }()
	t.Cleanup(func() {
		_ = f.Close()
		if err := <-served; !errors.Is(err, ErrClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return f
}

// tell is a Handler that says what it was given.
func tell(x *Exchange) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s host=%s length=%d\n", x.Method, x.Target, x.Proto, x.Host, x.Length)
	for _, f := range x.Fields {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	if x.Body != nil {
		body, err := io.ReadAll(x.Body)
		if err != nil {
			refuse(x, err)
			return
		}
		fmt.Fprintf(&b, "body=%q\n", body)
	}
	_ = x.Reply(200, nil, []byte(b.String()))
}

// refuse answers for a body that is no body.
func refuse(x *Exchange, err error) {
	if f := faultOf(err); f != nil {
		x.Close()
		_ = x.Reply(f.Status, nil, []byte(f.Code))
		return
	}
	x.Abort()
}

func (f *front) dial(t testing.TB) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", f.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return c
}

// An answer is one reply as a client reads it.
type answer struct {
	status int
	head   http.Header
	body   string
	close  bool
}

// all sends bytes and reads replies until the connection ends.
func (f *front) all(t testing.TB, raw string) (out []answer) {
	t.Helper()
	c := f.dial(t)
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	_ = c.(*net.TCPConn).CloseWrite()
	return answers(t, c, "GET")
}

// answers reads replies until the connection ends.
func answers(t testing.TB, c io.Reader, method string) (out []answer) {
	t.Helper()
	r := bufio.NewReader(c)
	for {
		if _, err := r.Peek(1); err != nil {
			if err != io.EOF {
				t.Fatalf("after %d answers: %v", len(out), err)
			}
			return out
		}
		out = append(out, one(t, r, method))
	}
}

// one reads one reply.
func one(t testing.TB, r *bufio.Reader, method string) answer {
	t.Helper()
	resp, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read body: %v", err)
	}
	return answer{status: resp.StatusCode, head: resp.Header, body: string(body), close: resp.Close}
}

// certificate is one for 127.0.0.1.
func certificate(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"example.com"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12,
	}
}

func overTLS(t testing.TB) func(*Config) {
	conf := certificate(t)
	return func(c *Config) { c.TLS = conf }
}

// open dials in plain text or over TLS.
func (f *front) open(t testing.TB, how string) net.Conn {
	t.Helper()
	if how == "TLS" {
		return f.dialTLS(t, "http/1.1")
	}
	return f.dial(t)
}

func (f *front) dialTLS(t testing.TB, protocol string) *tls.Conn {
	t.Helper()
	c := tls.Client(f.dial(t), &tls.Config{InsecureSkipVerify: true, ServerName: "example.com", NextProtos: []string{protocol}}) //nolint:gosec // the certificate is not what this is about
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}
