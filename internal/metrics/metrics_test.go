package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

// frozen are names that dashboards rely on.
const frozen = `http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="403",http_route="/orders/{id}",sallyport_api="orders"} 1
http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",sallyport_api="orders"} 1
http_server_request_body_size_bytes_count{sallyport_api="orders"} 1
http_server_response_body_size_bytes_count{sallyport_api="orders"} 1
sallyport_decisions_total{sallyport_api="orders",sallyport_code="bola/read",sallyport_decision="deny",sallyport_risk="bola"} 1
sallyport_would_deny_total{sallyport_api="orders",sallyport_code="reply/status",sallyport_risk="reply"} 1
sallyport_edits_total{sallyport_api="orders",sallyport_edit="reply/cut"} 1
sallyport_faults_total{sallyport_part="ledger"} 1
sallyport_reloads_total{sallyport_result="refused"} 1
sallyport_certificate_expiry_seconds{sallyport_certificate="listener"} 1000
sallyport_streams 3`

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestNamesAreFrozen(t *testing.T) {
	t.Parallel()
	m := New(Gauge{"sallyport_streams", "Open streams.", func() float64 { return 3 }})
	e := event.Event{
		API: "orders", Method: "GET", Template: "/orders/{id}", Status: 403, Decision: event.Deny, Risk: "bola", Code: "bola/read",
		Upstream: event.Upstream{Called: true, Status: 200},
		Would:    []event.Would{{Risk: "reply", Code: "reply/status"}}, Edits: []event.Edit{{Kind: "reply/cut"}},
	}
	m.Exchange(&e)
	m.Fault("ledger")
	m.Reload("refused")
	m.Expiry("listener", time.Unix(1000, 0))
	out := scrape(t, m)
	for line := range strings.SplitSeq(frozen, "\n") {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestAFamilyHasAValueForEachOfItsThings(t *testing.T) {
	t.Parallel()
	m := New()
	m.Add(
		Family{Name: "sallyport_upstream_up", Help: "h", Labels: []string{"sallyport_api", "server_address"}, Read: func() []Sample {
			return []Sample{{[]string{"orders", "a:80"}, 1}, {[]string{"orders", "b:80"}, 0}}
		}},
		Family{Name: "sallyport_upstream_breaker_opens_total", Help: "h", Labels: []string{"sallyport_api"}, Rising: true, Read: func() []Sample {
			return []Sample{{[]string{"orders"}, 7}}
		}},
	)
	out := scrape(t, m)
	for _, line := range []string{
		`sallyport_upstream_up{sallyport_api="orders",server_address="a:80"} 1`, `sallyport_upstream_up{sallyport_api="orders",server_address="b:80"} 0`,
		"# TYPE sallyport_upstream_up gauge", "# TYPE sallyport_upstream_breaker_opens_total counter", `sallyport_upstream_breaker_opens_total{sallyport_api="orders"} 7`,
	} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestExchangesOfOneSortCountTogetherAndOthersApart(t *testing.T) {
	t.Parallel()
	m := New()
	for i := range 2 * maxSorts {
		e := event.Event{API: "orders", Method: "GET", Template: "/a", Status: 200, Decision: event.Allow, Upstream: event.Upstream{Called: true, Status: 200}}
		m.Exchange(&e)
		e.Upstream.Called, e.Status = false, 100+i%300
		m.Exchange(&e)
	}
	out := scrape(t, m)
	for _, line := range []string{
		`http_client_request_duration_seconds_count{http_request_method="GET",http_response_status_code="200",sallyport_api="orders"} 8192`,
		`http_server_request_body_size_bytes_count{sallyport_api="orders"} 16384`,
		`http_server_request_duration_seconds_count{http_request_method="GET",http_response_status_code="399",http_route="/a",sallyport_api="orders"} 27`,
	} {
		if !strings.Contains(out, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
	if len(m.sorts) != 301 {
		t.Errorf("%d sorts", len(m.sorts))
	}
}

func TestWhatAClientWritesIsNoLabel(t *testing.T) {
	t.Parallel()
	m := New()
	m.Exchange(&event.Event{Method: "X-INVENTED", Personal: event.Personal{Path: "/secret"}})
	if out := scrape(t, m); strings.Contains(out, "INVENTED") || strings.Contains(out, "/secret") {
		t.Error("a client's text became a label")
	}
}
