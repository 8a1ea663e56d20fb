package gateway

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/internal/lib/secret"
	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

func secretText(s string) secret.Text { return secret.New(s) }

func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

func wantStatus(t *testing.T, resp *http.Response, body string, want int) {
	t.Helper()
	if resp.StatusCode != want {
		t.Fatalf("status %d, want %d: %s", resp.StatusCode, want, body)
	}
}

func TestALawfulRequestPassesInCanonicalForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"ok":true}`), []risk.Risk{needsKey()}, []*contract.Operation{taking(op("POST", "/a/{id}"), "application/json")})
	resp, body := w.do(t, "POST", "/a/%7ex%2c?q=%7e", `{"n":1}`, "X-Api-Key", "good", "X-Custom", "1", "X-Custom", "2",
		"X-Forwarded-For", "6.6.6.6", "Sallyport-Caller", "admin", "X-Real-Ip", "6.6.6.6", "Forwarded", "for=6.6.6.6")
	wantStatus(t, resp, body, 200)
	r, sent := w.got(t)
	if r.RequestURI != "/a/~x%2C?q=%7E" {
		t.Errorf("the upstream saw %q", r.RequestURI)
	}
	if sent != `{"n":1}` || body != `{"ok":true}` {
		t.Errorf("bodies: sent %q, got %q", sent, body)
	}
	for name, want := range map[string]string{
		"X-Api-Key": "", "Sallyport-Caller": "", "X-Real-Ip": "", "Forwarded": "", "X-Forwarded-For": "127.0.0.1",
		"X-Forwarded-Proto": "http", "X-Custom": "1",
	} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s upstream is %q, want %q", name, got, want)
		}
	}
	if len(r.Header["X-Custom"]) != 2 {
		t.Error("repeated fields must pass")
	}
	e := w.log.last(t)
	if e.Decision != event.Allow || e.Operation != "POST /a/{id}" || e.Caller.KeyID != "k_1" || !e.Upstream.Called || e.BytesIn != 7 {
		t.Errorf("event %+v", e)
	}
	if len(w.log.intents) != 1 || w.log.intents[0].ID != e.ID {
		t.Error("an unsafe request needs its intent record, with the same id")
	}
	if id := resp.Header.Get("Sallyport-Decision"); id != e.ID.String() {
		t.Errorf("decision id %q, event %s", id, e.ID)
	}
}

func TestADenialIsAProblemAndCallsNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("{}"), []risk.Risk{needsKey()}, []*contract.Operation{op("GET", "/a")})
	resp, body := w.do(t, "GET", "/a", "", "X-Api-Key", "bad")
	wantStatus(t, resp, body, 403)
	e := w.log.last(t)
	if resp.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(body, e.ID.String()) || strings.Contains(body, "because") {
		t.Errorf("%v %s", resp.Header, body)
	}
	if w.calls() != 0 || e.Risk != "needskey" || e.Code != "test/denied" || e.Decision != event.Deny {
		t.Errorf("calls %d, event %+v", w.calls(), e)
	}
}

func TestWhatHasNoSingleMeaningIsRefusedBeforeAnyGuard(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("{}"), nil, []*contract.Operation{op("GET", "/a/{id}")})
	for _, target := range []string{"/a/%2e%2e", "/a/..", "/a//b", "/a/%2fb", "/a/b%5c", "/a/%00", "/a/x?y=%zz", "/a/%252e", "/a/x;y"} {
		conn, err := net.Dial("tcp", w.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target)
		out, _ := io.ReadAll(conn)
		_ = conn.Close()
		if !bytes.HasPrefix(out, []byte("HTTP/1.1 400")) {
			t.Errorf("%s: %.80s", target, out)
		}
	}
	if w.calls() != 0 {
		t.Errorf("%d calls went upstream", w.calls())
	}
}

func TestAnUnknownRouteIsRefusedEvenWithoutGuards(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("{}"), nil, []*contract.Operation{op("GET", "/a")}, func(in *plan.Inputs) { in.APIs[0].Prefix = "/p" })
	for _, path := range []string{"/elsewhere", "/p/unknown", "/p/a/b", "/pa"} {
		resp, body := w.do(t, "GET", path, "")
		wantStatus(t, resp, body, 404)
	}
	resp, body := w.do(t, "DELETE", "/p/a", "")
	wantStatus(t, resp, body, 404)
	if w.calls() != 0 {
		t.Error("it went upstream")
	}
}

func TestHeadIsAskedAsGetWhereAGuardNeedsTheBody(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"a":1}`), []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a")})
	resp, body := w.do(t, "HEAD", "/a", "")
	wantStatus(t, resp, body, 200)
	if r, _ := w.got(t); r.Method != "GET" || body != "" || resp.ContentLength != 7 {
		t.Errorf("upstream saw %s, client got %q with length %d", r.Method, body, resp.ContentLength)
	}
	cut := guarding("cut", risk.ReplyBody, func(x *risk.Exchange) *risk.Denial {
		x.Edit(risk.Edit{Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip, Start: 1, End: 6})
		return nil
	})
	edited := newWorld(t, say(`{"a":1}`), []risk.Risk{cut}, []*contract.Operation{op("GET", "/a")})
	if resp, _ := edited.do(t, "HEAD", "/a", ""); resp.ContentLength != 2 {
		t.Errorf("HEAD tells the length of what GET would not send: %d", resp.ContentLength)
	}
	plain := newWorld(t, say(`{"a":1}`), nil, []*contract.Operation{op("GET", "/a")})
	plain.do(t, "HEAD", "/a", "")
	if r, _ := plain.got(t); r.Method != "HEAD" {
		t.Errorf("without a guard that reads, HEAD stays HEAD, got %s", r.Method)
	}
}

func TestEntityTagsAreOursAndStillProtectUpdates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Etag", `"v1"`)
		if r.Method == "PUT" && r.Header.Get("If-Match") != `"v1"` {
			rw.WriteHeader(412)
		}
		_, _ = io.WriteString(rw, `{"a":1}`)
	}, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a"), taking(op("PUT", "/a"), "application/json")})
	resp, body := w.do(t, "GET", "/a", "", "If-None-Match", `"v1"`, "Range", "bytes=0-1", "Accept-Encoding", "gzip")
	wantStatus(t, resp, body, 200)
	r, _ := w.got(t)
	if r.Header.Get("If-None-Match") != "" || r.Header.Get("Range") != "" || r.Header.Get("Accept-Encoding") != "identity" {
		t.Errorf("upstream saw %v", r.Header)
	}
	tag := resp.Header.Get("Etag")
	if tag == `"v1"` || tag == "" {
		t.Fatalf("tag %q is not ours", tag)
	}
	resp, body = w.do(t, "GET", "/a", "", "If-None-Match", tag)
	wantStatus(t, resp, body, 304)
	resp, body = w.do(t, "PUT", "/a", "{}", "If-Match", tag)
	wantStatus(t, resp, body, 200)
	resp, body = w.do(t, "PUT", "/a", "{}", "If-Match", `"sp.AAAA.InYyIg"`)
	wantStatus(t, resp, body, 412)
}

func TestDownloadsPassWithRangesAndConditionals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Etag", `"file"`)
		rw.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(rw, r, "", time.Unix(1, 0), strings.NewReader("0123456789"))
	}, []risk.Risk{watchReply()}, []*contract.Operation{giving(op("GET", "/f"), "application/octet-stream")})
	resp, body := w.do(t, "GET", "/f", "", "Range", "bytes=2-4")
	wantStatus(t, resp, body, 206)
	if body != "234" || resp.Header.Get("Etag") != `"file"` {
		t.Errorf("got %q, %v", body, resp.Header)
	}
	resp, body = w.do(t, "GET", "/f", "", "If-None-Match", `"file"`)
	wantStatus(t, resp, body, 304)
}

func TestAPartInPlaceOfTheWholeIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(206)
		_, _ = io.WriteString(rw, `{"half":`)
	}, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a")})
	resp, body := w.do(t, "GET", "/a", "", "Range", "bytes=0-7")
	wantStatus(t, resp, body, 502)
}

func zip(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, s)
	_ = z.Close()
	return b.String()
}

func TestCodedRepliesAreReadOrRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, coding, body string
		status             int
		want               string
	}{
		{"gzip is undone", "gzip", zip(`{"a":1}`), 200, `{"a":1}`},
		{"a bomb is refused", "gzip", zip(strings.Repeat(" ", 1<<18-10) + "{}"), 502, ""},
		{"an unknown coding is refused", "zstd", "xx", 502, ""},
		{"a lie is refused", "gzip", `{"a":1}`, 502, ""},
		{"two codings are refused", "gzip, gzip", zip(zip("{}")), 502, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				rw.Header().Set("Content-Encoding", c.coding)
				_, _ = io.WriteString(rw, c.body)
			}, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/a")})
			resp, body := w.do(t, "GET", "/a", "", "Accept-Encoding", "gzip")
			wantStatus(t, resp, body, c.status)
			if c.status == 200 && (body != c.want || resp.Header.Get("Content-Encoding") != "") {
				t.Errorf("got %q, %v", body, resp.Header)
			}
		})
	}
}

func TestRepliesOverTheCapThatCanOnlyBeReadWholeAreRefused(t *testing.T) {
	t.Parallel()
	for _, chunked := range []bool{false, true} {
		for _, media := range []string{"application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"} {
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", media)
				if chunked {
					_ = http.NewResponseController(rw).Flush()
				}
				_, _ = io.WriteString(rw, `"`+strings.Repeat("a", 1<<19)+`"`)
			}, []risk.Risk{watchReply()}, []*contract.Operation{giving(op("GET", "/a"), strings.Split(media, ";")[0])})
			for _, method := range []string{"GET", "HEAD"} {
				resp, body := w.do(t, method, "/a", "")
				if resp.StatusCode != 502 || strings.Contains(body, "aaaa") || method == "GET" && !strings.Contains(body, "gateway/reply-too-large") {
					t.Errorf("%s of %s: %d %.200s", method, media, resp.StatusCode, body)
				}
			}
		}
	}
}

func TestBodiesOverTheCapAreRefused(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{taking(op("POST", "/a"), "application/json"), taking(op("POST", "/b"), "application/octet-stream")}
	ops[1].Body.Media[0].Schema.Types, ops[1].Body.Media[0].Schema.Format = contract.StringType, "binary"
	w := newWorld(t, say("{}"), nil, ops)
	big := strings.Repeat("1", 1<<16+1)
	for _, path := range []string{"/a", "/b"} {
		media := map[string]string{"/a": "application/json", "/b": "application/octet-stream"}[path]
		resp, body := w.do(t, "POST", path, big, "Content-Type", media)
		wantStatus(t, resp, body, 413)
		if w.calls() != 0 {
			t.Error("it went upstream")
		}
		req, _ := http.NewRequestWithContext(t.Context(), "POST", w.URL+path, io.MultiReader(strings.NewReader(big)))
		req.Header.Set("Content-Type", media)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("%s chunked: %d", path, resp.StatusCode)
		}
	}
}

func TestAnUploadThatTricklesIsEnded(t *testing.T) {
	t.Parallel()
	o := taking(op("POST", "/f"), "application/octet-stream")
	o.Body.Media[0].Schema.Types, o.Body.Media[0].Schema.Format = contract.StringType, "binary"
	w := newWorld(t, say("{}"), nil, []*contract.Operation{o})
	conn, err := net.Dial("tcp", w.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /f HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000\r\n\r\n")
	stop := make(chan struct{})
	defer close(stop)
	go func() { // one byte each 100 ms, until the test is over
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				if _, err := conn.Write([]byte("x")); err != nil {
					return
				}
			}
		}
	}()
	start := time.Now()
	_ = conn.SetReadDeadline(start.Add(10 * time.Second))
	out, _ := io.ReadAll(conn)
	if !bytes.HasPrefix(out, []byte("HTTP/1.1 408")) || time.Since(start) > 6*time.Second {
		t.Errorf("after %v: %.80s", time.Since(start), out)
	}
}

func TestCodedBodiesAreNotTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("{}"), nil, []*contract.Operation{taking(op("POST", "/a"), "application/json")})
	resp, body := w.do(t, "POST", "/a", zip("{}"), "Content-Encoding", "gzip")
	wantStatus(t, resp, body, 415)
	if w.calls() != 0 {
		t.Error("it went upstream")
	}
}

func TestAPanicIsContained(t *testing.T) {
	t.Parallel()
	for _, phase := range []risk.Phase{risk.Identify, risk.Body, risk.Reply, risk.ReplyBody} {
		boom := guarding("boom", phase, func(x *risk.Exchange) *risk.Denial {
			if x.Request().Fields.Get("X-Boom") != "" {
				panic("boom")
			}
			return nil
		})
		w := newWorld(t, say("{}"), []risk.Risk{boom}, []*contract.Operation{taking(op("POST", "/a"), "application/json")})
		resp, body := w.do(t, "POST", "/a", "{}", "X-Boom", "1")
		wantStatus(t, resp, body, 500)
		if e := w.log.last(t); e.Risk != "boom" || e.Code != "gateway/guard-broken" || strings.Contains(body, "boom") {
			t.Errorf("%s: %+v %s", phase, e, body)
		}
		resp, body = w.do(t, "POST", "/a", "{}")
		wantStatus(t, resp, body, 200)
	}
}

func TestObserveCountsAndChangesNothing(t *testing.T) {
	t.Parallel()
	deny := guarding("deny", risk.Head, func(x *risk.Exchange) *risk.Denial {
		x.Edit(risk.Edit{Do: risk.SetField, On: risk.OnRequest, Stage: risk.Decide, Name: "X-Edited", Value: "1"})
		return denied
	})
	observe := func(until time.Time) option {
		return func(in *plan.Inputs) {
			inner := in.APIs[0].Settings
			in.APIs[0].Settings = func(o *contract.Operation) plan.Settings {
				s := inner(o)
				s.Risk = func(string) plan.Setting { return plan.Setting{Mode: plan.Observe, Until: until} }
				return s
			}
		}
	}
	ops := []*contract.Operation{op("GET", "/a")}
	w := newWorld(t, say("{}"), []risk.Risk{deny}, ops, observe(time.Now().Add(time.Hour)))
	resp, body := w.do(t, "GET", "/a", "")
	wantStatus(t, resp, body, 200)
	e := w.log.last(t)
	if len(e.Would) != 1 || e.Would[0].Risk != "deny" || e.Decision != event.Allow {
		t.Errorf("event %+v", e)
	}
	if r, _ := w.got(t); r.Header.Get("X-Edited") != "" {
		t.Error("an observed guard edited")
	}
	w.apply(t, []risk.Risk{deny}, ops, observe(time.Now().Add(-time.Second)))
	resp, body = w.do(t, "GET", "/a", "")
	wantStatus(t, resp, body, 403)
}

func TestWithoutAnIntentRecordNothingUnsafeGoesUpstream(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("{}"), nil, []*contract.Operation{taking(op("POST", "/a"), "application/json"), op("GET", "/a")})
	w.log.broken = errors.New("disk full")
	resp, body := w.do(t, "POST", "/a", "{}")
	wantStatus(t, resp, body, 503)
	if w.calls() != 0 || resp.Header.Get("Retry-After") == "" {
		t.Error("it went upstream, or does not say when to come back")
	}
	resp, body = w.do(t, "GET", "/a", "")
	wantStatus(t, resp, body, 200)
}

func TestABrokenUpstreamIs502AndASlowOne504(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/slow":
			<-r.Context().Done()
		case "/reset":
			panic(http.ErrAbortHandler)
		case "/half":
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(rw, `{"a":`)
			panic(http.ErrAbortHandler)
		}
	}, []risk.Risk{watchReply()}, []*contract.Operation{op("GET", "/slow"), op("GET", "/reset"), op("GET", "/half")})
	for path, want := range map[string]int{"/slow": 504, "/reset": 502, "/half": 502} {
		resp, body := w.do(t, "GET", path, "")
		if resp.StatusCode != want || strings.Contains(body, `{"a"`) || strings.Contains(body, "127.0.0.1") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
}

func TestAStreamThatBreaksOffDoesNotLookComplete(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.WriteString(rw, "part")
		_ = http.NewResponseController(rw).Flush()
		panic(http.ErrAbortHandler)
	}, []risk.Risk{watchReply()}, []*contract.Operation{giving(op("GET", "/f"), "application/octet-stream")})
	req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/f", nil)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if out, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("the client thinks that %q is everything", out)
	}
}

func TestPlacesAreMappedBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		h := rw.Header()
		h.Set("Location", "http://"+r.Host+"/base/a/1?x=1#f")
		h.Add("Link", `</base/a?page=2>; rel="next", <https://other.example/x>; rel="help"`)
		h.Add("Set-Cookie", "a=1; Path=/base; HttpOnly")
		h.Add("Set-Cookie", "b=1; Path=/; HttpOnly")
		rw.WriteHeader(201)
	}, nil, []*contract.Operation{op("POST", "/a")}, func(in *plan.Inputs) {
		in.APIs[0].Prefix, in.APIs[0].Upstream.Base = "/shop", "/base"
	})
	resp, body := w.do(t, "POST", "/shop/a", "")
	wantStatus(t, resp, body, 201)
	if r, _ := w.got(t); r.RequestURI != "/base/a" || r.Header.Get("X-Forwarded-Prefix") != "/shop" {
		t.Errorf("upstream saw %s", r.RequestURI)
	}
	want := map[string]string{
		"Location":   "/shop/a/1?x=1#f",
		"Link":       `</shop/a?page=2>; rel="next", <https://other.example/x>; rel="help"`,
		"Set-Cookie": "a=1; Path=/shop; HttpOnly",
	}
	for name, v := range want {
		if got := resp.Header.Get(name); got != v {
			t.Errorf("%s is %q, want %q", name, got, v)
		}
	}
	if got := resp.Header["Set-Cookie"][1]; got != "b=1; Path=/shop; HttpOnly" {
		t.Errorf("a cookie for the whole upstream host became %q", got)
	}
}

func TestEditsAreAppliedOnce(t *testing.T) {
	t.Parallel()
	cut := guarding("cut", risk.ReplyBody, func(x *risk.Exchange) *risk.Denial {
		body := string(x.Response().Body)
		i := strings.Index(body, `"secret"`)
		x.Edit(risk.Edit{Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip, Start: i, End: i + len(`"secret":"x"`), Pointer: "/secret"})
		j := strings.Index(body, `"4111"`)
		x.Edit(risk.Edit{Do: risk.ReplaceSpan, On: risk.OnReply, Stage: risk.Mask, Start: j, End: j + 6, Value: `"****"`})
		return nil
	})
	w := newWorld(t, say(`{"card":"4111","secret":"x","z":1}`), []risk.Risk{cut}, []*contract.Operation{op("GET", "/a")})
	resp, body := w.do(t, "GET", "/a", "")
	if body != `{"card":"****","z":1}` || resp.ContentLength != int64(len(body)) {
		t.Errorf("got %s with length %d", body, resp.ContentLength)
	}
	if e := w.log.last(t); len(e.Edits) != 2 || e.Edits[0].Kind != "cut/cut" || e.Edits[0].Pointer != "/secret" {
		t.Errorf("event %+v", e.Edits)
	}
}

func TestTheBudgetOfBuffersShedsLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("{}"), nil, []*contract.Operation{taking(op("POST", "/a"), "application/json")})
	taken := w.gw.buffers.left.Load() - 100
	if !w.gw.buffers.take(taken) {
		t.Fatal("take")
	}
	resp, body := w.do(t, "POST", "/a", `{"n":1}`)
	wantStatus(t, resp, body, 503)
	if e := w.log.last(t); e.Decision != event.Shed {
		t.Errorf("event %+v", e)
	}
	w.gw.buffers.give(taken)
	resp, body = w.do(t, "POST", "/a", `{"n":1}`)
	wantStatus(t, resp, body, 200)
	if left := w.gw.buffers.left.Load(); left != DefaultBuffers {
		t.Errorf("%d bytes were not given back", DefaultBuffers-left)
	}
}

// TestTheBodyIsReadForThoseWhoMayAsk holds the reading of a request's body to the
// phases whose guards are promised it.
func TestTheBodyIsReadForThoseWhoMayAsk(t *testing.T) {
	t.Parallel()
	for p := range risk.Phase(risk.Phases) {
		guard := guarding("asks", p, func(*risk.Exchange) *risk.Denial { return nil })
		var in plan.Inputs
		newWorld(t, func(http.ResponseWriter, *http.Request) {}, []risk.Risk{guard}, []*contract.Operation{taking(op("POST", "/a"), "application/json")}, func(i *plan.Inputs) { in = *i })
		made, list := plan.Compile(in)
		if err := list.Err(); err != nil {
			t.Fatal(err)
		}
		if got, want := made.APIs[0].Units[0].ReadsBody, p >= risk.Body; got != want {
			t.Errorf("a guard of phase %v: the body is read: %v, want %v", p, got, want)
		}
	}
}
