package policy

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/sallyport/sallyport/source"
)

// unit is one unit of an amount.
type unit struct {
	name string
	size int64
}

// The units, the greatest first.
func timeUnits() []unit {
	return []unit{{"d", int64(24 * time.Hour)}, {"h", int64(time.Hour)}, {"m", int64(time.Minute)}, {"s", int64(time.Second)}, {"ms", int64(time.Millisecond)}}
}

func sizeUnits() []unit {
	return []unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
}

const (
	timeForm = `^[0-9]{1,9}(ms|s|m|h|d)$`
	sizeForm = `^[0-9]{1,12}(B|KiB|MiB|GiB)$`
)

// amount is a whole number with a unit, kept in the smallest one.
type amount struct {
	form, want, example string
	units               []unit
	low, high           int64
}

const day = 24 * time.Hour

// length is a duration such as "30s", from low to high.
func length(low, high time.Duration) shape[time.Duration] {
	a := amount{timeForm, "a duration such as 30s, 5m or 90d", "s", timeUnits(), int64(low), int64(high)}
	return shape[time.Duration]{
		read: func(r *reader, v source.Value) (time.Duration, bool) {
			n, ok := a.read(r, v)
			return time.Duration(n), ok
		},
		write:  func(d time.Duration) source.Value { return a.write(int64(d)) },
		schema: a.schema,
	}
}

// size is a number of bytes such as "64KiB", from low to high.
func size(low, high int64) shape[int64] {
	a := amount{sizeForm, "a size such as 64KiB or 1MiB", "KiB", sizeUnits(), low, high}
	return shape[int64]{read: a.read, write: a.write, schema: a.schema}
}

func (a amount) schema(*definitions) node { return node{"type": "string", "pattern": a.form} }

// bare is an amount without its unit.
var bare = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

func (a amount) read(r *reader, v source.Value) (int64, bool) {
	switch {
	case v.Kind == source.Absent:
		return 0, false
	case (v.Kind == source.Number || v.Kind == source.String) && bare.MatchString(v.Text):
		r.fail(v.At, CodeUnit, fmt.Sprintf("%s is %s without a unit", r.where(), quote(v.Text)), "write the unit, such as "+v.Text+a.guess(v.Text))
		return 0, false
	case !r.is(v, source.String, a.want):
		return 0, false
	}
	if !regexp.MustCompile(a.form).MatchString(v.Text) {
		hint := "one whole number and one unit: " + a.names()
		r.fail(v.At, CodeBadValue, fmt.Sprintf("%s is %s, but must be %s", r.where(), quote(v.Text), a.want), hint)
		return 0, false
	}
	n, ok := a.value(v.Text)
	if !ok || n < a.low || n > a.high {
		r.fail(v.At, CodeOutOfRange, fmt.Sprintf("%s is %s, but must be from %s to %s", r.where(), v.Text, a.text(a.low), a.text(a.high)), "")
		return 0, false
	}
	return n, true
}

// guess is the unit that was likely meant.
func (a amount) guess(text string) string {
	switch {
	case a.example == "s" && a.low >= int64(time.Hour):
		return "d"
	case a.example == "KiB" && len(text) > 3:
		return "B"
	}
	return a.example
}

// value is text in the smallest unit; false where it does not fit.
func (a amount) value(text string) (int64, bool) {
	i := 0
	for i < len(text) && text[i] >= '0' && text[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(text[:i], 10, 64)
	for _, u := range a.units {
		if u.name == text[i:] {
			return n * u.size, err == nil && n <= math.MaxInt64/u.size
		}
	}
	return 0, false
}

// text is n in the greatest unit that divides it.
func (a amount) text(n int64) string {
	for _, u := range a.units {
		if n != 0 && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + u.name
		}
	}
	return "0" + a.example
}

func (a amount) write(n int64) source.Value { return str(a.text(n)) }

func (a amount) names() string {
	words := make([]string, len(a.units))
	for i, u := range a.units {
		words[len(words)-1-i] = u.name
	}
	return oneOf(words)
}
