package gateway

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/risk"
)

// secrets is an operation that replies with a list in which secrets are
// writeOnly and nothing else is declared but ids.
func secrets() *contract.Operation {
	property := func(name string, s *contract.Schema) contract.Property {
		return contract.Property{Name: name, Schema: s}
	}
	typed := func(t contract.Types) *contract.Schema {
		s := contract.NewSchema()
		s.Types = t
		return s
	}
	never := contract.NewSchema()
	never.Never = true
	secret := typed(contract.StringType)
	secret.WriteOnly = true
	item := typed(contract.ObjectType)
	item.Properties = []contract.Property{property("id", typed(contract.IntegerType)), property("secret", secret)}
	item.AdditionalProperties = never
	list := typed(contract.ArrayType)
	list.Items = item
	root := typed(contract.ObjectType)
	root.Properties = []contract.Property{property("items", list)}
	root.AdditionalProperties = never
	o := op("GET", "/list")
	o.Replies[0].Code, o.Replies[0].Media[0].Schema = 200, root
	return o
}

// stripper cuts what must not leave and refuses what is no JSON, or cannot be
// checked.
func stripper() risk.Risk {
	refusal := &risk.Denial{Code: "test/syntax", Status: 502, Title: "withheld", Reason: "no JSON"}
	return guarding("stripper", risk.ReplyBody, func(x *risk.Exchange) *risk.Denial {
		r := x.ReplyReading()
		if r.Has(risk.BadSyntax) || r.Unchecked {
			return refusal
		}
		for _, m := range r.Marks {
			if m.Kind == risk.WriteOnlyMember || m.Kind == risk.UndeclaredClosed {
				x.Edit(risk.Edit{Do: risk.CutMember, On: risk.OnReply, Stage: risk.Strip, Start: m.Start, End: m.End, Pointer: m.Pointer})
			}
		}
		return nil
	})
}

// listing is a reply of n items, and what of it may leave.
func listing(n int) (body, lawful string) {
	var a, b strings.Builder
	for i := range n {
		comma := ","
		if i == 0 {
			comma = ""
		}
		fmt.Fprintf(&a, `%s{"id":%d,"secret":"s-%d", "more" : {"deep":[1,2]}}`, comma, i, i)
		fmt.Fprintf(&b, `%s{"id":%d}`, comma, i)
	}
	return `{"items":[` + a.String() + `],"debug":"` + strings.Repeat("x", 1<<17) + `"}`, `{"items":[` + b.String() + `]}`
}

func TestARepliesTooLargeToHoldIsStrippedWhileItPasses(t *testing.T) {
	t.Parallel()
	body, lawful := listing(20000)
	for _, sized := range []bool{false, true} {
		t.Run(fmt.Sprint("sized ", sized), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				rw.Header().Set("Etag", `"1"`)
				if sized {
					rw.Header().Set("Content-Length", strconv.Itoa(len(body)))
				}
				_, _ = io.WriteString(rw, body)
			}, []risk.Risk{stripper()}, []*contract.Operation{secrets()})
			resp, got := w.do(t, "GET", "/list", "")
			if resp.StatusCode != 200 || got != lawful || resp.Header.Get("Etag") != "" || resp.ContentLength >= 0 {
				t.Fatalf("%d, %d bytes in place of %d, %v", resp.StatusCode, len(got), len(lawful), resp.Header)
			}
			if e := w.log.last(t); e.Kind != event.StreamClose || e.Decision != event.Allow || len(e.Edits) == 0 || e.BytesOut != int64(len(lawful)) {
				t.Errorf("the record is %+v", e)
			}
		})
	}
}

func TestAReplyThatBreaksTheContractLateNeverEndsCleanly(t *testing.T) {
	t.Parallel()
	body, _ := listing(20000)
	for name, spoiled := range map[string]string{
		"cut short":        body[:len(body)-1],
		"no JSON":          body[:len(body)-1] + `,}`,
		"a name twice":     body[:len(body)-1] + `,"items":[]}`,
		"two values":       body + `{}`,
		"invalid UTF-8":    body[:len(body)-1] + ",\"a\":\"\xff\"}",
		"half a surrogate": body[:len(body)-1] + `,"a":"\ud800"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(rw, spoiled)
			}, []risk.Risk{stripper()}, []*contract.Operation{secrets()})
			req, _ := http.NewRequestWithContext(t.Context(), "GET", w.URL+"/list", nil)
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if resp.StatusCode != 200 || err == nil || strings.Contains(string(got), "secret") || strings.Contains(string(got), "debug") {
				t.Fatalf("%d %v, %d bytes", resp.StatusCode, err, len(got))
			}
		})
	}
}

func TestAReplyThatBreaksTheContractEarlyIsAProblem(t *testing.T) {
	t.Parallel()
	body, _ := listing(20000)
	for name, c := range map[string]struct{ media, body string }{
		"no JSON":           {"application/json", "{{" + body},
		"a type not for it": {"text/plain", body},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := secrets()
			o.Replies[0].Media[0].Type = c.media
			w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", c.media)
				_, _ = io.WriteString(rw, c.body)
			}, []risk.Risk{stripper()}, []*contract.Operation{o})
			if resp, got := w.do(t, "GET", "/list", ""); resp.StatusCode != 502 || !strings.Contains(got, `"status":502`) {
				t.Errorf("%d %.200s", resp.StatusCode, got)
			}
		})
	}
}
