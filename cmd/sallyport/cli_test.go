package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

// newConsole is a console that a test can read.
func newConsole() (c *console, out, errs *bytes.Buffer) {
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	now := time.Date(2026, 11, 22, 10, 31, 7, 0, time.UTC)
	return &console{in: strings.NewReader(""), out: out, err: errs, clock: clock.Fixed(now), rand: rand.Reader}, out, errs
}

func TestEveryCommandSaysWhatItDoesAndShowsAnExample(t *testing.T) {
	t.Parallel()
	c, _, _ := newConsole()
	all := commands(c)
	if len(all) < 20 {
		t.Fatalf("only %d commands are found", len(all))
	}
	for path, n := range all {
		if n.Help == "" || !strings.HasSuffix(n.Help, ".") {
			t.Errorf("%s: its one line of help is missing or has no full stop", path)
		}
		if !strings.Contains(n.Detail, "Example:\n\n    ") || !strings.Contains(n.Detail, "sallyport "+path) {
			t.Errorf("%s: its help shows no example of it", path)
		}
		for _, group := range n.AllFlags(true) {
			for _, f := range group {
				if f.Help == "" || f.Name != "help" && !f.IsBool() && f.PlaceHolder == "" {
					t.Errorf("%s --%s: its help or its placeholder is missing", path, f.Name)
				}
			}
		}
	}
}

// broken panics with a key when it is written to.
type broken struct{}

func (broken) Write([]byte) (int, error) {
	panic("sp_live_1234567890123456789012345678901234567890123456789\nsecond line")
}

func TestAPanicOfOursIsOneLineWithoutKeys(t *testing.T) {
	t.Parallel()
	c, _, errs := newConsole()
	c.out = broken{}
	if code := run(context.Background(), c, []string{"version"}); code != exitBroken {
		t.Errorf("exit code %d, want %d", code, exitBroken)
	}
	got := errs.String()
	if strings.Count(got, "\n") != 1 || strings.Contains(got, "123456") || !strings.Contains(got, "cli_test.go:") {
		t.Errorf("want one line with the place and without the key, got %q", got)
	}
}

// full takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAKeyThatCouldNotBeShownIsNamedSoThatItCanBeRevoked(t *testing.T) {
	t.Parallel()
	c, _, errs := newConsole()
	c.out = full{}
	code := run(context.Background(), c, []string{"key", "create", "--name", "a", "--owner", "b", "--state", t.TempDir()})
	if code != exitBroken || !strings.Contains(errs.String(), "sallyport key revoke k_") {
		t.Errorf("exit code %d, %q", code, errs)
	}
}

func TestColoursAreForTerminalsThatWantThem(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name     string
		terminal bool
		environ  []string
		want     string
	}{
		{"a terminal", true, nil, "\x1b[31mDENY\x1b[0m"},
		{"a pipe", false, nil, "DENY"},
		{"NO_COLOR", true, []string{"NO_COLOR=1"}, "DENY"},
		{"an empty NO_COLOR", true, []string{"NO_COLOR="}, "\x1b[31mDENY\x1b[0m"},
		{"a dumb terminal", true, []string{"TERM=dumb"}, "DENY"},
	} {
		c := &console{outTerminal: x.terminal, environ: x.environ}
		if got := c.paint(red, "DENY"); got != x.want {
			t.Errorf("%s: got %q, want %q", x.name, got, x.want)
		}
	}
}

func TestCompletionKnowsEveryCommandAndFlag(t *testing.T) {
	t.Parallel()
	c, _, _ := newConsole()
	all := completions(c)
	for shell, script := range map[string]string{"bash": bash(all), "zsh": zsh(all), "fish": fish(all)} {
		for path, n := range commands(c) {
			if !strings.Contains(script, path) {
				t.Errorf("%s does not know %s", shell, path)
			}
			for _, f := range flagsOf(n) {
				if !strings.Contains(script, f) {
					t.Errorf("%s does not know %s of %s", shell, f, path)
				}
			}
		}
	}
}

func flagsOf(n *kong.Node) []string {
	var out []string
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			out = append(out, f.Name)
		}
	}
	return out
}
