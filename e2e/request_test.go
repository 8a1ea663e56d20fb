package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// request is what is sent for an operation. Mutants are changed copies.
type request struct {
	op     operation
	method string
	path   string // escaped
	query  url.Values
	media  media  // of the body; zero where there is none
	value  any    // the body before it was written
	body   []byte // as sent; nil for none
}

func (r request) String() string { return r.method + " " + r.target() }

// target is path and query as sent.
func (r request) target() string {
	if len(r.query) == 0 {
		return r.path
	}
	return r.path + "?" + r.query.Encode()
}

// write is the request for a server.
func (r request) write(base string) (*http.Request, error) {
	req, err := http.NewRequest(r.method, base+r.target(), strings.NewReader(string(r.body)))
	if err != nil {
		return nil, err
	}
	if r.body != nil {
		req.Header.Set("Content-Type", r.media.name)
	}
	return req, nil
}

var errAmbiguous = errors.New("another path of the document matches too")

// lawful builds a request that the document allows: all parameters that are
// required, some of the others, and a body where one is declared.
func (d *document) lawful(op operation) (request, error) {
	r := request{op: op, method: op.method, path: op.path, query: url.Values{}}
	for i, p := range op.params {
		if !p.required && (p.in != "query" || op.pick(p.name, 2) == 0) {
			continue
		}
		text, err := d.paramText(p)
		if err != nil && p.required {
			return r, fmt.Errorf("parameter %d (%s): %w", i, p.name, err)
		}
		switch {
		case err != nil:
		case p.in == "path":
			r.path = strings.ReplaceAll(r.path, "{"+p.name+"}", url.PathEscape(text))
		case p.in == "query":
			r.query.Set(p.name, text)
		default:
			return r, fmt.Errorf("parameter %s is in the %s", p.name, p.in)
		}
	}
	if found := d.declares(r.path); len(found) == 0 || found[0].path != op.path {
		return r, errAmbiguous
	}
	if len(op.bodies) == 0 {
		return r, nil
	}
	r.media = op.bodies[0]
	for _, m := range op.bodies {
		if m.name == "application/json" {
			r.media = m
		}
	}
	v, err := d.valid(r.media.at, r.media.schema, r.media.proposals)
	if err != nil {
		return r, fmt.Errorf("body: %w", err)
	}
	return r.with(v)
}

// with is the request with another body.
func (r request) with(v any) (request, error) {
	r.value = v
	if r.media.name != "application/json" {
		r.body = fmt.Append(nil, v)
		return r, nil
	}
	var err error
	r.body, err = json.Marshal(v)
	return r, err
}

// paramText is a valid value for a parameter, as text that does not look like
// a fixed part of a path.
func (d *document) paramText(p param) (string, error) {
	v, err := d.valid(p.at, p.schema, p.proposals)
	if err != nil {
		return "", err
	}
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	// A text that may be read as a number or as itself is avoided: validators
	// differ on it.
	const plain = "sample-a1"
	text := fmt.Sprint(v)
	_, isText := v.(string)
	if !isText && d.oracle.check(p.at, plain) == nil || text == "" || p.in == "path" && strings.Contains(text, "/") {
		text = plain
	}
	return text, d.oracle.checkText(p.at, text)
}

// choose picks n operations by hash, at least withBody of them with bodies,
// for which a lawful request can be built. It reports why others were passed
// over.
func (d *document) choose(n, withBody int) (chosen []request, passed []string) {
	ops := slices.Clone(d.ops)
	slices.SortFunc(ops, func(a, b operation) int {
		if x, y := a.hash(""), b.hash(""); x != y {
			return map[bool]int{true: -1, false: 1}[x < y]
		}
		return strings.Compare(a.String(), b.String())
	})
	bodies, rest := 0, n-withBody
	for _, op := range ops {
		has := len(op.bodies) > 0
		if has && bodies == withBody || !has && rest == 0 {
			continue
		}
		r, err := d.lawful(op)
		if err != nil {
			passed = append(passed, fmt.Sprintf("%s: %v", op, err))
			continue
		}
		if chosen = append(chosen, r); has {
			bodies++
		} else {
			rest--
		}
	}
	return chosen, passed
}
