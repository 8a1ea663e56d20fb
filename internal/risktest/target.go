package risktest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/match"
	"github.com/sallyport/sallyport/risk"
)

func setBody(r *http.Request, body []byte) {
	if len(body) == 0 {
		return
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// target is the world as a probe sees it, at the server of c. Findings go to
// report.
func (w *World) target(c *client, report func(risk.Finding)) *risk.Target {
	return &risk.Target{
		Contract: w.Contract, Callers: []string{"alice", "bob"}, Send: c.send, SendRaw: c.sendRaw, Report: report,
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) { return lawful(w.Contract, w.Lawful, op) },
		Canary: canaries(),
	}
}

// lawful is the first of calls that op of c stands for.
func lawful(c *contract.Contract, calls []Call, op *contract.Operation) (*risk.Attempt, bool) {
	var routes []match.Route
	for i, o := range c.Operations {
		routes = append(routes, match.Route{Method: o.Method, Template: o.Path, Value: i})
	}
	router, _ := match.Build(routes)
	for i := range calls {
		a := &calls[i].Attempt
		p, err := canon.Path(a.Path)
		if err != nil || a.Method != op.Method {
			continue
		}
		var m match.Match
		if router.Find(p.Decoded, a.Method, &m) == match.Yes && c.Operations[m.Value] == op {
			out := *a
			return &out, true
		}
	}
	return nil, false
}

// canaries returns a maker of texts, each another one.
func canaries() func() string {
	n := 0
	return func() string {
		n++
		return letters(n)
	}
}

// letters makes 16 letters of a number.
func letters(n int) string {
	digits := fmt.Sprintf("%016d", 7919*n)
	return strings.Map(func(r rune) rune { return 'a' + (r-'0')*2 }, digits)
}
