package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func ask(c Config, method, host, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "http://"+host+path, nil)
	Handler(c).ServeHTTP(w, r)
	return w
}

func config(status string, ready bool) Config {
	return Config{
		Health: func() Health {
			until := time.Unix(1000, 0).UTC()
			return Health{Status: status, Plan: "abc", APIs: []API{{Name: "orders", Operations: 3, Guards: []Guard{{Risk: "authn", Enforce: 2, Observe: 1, Until: &until}}}}}
		},
		Ready:   func() bool { return ready },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metric 1\n") }),
		Names:   []string{"Admin.Example"},
	}
}

func TestHealthNamesTheGuards(t *testing.T) {
	t.Parallel()
	w := ask(config("ok", true), "GET", "127.0.0.1:9443", "/healthz")
	var h Health
	if err := json.Unmarshal(w.Body.Bytes(), &h); err != nil || w.Code != 200 || h.APIs[0].Guards[0].Risk != "authn" || h.APIs[0].Guards[0].Observe != 1 {
		t.Errorf("%d %s %v", w.Code, w.Body, err)
	}
	if w := ask(config("degraded", true), "GET", "localhost", "/healthz"); w.Code != 503 {
		t.Errorf("degraded is %d", w.Code)
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	for ready, want := range map[bool]int{true: 200, false: 503} {
		if w := ask(config("ok", ready), "GET", "[::1]:9443", "/readyz"); w.Code != want {
			t.Errorf("ready %v is %d", ready, w.Code)
		}
	}
	if w := ask(config("degraded", false), "GET", "localhost", "/livez"); w.Code != 200 {
		t.Errorf("livez is %d", w.Code)
	}
}

func TestAForeignNameIsMisdirected(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{"evil.example": 421, "evil.example:9443": 421, "admin.example": 200, "127.0.0.1": 200, "localhost.evil.example": 421} {
		if w := ask(config("ok", true), "GET", host, "/metrics"); w.Code != want {
			t.Errorf("%s is %d, want %d", host, w.Code, want)
		}
	}
}

func TestOnlyReading(t *testing.T) {
	t.Parallel()
	if w := ask(config("ok", true), "POST", "localhost", "/healthz"); w.Code != 405 || w.Header().Get("Allow") == "" {
		t.Errorf("POST is %d", w.Code)
	}
	if w := ask(config("ok", true), "GET", "localhost", "/../etc"); w.Code != 404 {
		t.Errorf("unknown path is %d", w.Code)
	}
}
