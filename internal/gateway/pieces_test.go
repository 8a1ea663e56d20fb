package gateway

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// manySecrets is secrets for values one after the other.
func manySecrets(media string) *contract.Operation {
	o := secrets()
	m := o.Replies[0].Media[0]
	m.Type, m.Schema = media, m.Schema.Properties[0].Schema.Items
	return o
}

// lines is a reply of n values, and what of it may leave.
func lines(n int, form string) (body, lawful string) {
	var a, b strings.Builder
	for i := range n {
		fmt.Fprintf(&a, form, fmt.Sprintf(`{"id":%d,"secret":"s-%d", "more" : {"deep":[1,2]}}`, i, i))
		fmt.Fprintf(&b, form, fmt.Sprintf(`{"id":%d}`, i))
	}
	return a.String(), b.String()
}

func TestManyValuesAreStrippedWhileTheyPass(t *testing.T) {
	t.Parallel()
	for media, form := range map[string]string{"application/x-ndjson": "%s\n", "application/jsonl": "%s\r\n", "application/json-seq": "\x1e%s\n"} {
		for _, n := range []int{1, 20000} {
			body, lawful := lines(n, form)
			for _, coding := range []string{"", "sized", "gzip", "br"} {
				sent := body // made here: an upstream that is busy with it would be too slow
				if coding == "gzip" || coding == "br" {
					sent = coded(coding, body)
				}
				t.Run(fmt.Sprintf("%s, %d, %q", media, n, coding), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
						rw.Header().Set("Content-Type", media)
						switch coding {
						case "":
							_ = http.NewResponseController(rw).Flush()
							_, _ = io.WriteString(rw, body)
						case "sized":
							rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
							_, _ = io.WriteString(rw, body)
						default:
							rw.Header().Set("Content-Encoding", coding)
							_, _ = io.WriteString(rw, sent)
						}
					}, []risk.Risk{stripper()}, []*contract.Operation{manySecrets(media)})
					if resp, got := w.do(t, "GET", "/list", ""); resp.StatusCode != 200 || got != lawful || resp.Header.Get("Content-Encoding") != "" {
						t.Fatalf("%d, %d bytes in place of %d, %v", resp.StatusCode, len(got), len(lawful), resp.Header)
					}
					if e := w.log.last(t); e.Decision != event.Allow || e.BytesOut != int64(len(lawful)) || len(e.Edits) == 0 {
						t.Errorf("the record is %+v", e)
					}
				})
			}
		}
	}
}

// trickle writes each text of a channel at once.
func trickle(media string, texts <-chan string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", media)
		for {
			select {
			case text, more := <-texts:
				if !more {
					return
				}
				_, _ = io.WriteString(rw, text)
				_ = http.NewResponseController(rw).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestEachValueOfAnEndlessReplyLeavesAtOnce(t *testing.T) {
	t.Parallel()
	for media, form := range map[string]string{"application/x-ndjson": "%s\n", "application/json-seq": "\x1e%s\n"} {
		for _, end := range []string{"the key is revoked", "a value is broken", "the service ends it"} {
			t.Run(media+", "+end, func(t *testing.T) {
				t.Parallel()
				texts := make(chan string, 1)
				w := newWorld(t, trickle(media, texts), []risk.Risk{needsKey(), stripper()}, []*contract.Operation{manySecrets(media)})
				texts <- fmt.Sprintf(form, `{"id":0,"secret":"x"}`)
				req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/list", nil)
				req.Header.Set("X-Api-Key", "good")
				resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				r := bufio.NewReader(resp.Body)
				for i := range 5 {
					want := fmt.Sprintf(form, fmt.Sprintf(`{"id":%d}`, i))
					if line, err := r.ReadString('\n'); err != nil || line != want {
						t.Fatalf("%q, %v, in place of %q", line, err, want)
					}
					text := fmt.Sprintf(form, fmt.Sprintf(`{"id":%d, "secret":"x"}`, i+1))
					texts <- text[:len(text)/2]
					texts <- text[len(text)/2:]
				}
				if _, err := r.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
				switch end {
				case "the key is revoked":
					w.keys.revoke()
				case "a value is broken":
					texts <- fmt.Sprintf(form, `{"id":7,"secret":"x",}`)
				default:
					close(texts)
				}
				rest, err := io.ReadAll(r)
				if clean := err == nil; clean != (end == "the service ends it") || bytes.Contains(rest, []byte("secret")) {
					t.Errorf("%q, %v", rest, err)
				}
				waitKinds(t, w, event.StreamClose)
			})
		}
	}
}

func TestAnEndlessReplyThatIsWrongAtOnceIsAProblem(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]string{"{\n": "test/syntax", "\n": "test/syntax", "{\"id\":1,\"id\":2}\n": "test/syntax"} {
		texts := make(chan string, 1)
		texts <- text
		w := newWorld(t, trickle("application/x-ndjson", texts), []risk.Risk{stripper()}, []*contract.Operation{manySecrets("application/x-ndjson")})
		if resp, got := w.do(t, "GET", "/list", ""); resp.StatusCode != 502 || !strings.Contains(got, code) {
			t.Errorf("%q: %d %s", text, resp.StatusCode, got)
		}
	}
}

// An old client that is not told the length must see a reset, not an end.
func TestAnOldClientSeesThatAReplyWasCutOff(t *testing.T) {
	t.Parallel()
	body, _ := lines(20000, "%s\n")
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/x-ndjson")
		_, _ = io.WriteString(rw, body+"{")
	}, []risk.Risk{stripper()}, []*contract.Operation{manySecrets("application/x-ndjson")})
	conn := w.dial(t)
	fmt.Fprint(conn, "GET /list HTTP/1.0\r\nHost: x\r\n\r\n")
	if got, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestTextOverTheCapPassesAsItIs(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("é ", 1<<18)
	for _, sized := range []bool{false, true} {
		w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/csv")
			rw.Header().Set("Content-Digest", "sha-256=:x:")
			rw.Header().Set("Etag", `"1"`)
			if sized {
				rw.Header().Set("Content-Length", strconv.Itoa(len(text)))
			}
			_, _ = io.WriteString(rw, text)
		}, []risk.Risk{watchReply()}, []*contract.Operation{giving(op("GET", "/a"), "text/csv")})
		before := w.gw.buffers.left.Load()
		for _, method := range []string{"GET", "HEAD"} {
			resp, got := w.do(t, method, "/a", "")
			want := int64(-1)
			if sized {
				want = int64(len(text))
			}
			if resp.StatusCode != 200 || resp.ContentLength != want || resp.Header.Get("Content-Digest") == "" || resp.Header.Get("Etag") != "" || method == "GET" && got != text {
				t.Errorf("%s, sized %v: %d, %d bytes, %v", method, sized, resp.StatusCode, len(got), resp.Header)
			}
		}
		waitBudget(t, w, before)
	}
}

// waitBudget waits until all that exchanges held has come back, and no more.
func waitBudget(t *testing.T, w *world, want int64) {
	t.Helper()
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		left := w.gw.buffers.left.Load()
		if left == want {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("%d bytes of the budget are left, of %d", left, want)
		}
	}
}

func TestAStreamHoldsLittleOfTheBudget(t *testing.T) {
	t.Parallel()
	body, _ := lines(4000, "%s,")
	hold := make(chan struct{})
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Content-Encoding", "gzip")
		z := coders()["gzip"](rw)
		_, _ = io.WriteString(z, `{"items":[`+strings.Repeat(body, 4))
		_ = z.(interface{ Flush() error }).Flush()
		_ = http.NewResponseController(rw).Flush()
		select {
		case <-hold:
		case <-r.Context().Done():
		}
		_, _ = io.WriteString(z, `{"id":1}]}`)
		_ = z.Close()
	}, []risk.Risk{stripper()}, []*contract.Operation{secrets()})
	before := w.gw.buffers.left.Load()
	req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/list", nil)
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, 1<<17); err != nil {
		t.Fatal(err)
	}
	waitBudget(t, w, before-filterBytes-deflateRoom)
	close(hold)
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
	waitBudget(t, w, before)
}

func TestAReplyNobodyTypedPassesWhereGuardsLetIt(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("x", 1<<19)
	for _, media := range []string{"", "application/x-odd", "nonsense"} {
		for _, c := range []struct {
			guard  risk.Risk
			status int
		}{{watchReply(), 200}, {stripper(), 502}} {
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header()["Content-Type"] = nil
				if media != "" {
					rw.Header().Set("Content-Type", media)
				}
				_, _ = io.WriteString(rw, text)
			}, []risk.Risk{c.guard}, []*contract.Operation{secrets()})
			if resp, got := w.do(t, "GET", "/list", ""); resp.StatusCode != c.status || c.status == 200 && got != text {
				t.Errorf("%q: %d, %d bytes", media, resp.StatusCode, len(got))
			}
		}
	}
}

func TestHeadOfAReplyOverTheCapIsThatOfItsGet(t *testing.T) {
	t.Parallel()
	body, _ := listing(20000)
	for text, status := range map[string]int{body: 200, "{{" + body: 502} {
		for _, sized := range []bool{false, true} {
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				if sized {
					rw.Header().Set("Content-Length", strconv.Itoa(len(text)))
				}
				_, _ = io.WriteString(rw, text)
			}, []risk.Risk{stripper()}, []*contract.Operation{secrets()})
			get, _ := w.do(t, "GET", "/list", "")
			head, none := w.do(t, "HEAD", "/list", "")
			if get.StatusCode != status || head.StatusCode != status || none != "" || status == 200 && head.ContentLength >= 0 || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
				t.Errorf("sized %v: GET %d %v, HEAD %d %v", sized, get.StatusCode, get.Header, head.StatusCode, head.Header)
			}
			if e := w.log.last(t); status == 200 && e.Decision != event.Allow {
				t.Errorf("the record is %+v", e)
			}
		}
	}
}

func TestARefusalOverTheCapIsNotPassed(t *testing.T) {
	t.Parallel()
	body, _ := listing(20000)
	o := secrets()
	o.Replies[0].Code = 404
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(404)
		_, _ = io.WriteString(rw, body)
	}, []risk.Risk{stripper()}, []*contract.Operation{o})
	if resp, got := w.do(t, "GET", "/list", ""); resp.StatusCode != 502 || strings.Contains(got, "secret") {
		t.Errorf("%d %.200s", resp.StatusCode, got)
	}
	if e := w.log.last(t); e.Code != string(fault.ReplyTooLarge) || !strings.Contains(e.Reason, "refusal") {
		t.Errorf("the record says %s: %s", e.Code, e.Reason)
	}
}

// hiding is a guard that follows replies.
type hiding struct{}

func (hiding) Check(*risk.Exchange) *risk.Denial { return nil }

func (hiding) Follow() risk.Guard { return &follower{} }

// A follower hides a reply that holds a word.
type follower struct{ seen []byte }

func (f *follower) Check(x *risk.Exchange) *risk.Denial {
	r := x.Response()
	if !r.End {
		if r.Offset != len(f.seen) {
			return denied
		}
		f.seen = append(f.seen, r.Body...)
	}
	if bytes.Contains(f.seen, []byte("inside-out")) {
		x.Edit(risk.Edit{Do: risk.HideBody, On: risk.OnReply, Stage: risk.Mask, Code: "test/hidden", Value: "hidden"})
	}
	return nil
}

func TestAGuardFollowsAReplyAcrossItsPieces(t *testing.T) {
	t.Parallel()
	hide := risk.Risk{ID: "hide", Phases: []risk.Phase{risk.ReplyBody}, Guard: func(s *risk.Site) ([]risk.Placed, error) {
		if s.Scope != risk.OfOperation {
			return nil, nil
		}
		return risk.At(risk.ReplyBody, hiding{}), nil
	}}
	for _, at := range []int{10, pieceBytes - 5, 1 << 18, 1<<18 + pieceBytes/2, 1 << 19} {
		text := strings.Repeat("x", at) + "inside-out" + strings.Repeat("x", 1<<19)
		w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", "text/plain")
			_, _ = io.WriteString(rw, text)
		}, []risk.Risk{hide}, []*contract.Operation{giving(op("GET", "/a"), "text/plain")})
		req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/a", nil)
		resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		whole := at < 1<<18-pieceBytes // it was seen before the head was sent
		if bytes.Contains(got, []byte("inside-out")) || err == nil != whole || whole && !bytes.Contains(got, []byte("test/hidden")) {
			t.Errorf("at %d: %d, %d bytes, %v", at, resp.StatusCode, len(got), err)
		}
		if !whole {
			waitKinds(t, w, event.StreamClose)
			if e := w.log.last(t); e.Decision != event.Deny || e.Risk != "hide" || e.Code != "test/hidden" {
				t.Errorf("at %d: the record is %v %s %s", at, e.Decision, e.Risk, e.Code)
			}
		}
	}
}
