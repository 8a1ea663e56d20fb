package main

import (
	"strings"
	"testing"

	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

func TestWhatOthersWroteCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é 日本":              "plain é 日本",
		"\x1b[31mred":             `\x1b[31mred`,
		"a\nb\tc":                 `a\nb\tc`,
		"user\u202etxt.exe":       `user\u202etxt.exe`,
		"\x00\x7f":                `\x00\x7f`,
		"bad \xff byte":           "bad \ufffd byte",
		"no-break\u00a0space":     `no-break\u00a0space`,
		"zero\u200bwidth and bom": `zero\u200bwidth and bom`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[0m\u202e\xff")
	fuzzloop.Run(f, func(t *testing.T, s string) {
		got := clean(s)
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("clean(%q) = %q can steer a terminal", s, got)
		}
		if clean(got) != got || !utf8.ValidString(got) {
			t.Errorf("clean(%q) changes again", got)
		}
	})
}

func TestKeysAreTakenOutOfMessages(t *testing.T) {
	t.Parallel()
	const key = "acme_live_1234567890123456789012345678901234567890123456789"
	if got := redact("unexpected argument " + key); got != "unexpected argument acme_live_[secret]" {
		t.Errorf("got %q", got)
	}
	if got := redactArgument("unexpected argument " + key[10:]); got != "unexpected argument [secret]" {
		t.Errorf("got %q", got)
	}
	if got := redact("key sp_live_8f2… is not in this store"); got != "key sp_live_8f2… is not in this store" {
		t.Errorf("a hint was taken out: %q", got)
	}
}

func TestSpans(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{"90d": 90 * day, "36h": 36 * time.Hour, "15m": 15 * time.Minute, "0s": 0, "5ms": 5 * time.Millisecond} {
		if got, err := parseSpan(in); got != want || err != nil {
			t.Errorf("%s = %v, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "90", "d", "-1d", "+1d", "1.5h", "1d12h", "99999999999d", "2147483647d", "1 d", "1D", "1w"} {
		if got, err := parseSpan(in); err == nil {
			t.Errorf("%q is taken as %v", in, got)
		}
	}
}

func FuzzSpan(f *testing.F) {
	for _, s := range []string{"90d", "1ms", "0s", "99999999999d"} {
		f.Add(s)
	}
	fuzzloop.Run(f, func(t *testing.T, s string) {
		d, err := parseSpan(s)
		if err == nil && d < 0 {
			t.Errorf("%q is the negative span %v", s, d)
		}
	})
}

func TestMoments(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"2h":                        now.Add(-2 * time.Hour),
		"0s":                        now,
		"2026-11-01":                time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		"2026-11-01T12:30":          time.Date(2026, 11, 1, 12, 30, 0, 0, time.UTC),
		"2026-11-01T12:30:05+02:00": time.Date(2026, 11, 1, 10, 30, 5, 0, time.UTC),
		"2026-11-22 10:31:07Z":      time.Date(2026, 11, 22, 10, 31, 7, 0, time.UTC),
	} {
		var m moment
		if err := m.UnmarshalText([]byte(in)); err != nil || !m.when(now).Equal(want) {
			t.Errorf("%s = %v, %v; want %v", in, m.when(now), err, want)
		}
	}
	if !(moment{}).when(now).IsZero() {
		t.Error("no moment is a moment")
	}
	for _, in := range []string{"", "yesterday", "2026-13-01", "10:31"} {
		if err := new(moment).UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is taken", in)
		}
	}
}
