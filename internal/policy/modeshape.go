package policy

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/sallyport/sallyport/source"
)

// Limits of a dated observation.
const (
	minObserve = time.Hour
	maxObserve = 365 * day
)

const dateForm = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`

// modeShape reads a mode. words are those that can stand alone: off is a mode
// of risks only.
func modeShape(name string, words ...string) shape[Mode] {
	want := modeWords(words)
	dated := record[Mode]{members: []member[Mode]{
		part("observe", untilShape(), func(m *Mode) *Mode { return m }, "How long to observe, as a duration, or the day (UTC) on which enforcing starts.").required(),
	}}
	return shape[Mode]{
		read: func(r *reader, v source.Value) (Mode, bool) {
			switch v.Kind {
			case source.Object:
				return dated.read(r, v)
			case source.String:
				return plainMode(r, v, words)
			case source.Absent:
			case source.Null, source.Bool, source.Number, source.Array:
				r.wrongType(v, want)
			}
			return Mode{}, false
		},
		write: func(m Mode) source.Value {
			if m.Dated() {
				return dated.write(m)
			}
			return str(m.Kind.String())
		},
		schema: func(d *definitions) node {
			return d.define(name, func() node {
				return node{"anyOf": []node{{"enum": words}, dated.schema(d)}}
			})
		},
	}
}

func modeWords(words []string) string { return oneOf(append(slices.Clone(words), "{observe: 14d}")) }

func plainMode(r *reader, v source.Value, words []string) (Mode, bool) {
	if !slices.Contains(words, v.Text) {
		hint := near(v.Text, words)
		if v.Text == Off.String() {
			hint = "only a risk can be off, with a reason: risks: { cors: { mode: off, because: \"…\" } }"
		}
		r.fail(v.At, CodeBadValue, fmt.Sprintf("%s is %s, but must be %s", r.where(), quote(v.Text), modeWords(words)), hint)
		return Mode{}, false
	}
	switch v.Text {
	case Observe.String():
		r.note(v.At, CodeObserveOpen, r.where()+" observes without an end", "give it one: {observe: 14d}")
		return Mode{Kind: Observe}, true
	case Off.String():
		return Mode{Kind: Off}, true
	}
	return Mode{}, true
}

// untilShape reads the end of an observation.
func untilShape() shape[Mode] {
	span, date := length(minObserve, maxObserve), regexp.MustCompile(dateForm)
	return shape[Mode]{
		read: func(r *reader, v source.Value) (Mode, bool) {
			if v.Kind != source.String || !date.MatchString(v.Text) {
				d, ok := span.read(r, v)
				return Mode{Kind: Observe, For: d}, ok
			}
			t, err := time.Parse(time.DateOnly, v.Text)
			if err != nil {
				r.fail(v.At, CodeOutOfRange, fmt.Sprintf("%s is %s, which is no day of the calendar", r.where(), v.Text), "write year-month-day")
				return Mode{}, false
			}
			return Mode{Kind: Observe, Until: t}, true
		},
		write: func(m Mode) source.Value {
			if m.For != 0 {
				return span.write(m.For)
			}
			return str(m.Until.UTC().Format(time.DateOnly))
		},
		schema: func(d *definitions) node {
			return node{"anyOf": []node{span.schema(d), {"type": "string", "pattern": dateForm}}}
		},
	}
}
