package risktest

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/gateway/wire"
	"github.com/sallyport/sallyport/risk"
)

// rawTime is how long a server may be silent before an attempt is over.
const rawTime = 3 * time.Second

// sendRaw makes one raw attempt. Each request in its bytes counts as one.
func (c *client) sendRaw(ctx context.Context, r *risk.Raw) ([]*risk.Seen, error) {
	head := "Host: " + serverName + "\r\n"
	if r.As != "" {
		key := Key
		if c.key != nil {
			key = c.key
		}
		head += "X-Api-Key: " + key(r.As) + "\r\nAuthorization: Bearer " + Token(r.As) + "\r\n"
	}
	text := r.Text(head)
	c.mu.Lock()
	for range strings.Count(text, "HTTP/1.1\r\n") {
		c.sent = append(c.sent, risk.Attempt{As: r.As, Method: "GET"})
	}
	n := len(c.sent)
	c.mu.Unlock()
	if n > maxAttempts {
		return nil, errTooMany
	}
	conn, err := c.dialRaw(ctx, r.Plain)
	if err != nil {
		return nil, err
	}
	defer conn.Close()                            //nolint:errcheck // it was read
	_ = conn.SetDeadline(time.Now().Add(rawTime)) //nolint:errcheck // the reads tell
	_, _ = io.WriteString(conn, text)             //nolint:errcheck // a server may answer before it read all
	return c.hear(bufio.NewReader(conn)), nil
}

func (c *client) dialRaw(ctx context.Context, plain bool) (net.Conn, error) {
	address := c.s.secure
	if plain {
		address = c.s.plain
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("parse address: %w", err)
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	if plain {
		return conn, nil
	}
	return tls.Client(conn, &tls.Config{RootCAs: c.s.roots, ServerName: serverName, MinVersion: tls.VersionTLS12}), nil
}

// hear reads answers until there is no more.
func (c *client) hear(r *bufio.Reader) (all []*risk.Seen) {
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return all
		}
		seen, err := see(resp)
		if err != nil {
			return all
		}
		all = append(all, seen)
		c.mu.Lock()
		c.seen = append(c.seen, seen)
		c.mu.Unlock()
	}
}

// behindFront puts h behind our own front.
func behindFront(h http.Handler) wire.Handler {
	return wire.HandlerFunc(func(x *wire.Exchange) {
		if x.Refused != nil {
			_ = x.Reply(x.Refused.Status, nil, nil) //nolint:errcheck // whoever left hears nothing
			return
		}
		var body io.Reader = http.NoBody
		if x.Body != nil {
			body = x.Body
		}
		r, err := http.NewRequestWithContext(x.Context(), x.Method, x.Target, body)
		if err != nil {
			_ = x.Reply(http.StatusBadRequest, nil, nil) //nolint:errcheck // as above
			return
		}
		r.Host, r.RequestURI, r.TLS, r.RemoteAddr, r.ContentLength = x.Host, x.Target, x.TLS, "127.0.0.1:1", x.Length
		for _, f := range x.Fields {
			r.Header.Add(f.Name, f.Value)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var fields risk.Fields
		for name, values := range w.Header() {
			for _, v := range values {
				fields = append(fields, risk.Field{Name: name, Value: v})
			}
		}
		_ = x.Reply(w.Code, fields, w.Body.Bytes()) //nolint:errcheck // as above
	})
}
