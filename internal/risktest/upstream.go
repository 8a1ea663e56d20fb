package risktest

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"sync"
)

// An Upstream is an API as a table of rules, of which the first that fits
// answers. What none fits is 405 where a rule has the path, else 404.
type Upstream struct {
	rules []block
	// OldTLS tells that it still speaks TLS 1.0, by the line "tls 1.0" before
	// the rules.
	OldTLS bool
	// Strict tells that it reads HTTP as strictly as the gateway does, by the
	// line "strict" before the rules.
	Strict bool
}

func parseUpstream(text string) (*Upstream, error) {
	u := &Upstream{}
	text = strings.TrimLeft(text, "\n")
	text, u.OldTLS = strings.CutPrefix(text, "tls 1.0\n")
	text, u.Strict = strings.CutPrefix(text, "strict\n")
	rules, err := parseBlocks(text)
	if err != nil {
		return nil, err
	}
	for i := range rules {
		if rules[i].status == 0 || rules[i].as != "" {
			return nil, fmt.Errorf("%w: the rule %s %s needs a status and takes no caller", errBlock, rules[i].method, rules[i].path)
		}
	}
	u.rules = rules
	return u, nil
}

// minTLS is the oldest version that the upstream speaks.
func (u *Upstream) minTLS() uint16 {
	if u.OldTLS {
		return tls.VersionTLS10
	}
	return tls.VersionTLS12
}

// serve serves the upstream with nothing kept yet.
func (u *Upstream) serve() (*Server, error) {
	if u.Strict {
		return serveFront(behindFront(u.Handler()), func(string, error) {})
	}
	return Serve(u.Handler(), u.minTLS()), nil
}

// maxBody bounds what an upstream reads, in bytes.
const maxBody = 1 << 20

// Handler returns the upstream with nothing kept yet.
func (u *Upstream) Handler() http.Handler {
	return &handler{rules: u.rules, kept: map[string]string{}}
}

type handler struct {
	rules []block
	mu    sync.Mutex
	kept  map[string]string // bodies, by path; as many as there are rules
}

// ServeHTTP answers by the first rule that fits.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	there := false
	for i := range h.rules {
		b := &h.rules[i]
		if ok, err := path.Match(b.path, r.URL.Path); b.path != "*" && (err != nil || !ok) {
			continue
		}
		there = there || b.path != "*"
		if !b.takes(r.Method) || !h.fits(b, r, string(body)) {
			continue
		}
		if b.keep != "" {
			h.kept[b.keep] = string(body)
		}
		h.answer(w, r, b, string(body))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(map[bool]int{true: http.StatusMethodNotAllowed, false: http.StatusNotFound}[there])
	_, _ = io.WriteString(w, `{"error":"no"}`)
}

// takes tells whether a rule is for a method. A rule for GET answers HEAD too.
func (b *block) takes(method string) bool {
	return b.method == "*" || b.method == method || b.method == http.MethodGet && method == http.MethodHead
}

func (h *handler) fits(b *block, r *http.Request, body string) bool {
	for i := range b.conditions {
		c := &b.conditions[i]
		is := false
		switch c.what {
		case "plain":
			is = r.TLS == nil
		case "kept":
			_, is = h.kept[r.URL.Path]
		case "header":
			is = c.pattern.MatchString(strings.Join(r.Header.Values(c.name), ", "))
		case "body":
			is = c.pattern.MatchString(body)
		case "query":
			is = c.pattern.MatchString(r.URL.RawQuery)
		}
		if is == c.not {
			return false
		}
	}
	return true
}

// named puts what get finds in the place of each open NAME}}.
func named(text, open string, get func(string) string) string {
	for {
		before, rest, ok := strings.Cut(text, open)
		name, after, closed := strings.Cut(rest, "}}")
		if !ok || !closed {
			return text
		}
		text = before + get(name) + after
	}
}

// answer fills the templates of a rule: {{body}}, {{kept}}, {{path}},
// {{method}}, {{header NAME}} and {{query NAME}}.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, b *block, body string) {
	fill := func(text string) string {
		text = strings.NewReplacer("{{body}}", body, "{{kept}}", h.kept[r.URL.Path], "{{path}}", r.URL.Path, "{{method}}", r.Method).Replace(text)
		return named(named(text, "{{header ", r.Header.Get), "{{query ", r.URL.Query().Get)
	}
	w.Header()["Content-Type"] = nil
	w.Header()["Date"] = nil
	for _, f := range b.answer.fields {
		if value := fill(f.Value); value != "" {
			w.Header().Add(f.Name, value)
		}
	}
	w.WriteHeader(b.status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, fill(b.answer.body))
	}
}
