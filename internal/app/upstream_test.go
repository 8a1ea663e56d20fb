package app

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAnAPIRunsOnWhileOneOfItsAddressesIsDown puts two addresses behind an API,
// ends one, and looks at what clients, health and metrics see.
func TestAnAPIRunsOnWhileOneOfItsAddressesIsDown(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var one, two []string
	a, b := backend(t, &one), backend(t, &two)
	opt, out := options(t, dir)
	write(t, filepath.Join(dir, "tiny.yaml"), tiny)
	opt.Policy = write(t, filepath.Join(dir, "sallyport.yaml"), policyText("["+a.URL+", "+b.URL+"]", "timeouts: { upstream: 2s }\n")+
		"    health: { path: /things/1, interval: 1s, timeout: 500ms }\n    breaker: { failures: 3, open: 10s }\n    timeouts: { total: 5s }\n")
	r := start(t, opt, out)
	for range 20 {
		if status, body, _ := r.do(t, "GET", "/things/1", "", r.Key); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	if text := fmt.Sprint(health(t, r)["apis"]); !strings.Contains(text, "address:"+a.Listener.Addr().String()) || strings.Count(text, "state:up") != 2 {
		t.Errorf("health: %s", text)
	}
	b.CloseClientConnections()
	b.Close()
	for range 40 {
		if status, body, _ := r.do(t, "GET", "/things/1", "", r.Key); status != 200 {
			t.Fatalf("after the end of one: %d %s", status, body)
		}
	}
	eventually(t, "the check", time.Minute, func() bool {
		text := fmt.Sprint(health(t, r)["apis"])
		return strings.Count(text, "state:up") == 1 && strings.Contains(text, "state:down")
	})
	resp, err := http.Get(r.Admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	for _, line := range []string{
		`sallyport_upstream_up{sallyport_api="tiny",server_address="` + a.Listener.Addr().String() + `"} 1`,
		`sallyport_upstream_up{sallyport_api="tiny",server_address="` + b.Listener.Addr().String() + `"} 0`,
	} {
		if !strings.Contains(string(text), line) {
			t.Errorf("metrics have no %s", line)
		}
	}
	a.CloseClientConnections()
	a.Close()
	eventually(t, "503", time.Minute, func() bool {
		status, body, h := r.do(t, "GET", "/things/1", "", r.Key)
		return status == 503 && strings.Contains(body, "gateway/upstream-open") && h.Get("Retry-After") != ""
	})
	if got := health(t, r)["status"]; got != "ok" {
		t.Errorf("the gateway calls itself %v", got)
	}
}
