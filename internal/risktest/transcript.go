package risktest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/event"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Recorded compares the transcript of r in w with the one that lies beside the
// World in dir, as NAME.golden, and returns what differs first, or "". A World
// without one is not compared.
func (w *World) Recorded(ctx context.Context, dir string, r risk.Risk, all []risk.Risk) (string, error) {
	want, err := os.ReadFile(filepath.Join(dir, w.Name+".golden"))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read the transcript: %w", err)
	}
	got, err := w.Transcript(ctx, r, all)
	if err != nil {
		return "", err
	}
	return firstDifference(string(want), got), nil
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(a), len(b)) {
		var was, is string
		if i < len(a) {
			was = a[i]
		}
		if i < len(b) {
			is = b[i]
		}
		if was != is {
			return fmt.Sprintf("line %d of the transcript was\n\t%s\nand is\n\t%s", i+1, was, is)
		}
	}
	return ""
}

// Transcript is what the faces of r do in w, as text for people: what the lint
// says of the flawed design, what the probe sends and finds, and what the
// guard, alone above the floor, makes of the attack and of lawful traffic. It
// is the same on each call.
func (w *World) Transcript(ctx context.Context, r risk.Risk, all []risk.Risk) (string, error) {
	t := &transcript{w: w, r: r, shown: map[string]bool{}}
	t.lint()
	for _, name := range [...]string{"weak", "sound"} {
		up := w.Weak
		if name == "sound" {
			up = w.Sound
		}
		t.printf("\n# The probe at the %s upstream\n\n", name)
		s, err := up.serve()
		if err != nil {
			return "", err
		}
		t.probe(ctx, &client{s: s})
		s.Close()
	}
	if err := t.guarded(ctx, w.alone(r, all)); err != nil {
		return "", err
	}
	return t.out.String(), nil
}

// alone are the risks that legs 2, 4 and 6 run with.
func (w *World) alone(r risk.Risk, all []risk.Risk) []risk.Risk {
	var out []risk.Risk
	for _, other := range all {
		if other.ID == r.ID || other.Floor || slices.Contains(w.With, other.ID) {
			out = append(out, other)
		}
	}
	return out
}

type transcript struct {
	w     *World
	r     risk.Risk
	out   strings.Builder
	shown map[string]bool // problem documents that stand there already
}

func (t *transcript) printf(format string, args ...any) { fmt.Fprintf(&t.out, format, args...) }

func (t *transcript) lint() {
	t.printf("# The lint on the flawed design\n\n")
	if t.r.Lint == nil {
		return
	}
	t.r.Lint(t.w.Flawed, func(d source.Diagnostic) {
		t.printf("%d:%d %v %s: %s\n\t%s\n", d.At.Line, d.At.Col, d.Severity, d.Code, d.Text, d.Hint)
	})
}

// probe writes each request with the status of its answer, and each finding
// after the request that led to it.
func (t *transcript) probe(ctx context.Context, c *client) {
	if t.r.Probe == nil {
		return
	}
	target := t.w.target(c, func(f risk.Finding) {
		word := "probable"
		if f.Confirmed {
			word = "found"
		}
		t.printf("%s %s %q at line %d: %s\n", word, f.Code, f.Operation, f.At.Line, f.Proof)
	})
	target.Send = func(ctx context.Context, a *risk.Attempt) (*risk.Seen, error) {
		t.attempt(a)
		seen, err := c.send(ctx, a)
		if err != nil {
			t.printf(" -> no answer\n")
			return nil, err
		}
		t.printf(" -> %d\n", seen.Status)
		return seen, nil
	}
	target.SendRaw = func(ctx context.Context, r *risk.Raw) ([]*risk.Seen, error) {
		text := strconv.Quote(strings.ReplaceAll(r.Text("(head)\n"), "\r\n", "␤"))
		t.printf("%s raw %s", r.As, short(strings.ReplaceAll(text, `\n`, "␤")))
		all, err := c.sendRaw(ctx, r)
		if err != nil {
			t.printf(" -> no answer\n")
			return nil, err
		}
		t.printf(" ->")
		for _, seen := range all {
			t.printf(" %d", seen.Status)
		}
		t.printf("\n")
		return all, nil
	}
	if err := t.r.Probe(ctx, target); err != nil {
		t.printf("not tested: %v\n", err)
	}
}

// attempt writes a request on one line.
func (t *transcript) attempt(a *risk.Attempt) {
	as := a.As
	if as == "" {
		as = "nobody"
	}
	t.printf("%s %s %s", as, a.Method, short(a.Path))
	if a.Query != "" {
		t.printf("?%s", short(a.Query))
	}
	if a.Plain {
		t.printf(" in the clear")
	}
	if a.TLS != 0 {
		t.printf(" with TLS %#x at most", a.TLS)
	}
	for _, f := range a.Fields {
		t.printf(" [%s: %s]", f.Name, short(f.Value))
	}
	if len(a.Body) > 0 {
		t.printf(" %s", short(string(a.Body)))
	}
}

// short is text on one line, at most 200 bytes of it and its length.
func short(text string) string {
	const most = 200
	if len(text) > most {
		text = fmt.Sprintf("%s… (%d bytes)", text[:most], len(text))
	}
	return strings.ReplaceAll(text, "\n", "␤")
}

// guarded writes what the records of an attack and of lawful traffic say.
func (t *transcript) guarded(ctx context.Context, risks []risk.Risk) error {
	for _, what := range [...]string{"attack", "lawful traffic"} {
		t.printf("\n# The guard and %s\n\n", what)
		f, err := NewFort(t.w.Contract, t.w.Weak.Handler(), risks)
		if err != nil {
			return err
		}
		c := &client{s: f.Server}
		if what == "attack" {
			keep := t.out.String()
			t.probe(ctx, c) // its requests are above
			t.out.Reset()
			t.out.WriteString(keep)
		} else {
			for i := range t.w.Lawful {
				_, _ = c.send(ctx, &t.w.Lawful[i].Attempt) //nolint:errcheck // the law says what must come back
			}
		}
		f.Close()
		t.records(f.log.sealed)
		for _, s := range c.seen {
			t.answer(s, what != "attack")
		}
	}
	return nil
}

// records writes what the risk did with exchanges, sorted: those of one
// millisecond have no order.
func (t *transcript) records(list []event.Event) {
	var lines []string
	for i := range list {
		lines = append(lines, t.record(&list[i]))
	}
	slices.Sort(lines)
	for i, line := range lines {
		if i == 0 || line != lines[i-1] {
			t.printf("%s\n", line)
		}
	}
}

func (t *transcript) record(e *event.Event) string {
	line := fmt.Sprintf("%s %s %d", e.Method, e.Template, e.Status)
	if e.Risk != "" {
		line += fmt.Sprintf(" %v %s %s (%s)", e.Decision, e.Code, e.At, e.Reason)
	}
	for _, f := range e.Flags {
		line += " flag " + f
	}
	var edits []string
	for _, d := range e.Edits {
		if strings.HasPrefix(d.Kind, t.r.ID+"/") {
			edits = append(edits, " "+d.Kind+" "+d.Pointer)
		}
	}
	slices.Sort(edits)
	return line + strings.Join(edits, "")
}

// answer writes a refusal, each once, and other answers where all is set.
func (t *transcript) answer(s *risk.Seen, all bool) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d\n", s.Status)
	fields := slices.Clone(s.Fields)
	slices.SortFunc(fields, func(a, b risk.Field) int { return strings.Compare(a.Name+a.Value, b.Name+b.Value) })
	for _, f := range fields {
		switch f.Name {
		case "Date", "Sallyport-Decision", "Content-Length", "Etag":
		default:
			fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
		}
	}
	body, _, cut := strings.Cut(string(s.Body), `,"instance":"`)
	if cut {
		_, rest, _ := strings.Cut(string(s.Body)[len(body)+len(`,"instance":"`):], `"`)
		body += rest
	}
	fmt.Fprintf(&b, "%s\n", short(body))
	if text := b.String(); !t.shown[text] && (all || s.Status >= 400) {
		t.shown[text] = true
		t.out.WriteString(text)
	}
}
