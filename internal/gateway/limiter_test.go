package gateway

import (
	"net/http"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/ratelimit"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// limiting denies the third exchange, and a second one under way.
func limiting() risk.Risk {
	many := &risk.Denial{Code: "limit/rate", Status: 429, Title: "too many", Reason: "test"}
	busy := &risk.Denial{Code: "limit/busy", Status: 429, Title: "busy", Reason: "test"}
	return guarding("limit", risk.Admit, func(x *risk.Exchange) *risk.Denial {
		l, user := x.Env().Limiter(), risk.User{Scope: "test", Addr: x.Conn().Client}
		if !l.Take(user, ratelimit.Rate{Every: time.Hour, Burst: 2}).OK {
			return many
		}
		if !l.Hold(user, 1) {
			return busy
		}
		return nil
	})
}

func TestCountersOutlivePlansAndKeepWhatIsObservedApart(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{op("GET", "/a")}
	risks := []risk.Risk{limiting()}
	observe := func(in *plan.Inputs) {
		for i := range in.APIs {
			s := in.APIs[i].Settings
			in.APIs[i].Settings = func(o *contract.Operation) plan.Settings {
				out := s(o)
				out.Risk = func(string) plan.Setting { return plan.Setting{Mode: plan.Observe} }
				return out
			}
		}
	}
	w := newWorld(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{}`))
	}, risks, ops, observe)
	ask := func(want int) {
		t.Helper()
		if resp, body := w.do(t, "GET", "/a", ""); resp.StatusCode != want {
			t.Errorf("got %d %s, want %d", resp.StatusCode, body, want)
		}
	}
	for range 3 {
		ask(200)
	}
	if e := w.log.last(t); len(e.Would) != 1 || e.Would[0].Code != "limit/rate" {
		t.Errorf("the third is not counted: %+v", e.Would)
	}
	w.apply(t, risks, ops)
	ask(200)
	ask(200) // the place that the first held is free again
	ask(429)
	w.apply(t, risks, ops)
	ask(429)
}
