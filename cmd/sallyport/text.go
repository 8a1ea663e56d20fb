package main

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// clean makes text of others fit for a terminal: what cannot be printed, or
// changes the direction of what follows, is escaped.
func clean(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) && !strings.ContainsRune(s, unicode.ReplacementChar) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		q := strconv.QuoteRuneToASCII(r)
		b.WriteString(q[1 : len(q)-1])
	}
	return b.String()
}

// redact takes keys out of a message: people paste keys where something else
// belongs.
func redact(s string) string {
	return regexp.MustCompile(`([a-z][a-z0-9]{1,15}_live_)[0-9A-Za-z]{6,}`).ReplaceAllString(s, "${1}[secret]")
}

// redactArgument is redact for messages that quote an argument, which may also
// be a part of a key without its prefix.
func redactArgument(s string) string {
	return regexp.MustCompile(`[0-9A-Za-z]{40,}`).ReplaceAllString(redact(s), "[secret]")
}

// table prints rows with aligned columns.
func table(w io.Writer, rows [][]string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		if _, err := fmt.Fprintln(t, strings.Join(row, "\t")); err != nil {
			return fmt.Errorf("write the output: %w", err)
		}
	}
	if err := t.Flush(); err != nil {
		return fmt.Errorf("write the output: %w", err)
	}
	return nil
}

// A span is a duration as flags and the policy write it: 90d, 36h, 15m.
type span time.Duration

// day is how spans count days.
const day = 24 * time.Hour

// UnmarshalText reads one whole number with its unit.
func (s *span) UnmarshalText(text []byte) error {
	d, err := parseSpan(string(text))
	*s = span(d)
	return err
}

func parseSpan(text string) (time.Duration, error) {
	units := []struct {
		name string
		size time.Duration
	}{{"ms", time.Millisecond}, {"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	for _, u := range units {
		digits, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(digits, 10, 31)
		if err == nil && int64(n) <= int64(1<<63-1)/int64(u.size) {
			return time.Duration(n) * u.size, nil
		}
		break
	}
	return 0, fmt.Errorf("%q is no duration: write one whole number and its unit, such as 90d, 36h or 15m", clean(text))
}

// String prints whole days as such, anything else as Go does.
func (s span) String() string {
	if d := time.Duration(s); d == 0 || d%day != 0 {
		return d.String()
	}
	return fmt.Sprintf("%dd", time.Duration(s)/day)
}

// A moment is a point in time as a flag gives it: absolute, or ago.
type moment struct {
	at  time.Time
	ago time.Duration
	set bool
}

// UnmarshalText reads RFC 3339, a date, a date with a time (UTC), or how long
// ago.
func (m *moment) UnmarshalText(text []byte) error {
	m.set = true
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z", time.DateTime} {
		if t, err := time.Parse(layout, string(text)); err == nil {
			m.at = t.UTC()
			return nil
		}
	}
	d, err := parseSpan(string(text))
	if err != nil {
		return fmt.Errorf("%q is no time: write 2026-11-22, 2026-11-22T10:31:07Z, or how long ago, such as 2h or 7d", clean(string(text)))
	}
	m.ago = d
	return nil
}

// when is the time that is meant, zero when none was given.
func (m moment) when(now time.Time) time.Time {
	if m.set && m.at.IsZero() {
		return now.Add(-m.ago)
	}
	return m.at
}

// stamp prints a time in UTC to the second.
func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// dash is s, or - where there is nothing.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// plural is n with its noun.
func plural[N int | int64 | uint64](n N, noun string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
