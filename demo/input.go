package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// inputError says what is wrong with a request.
type inputError struct{ text string }

// Error is the text.
func (e *inputError) Error() string { return e.text }

func wrong(format string, args ...any) error { return &inputError{fmt.Sprintf(format, args...)} }

// A field is what the sound twin accepts in a body.
type field struct {
	name string
	need need
	ok   func(any) bool
}

// need says whether a field may be left out.
type need uint8

const (
	optional need = iota
	required
)

// text accepts strings of min to max characters.
func text(least, most int) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		n := len([]rune(s))
		return ok && n >= least && n <= most
	}
}

// pattern accepts strings that match all of re.
func pattern(re string) func(any) bool {
	all := regexp.MustCompile("^(?:" + re + ")$")
	return func(v any) bool {
		s, ok := v.(string)
		return ok && all.MatchString(s)
	}
}

// oneOf accepts the listed strings.
func oneOf(all ...string) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		return ok && slices.Contains(all, s)
	}
}

// whole accepts whole numbers from least to most.
func whole(least, most float64) func(any) bool {
	return func(v any) bool {
		f, ok := v.(float64)
		return ok && f == math.Trunc(f) && f >= least && f <= most
	}
}

// body reads a JSON object. The weak twin takes whatever parses, under any
// media type; the sound twin only the fields that are listed.
func (a *API) body(r *http.Request, fields ...field) (record, error) {
	if a.sound {
		if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
			return nil, wrong("the body must be application/json")
		}
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, wrong("read the body: %v", err)
	}
	var rec record
	if err := json.Unmarshal(raw, &rec); err != nil || rec == nil {
		return nil, wrong("the body is not a JSON object")
	}
	if !a.sound {
		return rec, nil
	}
	return rec, check(rec, fields)
}

// check holds rec against the fields.
func check(rec record, fields []field) error {
	for name := range rec {
		if !slices.ContainsFunc(fields, func(f field) bool { return f.name == name }) {
			return wrong("the field is not known")
		}
	}
	for _, f := range fields {
		v, there := rec[f.name]
		if !there && f.need == required {
			return wrong("field %s is missing", f.name)
		}
		if there && !f.ok(v) {
			return wrong("field %s is not valid", f.name)
		}
	}
	return nil
}

// page reads limit and offset. The weak twin takes any size; rows has the last
// word.
func (a *API) page(r *http.Request) (limit, offset int, err error) {
	limit, offset = 20, 0
	for name, to := range map[string]*int{"limit": &limit, "offset": &offset} {
		s := r.URL.Query().Get(name)
		if s == "" {
			continue
		}
		if *to, err = strconv.Atoi(s); err != nil || *to < 0 {
			return 0, 0, wrong("parameter %s is not valid", name)
		}
	}
	if a.sound && (limit < 1 || limit > 100 || offset > 10000) {
		return 0, 0, wrong("the page is too large")
	}
	return limit, offset, nil
}

// belted is the demo's seat belt: text that is about to be put into SQL must
// not start a second statement or build something huge.
func belted(s string) (string, error) {
	low := strings.ToLower(s)
	if len(s) > maxSearch || strings.Contains(s, ";") || strings.Contains(low, "recursive") || strings.Contains(low, "blob") {
		return "", wrong("the demo does not search for that")
	}
	return s, nil
}

// number is an id from the path. The weak twin takes text that only starts
// with one.
func (a *API) number(r *http.Request, name string) (int64, error) {
	s := r.PathValue(name)
	if !a.sound {
		s = s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, wrong("the id is not a number")
	}
	return n, nil
}
