package sallyport_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/sallyport/sallyport/demo"
)

// A step is one command of the README and what it says to print. In what is
// printed, "…" stands for anything, and alone on a line for any lines.
type step struct {
	line   int
	typed  string
	prints []string
	stays  bool // it runs until the end; the next step waits for its last line
}

// TestTheREADMEIsTrue types the README's console blocks into one shell, in a
// folder with the demo's document, before a demo API. Only ports and places
// differ from what stands there.
func TestTheREADMEIsTrue(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not a short test")
	}
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s", tool)
		}
	}
	text := read(t, "README.md")
	if n := strings.Count(text, "\n"); n >= 150 {
		t.Errorf("README.md has %d lines", n)
	}
	steps := steps(text)
	if len(steps) < 10 {
		t.Fatalf("only %d commands found", len(steps))
	}
	home := t.TempDir()
	bin := build(t)
	write(t, filepath.Join(home, "openapi.yaml"), demo.Document)
	ports := strings.NewReplacer("127.0.0.1:8080", serve(t), "127.0.0.1:8443", free(t), "127.0.0.1:9443", free(t))
	for i := range steps {
		s := &steps[i]
		if strings.HasPrefix(s.typed, "sallyport run") {
			s.typed += " --admin 127.0.0.1:9443" // the default, which may be in use
		}
		s.typed = ports.Replace(s.typed)
		for k := range s.prints {
			s.prints[k] = ports.Replace(s.prints[k])
		}
	}
	out := typeAll(t, steps, home, bin)
	for i, s := range steps {
		got := read(t, filepath.Join(out, fmt.Sprint(i)))
		if s.stays {
			s.prints = append(s.prints, "…") // what it said later
		}
		if !matches(s.prints, got) {
			t.Errorf("README.md:%d: $ %s\nprinted\n%s\nwhich is not\n%s", s.line, s.typed, got, strings.Join(s.prints, "\n"))
		}
		if code := strings.TrimSpace(read(t, filepath.Join(out, fmt.Sprint(i, ".code")))); !s.stays && code != "0" {
			t.Errorf("README.md:%d: $ %s\nended with %s", s.line, s.typed, code)
		}
	}
}

// TestThePolicyOfTheREADMEPasses checks the README's policy with its tests.
func TestThePolicyOfTheREADMEPasses(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("not a short test")
	}
	_, after, ok := strings.Cut(read(t, "README.md"), "```yaml\n")
	policy, _, closed := strings.Cut(after, "```\n")
	if !ok || !closed {
		t.Fatal("there is no policy")
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "openapi.yaml"), demo.Document)
	write(t, filepath.Join(dir, "sallyport.yaml"), []byte(policy))
	cmd := exec.CommandContext(t.Context(), build(t), "check")
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir}
	got, err := cmd.CombinedOutput()
	// The document is that of a deliberately weak API: the audit of its design
	// has findings, and exit code 1 says so.
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) || !bytes.Contains(got, []byte("0 of 2 tests failed")) || bytes.Contains(got, []byte(": error ")) {
		t.Errorf("sallyport check: %v\n%s", err, got)
	}
}

// steps finds the commands of the console blocks.
func steps(text string) []step {
	var out []step
	inside, stays, before := false, false, ""
	for i, line := range strings.Split(text, "\n") {
		switch {
		case line == "```console":
			inside, stays = true, before == "<!-- stays -->"
		case line == "```":
			inside = false
		case !inside:
		case strings.HasPrefix(line, "$ "):
			out = append(out, step{line: i + 1, typed: line[2:], stays: stays})
		case len(out) > 0:
			s := &out[len(out)-1]
			s.prints = append(s.prints, line)
		}
		before = line
	}
	return out
}

// typeAll runs the steps in one shell, and returns the folder with what each
// printed.
func typeAll(t *testing.T, steps []step, home, bin string) string {
	t.Helper()
	out := t.TempDir()
	var script strings.Builder
	script.WriteString("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n")
	for i, s := range steps {
		file := filepath.Join(out, fmt.Sprint(i))
		if !s.stays {
			// A person needs longer than the log, which writes within 20 ms.
			fmt.Fprintf(&script, "sleep 0.2; { %s\n} >%s 2>&1; echo $? >%s.code\n", s.typed, file, file)
			continue
		}
		last := s.prints[len(s.prints)-1]
		word, _, _ := strings.Cut(last, " ")
		fmt.Fprintf(&script, "(exec %s) >%s 2>&1 &\n", s.typed, file)
		fmt.Fprintf(&script, "for n in $(seq 300); do grep -q '^%s' %s && break; sleep 0.1; done; echo 0 >%s.code\n", word, file, file)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Dir = home
	cmd.Env = []string{"HOME=" + home, "PATH=" + filepath.Dir(bin) + ":" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir()}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("bash: %v\n%s", err, text)
	}
	return out
}

// matches compares what a command prints with what stands in the README, blind
// to the amount of blanks.
func matches(want []string, got string) bool {
	var expr strings.Builder
	expr.WriteString(`(?s)^`)
	for _, line := range want {
		if strings.TrimSpace(line) == "…" {
			expr.WriteString(`(?:[^\n]*\n)*?`)
			continue
		}
		parts := strings.Split(squeeze(line), "…")
		for i := range parts {
			parts[i] = regexp.QuoteMeta(parts[i])
		}
		expr.WriteString(strings.Join(parts, `[^\n]*`) + `\n`)
	}
	expr.WriteString(`$`)
	var lines []string
	for line := range strings.Lines(got) {
		lines = append(lines, squeeze(line)+"\n")
	}
	ok, err := regexp.MatchString(expr.String(), strings.Join(lines, ""))
	return ok && err == nil
}

func squeeze(line string) string { return strings.Join(strings.Fields(line), " ") }

// build builds the program and returns its path, which ends in /sallyport.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "sallyport")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", bin, "./cmd/sallyport").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// serve starts the demo API and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	api, err := demo.New(demo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: api, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(func() { srv.Close(); api.Close() })
	return ln.Addr().String()
}

// free is an address of loopback that was free a moment ago.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
