package gateway

import (
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

func TestAMemberIsCutFromARequestBeforeItGoesOn(t *testing.T) {
	t.Parallel()
	cuts := guarding("cutter", risk.Body, func(x *risk.Exchange) *risk.Denial {
		start := strings.Index(string(x.Body()), `"role"`)
		x.Edit(risk.Edit{Do: risk.CutMember, On: risk.OnRequest, Stage: risk.Strip, Start: start, End: start + len(`"role":"admin"`), Pointer: "/role"})
		return nil
	})
	w := newWorld(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, []risk.Risk{cuts},
		[]*contract.Operation{taking(op("POST", "/users"), "application/json")})
	resp, _ := w.do(t, "POST", "/users", `{"name":"al","role":"admin"}`, "Content-Type", "application/json", "Digest", "sha-256=x")
	r, body := w.got(t)
	if resp.StatusCode != http.StatusNoContent || body != `{"name":"al"}` || r.ContentLength != int64(len(body)) {
		t.Errorf("status %d, the upstream got %d bytes: %q", resp.StatusCode, r.ContentLength, body)
	}
	if r.Header.Get("Digest") != "" {
		t.Error("the digest is that of another body")
	}
}

func TestGuardsSeeWhereReplyPointsAsTheClientWill(t *testing.T) {
	t.Parallel()
	var seen string
	looks := guarding("looker", risk.Reply, func(x *risk.Exchange) *risk.Denial {
		seen = x.Response().Fields.Get("Location")
		return nil
	})
	w := newWorld(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", "http://"+r.Host+"/orders/7")
		w.WriteHeader(http.StatusSeeOther)
	}, []risk.Risk{looks}, []*contract.Operation{op("GET", "/orders")})
	resp, _ := w.do(t, "GET", "/orders", "")
	if got := resp.Header.Get("Location"); seen != got || strings.Contains(got, "://") {
		t.Errorf("the guard saw %q, the client %q", seen, got)
	}
}
