package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// raw sends bytes and returns what comes back until the connection ends.
func (w *world) raw(t *testing.T, text string) string {
	t.Helper()
	conn := w.dial(t)
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	out, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestWhatTheFrontRefusesIsAnEventWithAReason(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("{}"), nil, []*contract.Operation{op("GET", "/a"), taking(op("POST", "/a"), "application/json")})
	const post = "POST /a?token=s3cret HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
	for name, c := range map[string]struct {
		raw, code, method, path, reason string
		status                          int
	}{
		"two lengths":   {post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", "framing/two-lengths", "POST", "/a", "Content-Length and Transfer-Encoding", 400},
		"a folded line": {"GET /a HTTP/1.1\r\nHost: x\r\nX-A: b\r\n c\r\n\r\n", "framing/fold", "GET", "/a", "white space", 400},
		"a bare LF":     {"GET /a HTTP/1.1\nHost: x\n\n", "framing/line-end", "", "", "line feed", 400},
		"no Host":       {"GET /a HTTP/1.1\r\n\r\n", "framing/host", "GET", "/a", "no Host", 400},
		"HTTP/2.0":      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "framing/version", "", "", "version", 505},
		"a long target": {"GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\nHost: x\r\n\r\n", "framing/target-too-long", "", "", "too long", 414},
		"a large head":  {"GET /a HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", 40_000) + "\r\n\r\n", "framing/head-too-large", "", "", "too large", 431},
		"a wish":        {post + "Content-Length: 2\r\nExpect: more\r\n\r\n{}", "gateway/expectation", "POST", "/a", "expectation", 417},
		"a bad chunk":   {post + "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n", "framing/chunk", "POST", "/a?token", "chunk size", 400},
		"a bad trailer": {post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nGET / HTTP/1.1\r\n\r\n", "framing/trailer", "POST", "/a?token", "trailer", 400},
	} {
		out := w.raw(t, c.raw+"GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
		r := bufio.NewReader(strings.NewReader(out))
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("%s: %v: %q", name, err, out)
		}
		body, _ := io.ReadAll(resp.Body)
		id := resp.Header.Get("Sallyport-Decision")
		if resp.StatusCode != c.status || !resp.Close || resp.Header.Get("Content-Type") != fault.MediaType || id == "" ||
			!strings.Contains(string(body), fmt.Sprintf("%q", c.code)) || !strings.Contains(string(body), id) {
			t.Errorf("%s: %d %v %s", name, resp.StatusCode, resp.Header, body)
		}
		if rest, _ := io.ReadAll(r); len(rest) > 0 {
			t.Errorf("%s: it goes on: %q", name, rest)
		}
		e := w.log.last(t)
		if e.Decision != event.Deny || e.Risk != "framing" || e.Code != c.code || e.ID.String() != id || e.Status != c.status || e.Method != c.method ||
			e.Personal.Path != c.path || !strings.Contains(e.Reason, c.reason) || e.Personal.Address == "" {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if n := w.calls(); n != 0 {
		t.Errorf("%d requests went upstream", n)
	}
}

func TestAStreamedBodyThatBreaksIsNotEndedUpstream(t *testing.T) {
	t.Parallel()
	o := taking(op("POST", "/f"), "application/octet-stream")
	o.Body.Media[0].Schema.Types, o.Body.Media[0].Schema.Format = contract.StringType, "binary"
	up, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer up.Close()
	came := make(chan string, 1)
	go func() {
		conn, err := up.Accept()
		if err != nil {
			came <- ""
			return
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		text, _ := io.ReadAll(conn)
		came <- string(text)
	}()
	w := newWorld(t, say("{}"), nil, []*contract.Operation{o}, func(in *plan.Inputs) {
		in.APIs[0].Upstream = &plan.Upstream{URL: &url.URL{Scheme: "http", Host: up.Addr().String()}}
	})
	out := w.raw(t, "POST /f HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhello!\r\n0\r\n\r\n")
	if !strings.HasPrefix(out, "HTTP/1.1 400 ") || !strings.Contains(out, "framing/chunk") {
		t.Errorf("%q", out)
	}
	_ = up.Close()
	if text := <-came; strings.Contains(text, "\r\n0\r\n") || strings.Contains(text, "hello!") {
		t.Errorf("the upstream takes half a body for a whole one: %q", text)
	}
}

func TestGuardsSeeFieldsInTheOrderOfTheWire(t *testing.T) {
	t.Parallel()
	var got []string
	order := guarding("order", risk.Admit, func(x *risk.Exchange) *risk.Denial {
		for _, f := range x.Request().Fields {
			got = append(got, f.Name+"="+f.Value)
		}
		return nil
	})
	w := newWorld(t, say("{}"), []risk.Risk{order}, []*contract.Operation{op("GET", "/a")})
	w.raw(t, "GET /a HTTP/1.1\r\nHost: x\r\nzz: 1\r\nb-B: 2\r\nAccept: 3\r\nZZ: 4\r\nConnection: close, b-b\r\n\r\n")
	if fmt.Sprint(got) != "[Zz=1 Accept=3 Zz=4 Connection=close, b-b]" {
		t.Errorf("%q", got)
	}
}
