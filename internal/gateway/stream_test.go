package gateway

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/risk"
)

// echo speaks a protocol of its own after an upgrade: every line comes back.
func echo(rw http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "echo" {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(rw, "{}")
		return
	}
	rw.Header().Set("Connection", "Upgrade")
	rw.Header().Set("Upgrade", "echo")
	rw.WriteHeader(http.StatusSwitchingProtocols)
	conn, buf, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.Copy(conn, buf)
}

// upgradable is an operation that declares 101.
func upgradable(path string) *contract.Operation {
	o := op("GET", path)
	o.Replies = append(o.Replies, &contract.Reply{Code: 101})
	return o
}

func dialUpgrade(t *testing.T, w *world, fields string) (net.Conn, *bufio.Reader, string) {
	t.Helper()
	conn := w.dial(t)
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n%s\r\n", fields)
	r := bufio.NewReader(conn)
	status, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return conn, r, strings.TrimSpace(status)
		}
	}
}

func echoes(conn net.Conn, r *bufio.Reader, text string) bool {
	fmt.Fprintf(conn, "%s\n", text)
	line, err := r.ReadString('\n')
	return err == nil && line == text+"\n"
}

func TestADeclaredUpgradePassesAndARevokedKeyEndsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, []risk.Risk{needsKey(), watchReply()}, []*contract.Operation{upgradable("/ws")})
	if _, _, status := dialUpgrade(t, w, ""); status != "HTTP/1.1 403 Forbidden" {
		t.Fatalf("without a key: %s", status)
	}
	conn, r, status := dialUpgrade(t, w, "X-Api-Key: good\r\n")
	if status != "HTTP/1.1 101 Switching Protocols" || !echoes(conn, r, "hello") {
		t.Fatalf("status %s", status)
	}
	if up, _ := w.got(t); up.Header.Get("X-Api-Key") != "" {
		t.Error("the key went upstream")
	}
	if n := w.gw.Streams(); n != 1 {
		t.Errorf("%d streams", n)
	}
	w.keys.revoke()
	start := time.Now()
	if _, err := r.ReadByte(); err == nil {
		t.Error("the stream goes on after the revocation")
	}
	if d := time.Since(start); d > time.Second+checkEvery {
		t.Errorf("it took %v", d)
	}
	kinds := waitKinds(t, w, event.StreamClose)
	if kinds[event.StreamOpen] != 1 {
		t.Errorf("records: %v", kinds)
	}
}

// waitKinds waits until a record of kind k is there, and counts all kinds.
func waitKinds(t *testing.T, w *world, k event.Kind) map[event.Kind]int {
	t.Helper()
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		n := map[event.Kind]int{}
		w.log.mu.Lock()
		for i := range w.log.sealed {
			n[w.log.sealed[i].Kind]++
		}
		w.log.mu.Unlock()
		if n[k] > 0 {
			return n
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("no %v in %v", k, n)
		}
	}
}

func TestAnUndeclaredUpgradeIsNotMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, nil, []*contract.Operation{op("GET", "/ws")})
	if _, _, status := dialUpgrade(t, w, ""); status != "HTTP/1.1 200 OK" {
		t.Fatalf("status %s", status)
	}
	if r, _ := w.got(t); r.Header.Get("Upgrade") != "" || r.Header.Get("Connection") == "Upgrade" {
		t.Errorf("the wish went upstream: %v", r.Header)
	}
}

func TestAReloadDropsNoLawfulStreamAndEndsAnUnlawfulOne(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{upgradable("/ws")}
	w := newWorld(t, echo, nil, ops)
	conn, r, _ := dialUpgrade(t, w, "")
	for range 20 {
		w.apply(t, nil, ops)
	}
	if !echoes(conn, r, "still here") {
		t.Fatal("a reload dropped the stream")
	}
	w.apply(t, []risk.Risk{needsKey()}, ops)
	if _, err := r.ReadByte(); err == nil {
		t.Error("the stream goes on under a policy that refuses it")
	}
}

func TestCloseStreamsEndsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, echo, nil, []*contract.Operation{upgradable("/ws")})
	_, r, _ := dialUpgrade(t, w, "")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := w.gw.CloseStreams(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the stream goes on")
	}
}

func TestALongDownloadEndsWithItsKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/octet-stream")
		rw.Header().Set("Content-Length", "1000000000000")
		for r.Context().Err() == nil {
			if _, err := rw.Write(make([]byte, 1000)); err != nil {
				return
			}
			_ = http.NewResponseController(rw).Flush()
		}
	}, []risk.Risk{needsKey(), watchReply()}, []*contract.Operation{giving(op("GET", "/file"), "application/octet-stream")})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/file", nil)
	req.Header.Set("X-Api-Key", "good")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 10_000); err != nil {
		t.Fatal(err)
	}
	waitKinds(t, w, event.StreamOpen)
	if e := w.log.last(t); e.Operation == "" || e.Method != "GET" || e.Caller.KeyID != "k_1" || e.Personal.Path == "" {
		t.Errorf("the record of the beginning is bare: %+v", e)
	}
	w.keys.revoke()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("%d bytes came after the revocation", n)
	}
}

func TestEventsComeAsTheyAreSent(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "text/event-stream")
		for {
			_, _ = io.WriteString(rw, "data: x\n\n")
			_ = http.NewResponseController(rw).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	}, []risk.Risk{needsKey(), watchReply()}, []*contract.Operation{giving(op("GET", "/events"), "text/event-stream")})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/events", nil)
	req.Header.Set("X-Api-Key", "good")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	for range 3 {
		line, err := r.ReadString('\n')
		if err != nil || line != "data: x\n" {
			t.Fatalf("got %q, %v", line, err)
		}
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		next <- struct{}{}
	}
	w.keys.revoke()
	if out, err := io.ReadAll(r); err == nil {
		t.Errorf("a stream that was ended for cause looks complete: %q", out)
	}
}
