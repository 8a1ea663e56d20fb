package event

import (
	"encoding/base64"
	"errors"
	"fmt"
	"time"
)

// ErrKind is what Parse wraps when the record is of a kind that this version
// does not know. The record is still whole; it may come from a later version.
var ErrKind = errors.New("unknown kind of event")

// Parse reads the canonical form of one Event. It is strict: one object and
// nothing after it, "v" first, no blanks, no duplicate names, no fractions, no
// text or list over its bound, names that it does not know only in records of
// a later version (see Version). An error names the field.
func Parse(b []byte) (*Event, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("parse event: %d bytes are more than %d", len(b), MaxBytes)
	}
	r := reader{b: b}
	e := &Event{}
	r.object("", func(name string) bool { return r.field(e, name) })
	if r.err == nil && r.i != len(b) {
		r.fail("more text follows the record")
	}
	if r.err == nil && !r.versioned {
		r.fail("the record is empty")
	}
	if r.err == nil && !e.Kind.Valid() {
		r.fail("there is no kind")
	}
	if r.err != nil {
		return nil, fmt.Errorf("parse event: %w", r.err)
	}
	return e, nil
}

// field reads the value of one field of the record itself. It returns false
// for a name that it does not know.
func (r *reader) field(e *Event, name string) bool {
	if !r.versioned {
		r.version(name)
		return true
	}
	switch name {
	case "kind":
		e.Kind = word(r, "kind", ErrKind, ParseKind)
	case "id":
		var err error
		if e.ID, err = ParseID(r.text(IDLen)); err != nil || e.ID.IsZero() {
			r.failErr(errID)
		}
	case "seq":
		e.Seq = r.uint()
	case "time":
		e.Time = r.time()
	case "caller":
		e.Caller = r.caller()
	case "box":
		e.Box = r.box()
	case "objects":
		e.Objects = r.words(MaxObjects)
	case "in":
		e.BytesIn = r.int()
	case "out":
		e.BytesOut = r.int()
	case "micros":
		e.Micros = r.int()
	case "flags":
		e.Flags = r.words(MaxFlags)
	case "gap":
		e.Gap = r.gap()
	case "cut":
		e.Cut = r.cuts()
	case "upstream":
		e.Upstream = r.upstream()
	default:
		return r.headField(e, name) || r.decisionField(e, name)
	}
	return true
}

// version reads the first field, which decides how strict the rest is.
func (r *reader) version(name string) {
	if name != "v" {
		r.fail(`the first field must be "v"`)
		return
	}
	v := r.uint()
	if v == 0 && r.err == nil {
		r.fail("the version must be 1 or more")
	}
	r.versioned, r.newer = true, v > Version
}

func (r *reader) headField(e *Event, name string) bool {
	switch name {
	case "node":
		e.Node = r.text(MaxWord)
	case "plan":
		e.Plan = r.text(MaxWord)
	case "api":
		e.API = r.text(MaxWord)
	case "op":
		e.Operation = r.text(MaxText)
	case "method":
		e.Method = r.text(MaxWord)
	case "template":
		e.Template = r.text(MaxText)
	case "proto":
		e.Proto = r.text(MaxWord)
	case "tls":
		r.object(name, func(n string) bool {
			switch n {
			case "version":
				e.TLS.Version = r.text(MaxWord)
			case "suite":
				e.TLS.Suite = r.text(MaxWord)
			default:
				return false
			}
			return true
		})
	case "trace":
		e.Trace = r.text(MaxWord)
	default:
		return false
	}
	return true
}

func (r *reader) decisionField(e *Event, name string) bool {
	switch name {
	case "decision":
		e.Decision = word(r, "decision", errDecision, ParseDecision)
	case "risk":
		e.Risk = r.text(MaxWord)
	case "code":
		e.Code = r.text(MaxWord)
	case "status":
		e.Status = r.status()
	case "at":
		e.At = r.text(MaxName)
	case "reason":
		e.Reason = r.text(MaxText)
	case "target":
		e.Target = r.text(MaxName)
	case "passed":
		e.Passed = r.words(MaxPassed)
	case "would":
		e.Would = list(r, MaxWould, r.would)
	case "violations":
		e.Violations = list(r, MaxViolations, r.violation)
	case "edits":
		e.Edits = list(r, MaxEdits, r.edit)
	default:
		return false
	}
	return true
}

var (
	errDecision = errors.New("unknown decision")
	errCaller   = errors.New("unknown kind of caller")
	errCut      = errors.New("unknown name of a field that was cut")
)

func (r *reader) caller() (c Caller) {
	r.object("caller", func(n string) bool {
		switch n {
		case "kind":
			c.Kind = word(r, n, errCaller, ParseCallerKind)
		case "key":
			c.KeyID = r.text(MaxWord)
		case "tier":
			c.Tier = r.text(MaxWord)
		case "who":
			c.Pseudonym = r.text(MaxWord)
		default:
			return false
		}
		return true
	})
	return c
}

func (r *reader) box() (x Box) {
	r.object("box", func(n string) bool {
		switch n {
		case "key":
			x.Key = r.text(MaxWord)
		case "data":
			var err error
			x.Data, err = base64.RawStdEncoding.Strict().DecodeString(r.text(MaxBytes))
			if err != nil || len(x.Data) == 0 {
				r.fail("box.data is not base64 without padding")
			}
		default:
			return false
		}
		return true
	})
	return x
}

func (r *reader) upstream() (u Upstream) {
	r.object("upstream", func(n string) bool {
		switch n {
		case "called":
			u.Called = true
			r.literal("true")
		case "address":
			u.Address = r.text(MaxName)
		case "status":
			u.Status = r.status()
		case "micros":
			u.Micros = r.int()
		default:
			return false
		}
		return true
	})
	return u
}

func (r *reader) gap() (g Gap) {
	r.object("gap", func(n string) bool {
		switch n {
		case "count":
			g.Count = r.uint()
		case "from":
			g.From = r.time()
		case "to":
			g.To = r.time()
		default:
			return false
		}
		return true
	})
	return g
}

func (r *reader) would() (w Would) {
	r.object("would", func(n string) bool {
		switch n {
		case "risk":
			w.Risk = r.text(MaxWord)
		case "code":
			w.Code = r.text(MaxWord)
		case "at":
			w.At = r.text(MaxName)
		default:
			return false
		}
		return true
	})
	return w
}

func (r *reader) violation() (v Violation) {
	r.object("violations", func(n string) bool {
		switch n {
		case "pointer":
			v.Pointer = r.text(MaxText)
		case "keyword":
			v.Keyword = r.text(MaxWord)
		case "in":
			v.In = r.text(MaxWord)
		case "name":
			v.Name = r.text(MaxName)
		case "line":
			v.Line = r.text(MaxName)
		default:
			return false
		}
		return true
	})
	return v
}

func (r *reader) edit() (x Edit) {
	r.object("edits", func(n string) bool {
		switch n {
		case "kind":
			x.Kind = r.text(MaxWord)
		case "pointer":
			x.Pointer = r.text(MaxText)
		default:
			return false
		}
		return true
	})
	return x
}

func (r *reader) cuts() (all Cut) {
	for _, name := range r.words(32) {
		c := Cut(1)
		for c < endCut && c.String() != name {
			c <<= 1
		}
		switch {
		case c == endCut && r.newer: // a field of a later version
		case c == endCut, all&c != 0:
			r.failErr(fmt.Errorf("%w: %.64q", errCut, name))
		default:
			all |= c
		}
	}
	return all
}

func (r *reader) status() int {
	s := r.uint()
	if s > 999 {
		r.fail("a status has three digits")
		return 0
	}
	return int(s)
}

func (r *reader) time() time.Time {
	s := r.text(len(timeLayout))
	t, err := time.Parse(timeLayout, s)
	if r.err == nil && (err != nil || t.Format(timeLayout) != s) {
		r.fail("a time is RFC 3339 in UTC with six digits of a second")
	}
	return t
}

// word reads a word of a closed set.
func word[T any](r *reader, what string, unknown error, parse func(string) (T, bool)) T {
	s := r.text(MaxWord)
	v, ok := parse(s)
	if r.err == nil && !ok {
		r.failErr(fmt.Errorf("%s %.64q: %w", what, s, unknown))
	}
	return v
}

// list reads a list of at most limit objects.
func list[T any](r *reader, limit int, one func() T) []T {
	var all []T
	r.each(limit, func() { all = append(all, one()) })
	return all
}

func (r *reader) words(limit int) []string {
	var all []string
	r.each(limit, func() { all = append(all, r.text(MaxWord)) })
	return all
}
