package framing

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/event"
)

// TestTheReaderIsStrict: what the judge takes for right and wrong.
func TestTheReaderIsStrict(t *testing.T) {
	t.Parallel()
	const head = "POST /a HTTP/1.1\r\nHost: a\r\n"
	for text, want := range map[string]string{ // "" for one request, "never" for one that must not be forwarded
		head + "\r\n":                         "",
		head + "Content-Length: 3\r\n\r\nabc": "",
		head + "Transfer-Encoding: chunked\r\n\r\n3;a=\"b;c\"\r\nabc\r\n0\r\nX-T: v\r\n\r\n": "",
		"GET http://A/x?y HTTP/1.1\r\nHost: a\r\n\r\n":                                       "",
		"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n":                                       "",
		"GET /a HTTP/1.0\r\n\r\n":                                                            "",
		"GET * HTTP/1.1\r\nHost: a\r\n\r\n":                                                  "never",
		"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n":                                          "never",
		"GET /a HTTP/1.1\r\n\r\n":                                                            "never",
		head + "Host: a\r\n\r\n":                                                             "never",
		"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n":                                              "never",
		"GET /a HTTP/1.1\nHost: a\n\n":                                                       "bare LF",
		head + "X: a\rb\r\n\r\n":                                                             "bare CR",
		head + " X: a\r\n\r\n":                                                               "field line",
		head + "X : a\r\n\r\n":                                                               "field line",
		head + "X: \x00\r\n\r\n":                                                             "NUL",
		head + "Content-Length: +3\r\n\r\nabc":                                               "Content-Length",
		head + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc":                           "doubled",
		head + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n":                     "Content-Length and",
		head + "Transfer-Encoding: xchunked\r\n\r\n":                                         "Transfer-Encoding",
		"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n":                             "Transfer-Encoding",
		head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n":                             "does not end",
		head + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n":                            "chunk line",
		head + "Transfer-Encoding: chunked\r\n\r\n3;a=\"\r\nabc\r\n":                         "chunk line",
		head + "Content-Length: 3\r\n\r\nab":                                                 "not ended",
		head + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n":                         "not ended",
		"\r\n" + head + "\r\n":                                                               "request line",
		"GET  /a HTTP/1.1\r\n\r\n":                                                           "request line",
		"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n":                                        "CONNECT",
	} {
		list, _, err := requests([]byte(text), false)
		switch {
		case want == "" || want == "never":
			if err != nil || len(list) != 1 || (list[0].never != nil) != (want == "never") {
				t.Errorf("%q: %d requests, %v", text, len(list), err)
			}
		case err == nil || !strings.Contains(err.Error(), want):
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestTheJudgeNotices gives the judge tapes that no gateway may make.
func TestTheJudgeNotices(t *testing.T) {
	t.Parallel()
	const decision = "Sallyport-Decision: 01M812VECP52Q5QJCYCGYGSYRN\r\n"
	request := "POST /echo/000001a HTTP/1.1\r\nHost: a\r\n" + decision + "Content-Length: 5\r\n\r\nhello"
	reply := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Saw: 1 POST /echo/000001a 5 3610a686\r\n\r\n"
	p := whole("a", "b", post(0, "Content-Length: 5\r\n")+"hello")
	out := outcome{raw: []byte("HTTP/1.1 200 OK\r\nX-Saw: 1 POST /echo/000001a 5 3610a686\r\nSallyport-Decision: 01M812VECP52Q5QJCYCGYGSYRN\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")}
	for want, edit := range map[string]func(tp *tape, p *probe, o *outcome){
		"":                       func(*tape, *probe, *outcome) {},
		"bare LF":                func(tp *tape, _ *probe, _ *outcome) { tp.up = []byte(strings.Replace(request, "\r\n", "\n", 1)) },
		"not ended":              func(tp *tape, _ *probe, _ *outcome) { tp.up = tp.up[:len(tp.up)-1] },
		"of no case":             func(tp *tape, _ *probe, _ *outcome) { tp.up = []byte(strings.ReplaceAll(request, "000001", "000002")) },
		"no well-formed request": func(tp *tape, _ *probe, _ *outcome) { tp.up = []byte(strings.ReplaceAll(request, "1a", "1s")) },
		"became one of": func(tp *tape, _ *probe, _ *outcome) {
			tp.up = []byte(strings.Replace(request, "5\r\n\r\nhello", "4\r\n\r\nhell", 1))
		},
		"the field connection": func(tp *tape, _ *probe, _ *outcome) {
			tp.up = []byte(strings.Replace(request, "Content-", "Connection: close\r\nContent-", 1))
		},
		"0 Sallyport-Decision": func(tp *tape, _ *probe, _ *outcome) { tp.up = []byte(strings.Replace(request, decision, "", 1)) },
		"became PUT":           func(tp *tape, _ *probe, _ *outcome) { tp.up = []byte(strings.Replace(request, "POST", "PUT", 1)) },
		"the back end saw": func(tp *tape, _ *probe, _ *outcome) {
			tp.down = []byte(strings.Replace(reply, "5 3610a686", "4 3610a686", 1))
		},
		"answers more than was asked": func(tp *tape, _ *probe, _ *outcome) { tp.down = slices.Concat(tp.down, tp.down) },
		"counts 0 requests":           func(tp *tape, _ *probe, _ *outcome) { tp.down = []byte(strings.Replace(reply, "1 POST", "0 POST", 1)) },
		"it saw 9 requests":           func(tp *tape, _ *probe, _ *outcome) { tp.down = []byte(strings.Replace(reply, "1 POST", "9 POST", 1)) },
		"not that to": func(_ *tape, _ *probe, o *outcome) {
			o.raw = []byte(strings.Replace(string(o.raw), "000001a", "000001b", 1))
		},
		"1 requests are well formed": func(_ *tape, p *probe, o *outcome) {
			p.steps[0].send = post(0, "Content-Length: 5\r\n") + "hello\n\n"
			o.raw = slices.Concat([]byte(strings.Replace(string(o.raw), "Connection: close\r\n", "", 1)), o.raw)
		},
		"a reply behind the last one": func(_ *tape, _ *probe, o *outcome) { o.raw = slices.Concat(o.raw, o.raw) },
		"0 replies to 2 requests":     func(_ *tape, _ *probe, o *outcome) { o.raw = nil },
		"the client was not told":     func(_ *tape, _ *probe, o *outcome) { o.raw = []byte(strings.Replace(string(o.raw), "01M8", "01M9", 1)) },
		"the connection never ended":  func(_ *tape, _ *probe, o *outcome) { o.hung = true },
		"a reply with the status 100": func(_ *tape, _ *probe, o *outcome) {
			o.raw = slices.Concat([]byte("HTTP/1.1 100 Continue\r\n\r\n"), o.raw)
		},
		"is lawful and was not": func(_ *tape, p *probe, _ *outcome) { p.lawful = true }, // the second one is not answered
		"the record of":         nil,
		"no record of":          nil,
		"and nothing was":       nil,
	} {
		q, o := p, out
		q.steps = slices.Clone(p.steps)
		tp := &tape{up: []byte(request), down: []byte(reply)}
		id, err := event.ParseID("01M812VECP52Q5QJCYCGYGSYRN")
		if err != nil {
			t.Fatal(err)
		}
		e := &event.Event{ID: id, Method: "POST", Decision: event.Allow, Status: 200, Upstream: event.Upstream{Called: true, Status: 200}}
		records := map[string]*event.Event{id.String(): e}
		switch want {
		case "the record of":
			e.Method = "GET"
		case "no record of":
			clear(records)
		case "and nothing was":
			records["x"] = e
		default:
			edit(tp, &q, &o)
		}
		j := newJudge()
		j.replies(&q, 1, &o)
		byMark := j.tapes([]*tape{tp}, "it")
		j.settle(byMark)
		j.events(records, byMark)
		found := slices.ContainsFunc(j.faults, func(f string) bool { return strings.Contains(f, want) })
		if want == "" && len(j.faults) > 0 || want != "" && !found {
			t.Errorf("%q: the judge says %q", want, j.faults)
		}
	}
}

// TestStreamsAreReadStrictly: what the judge takes for a request of HTTP/2.
func TestStreamsAreReadStrictly(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]stream{
		"":            {head: with("POST", octets), data: []string{"a", "b"}},
		"twice":       {head: with("GET", [2]string{":path", "/"})},
		"name":        {head: with("GET", [2]string{"X-A", "b"})},
		"value":       {head: with("GET", [2]string{"x-a", "b\r\nc: d"})},
		"connection":  {head: with("GET", [2]string{"connection", "close"})},
		"authority":   {head: with("GET", [2]string{"host", "evil"})},
		"Content-Len": {head: with("POST", [2]string{"content-length", "1"}), data: []string{"ab"}},
		"trailer":     {head: with("POST"), trailers: fields{{":path", "/"}}},
		"pseudo":      {head: with("GET", [2]string{":x", "y"})[:4:4], broken: true},
	} {
		_, err := s.request(1)
		if want == "pseudo" {
			want = "frames"
		}
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) || errors.Is(err, errCut) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
