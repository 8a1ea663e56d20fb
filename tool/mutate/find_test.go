package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// source is a risk as far as the tool can tell.
const source = `package sample

import "errors"

var Risk = "not changed"

var errNone = errors.New("nor is this")

const bound = 4

func first(list []int, most int) (int, error) {
	n := 0
	for _, v := range list {
		if v > most && v != bound {
			continue
		}
		switch v {
		case 1, 2:
			n += v
		default:
			return v, nil
		}
	}
	if n == 0 {
		return 0, errNone
	}
	return n, nil
}
`

// sample loads source from a tree of its own.
func sample(t *testing.T) *pkg {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.MkdirAll(filepath.Join(dir, "risks", "sample"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"go.mod": "module " + module + "\n\ngo 1.26.0\n", "risks/sample/sample.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := load("sample")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheMutantsOfAFunction(t *testing.T) {
	p := sample(t)
	var got []string
	for _, m := range p.find() {
		_, change, _ := strings.Cut(m.key(), ": ")
		got = append(got, change)
	}
	want := []string{
		"continue -> nothing",
		"n += v -> nothing",
		"return v, nil -> nothing",
		"return 0, errNone -> nothing",
		"0 -> 1",
		"v > most && v != bound -> !(v > most && v != bound)",
		"v > most && v != bound -> v > most || v != bound",
		"v > most && v != bound -> v > most",
		"v > most && v != bound -> v != bound",
		"v > most -> v >= most",
		"v > most -> !(v > most)",
		"v != bound -> v == bound",
		"bound -> 5",
		"bound -> 3",
		"1 -> 119",
		"2 -> 119",
		"n == 0 -> !(n == 0)",
		"0 -> 1 #2",
		"0 -> 1 #3",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestTheRenderedTextCompilesAndActs runs the sample with each mutant chosen.
func TestTheRenderedTextCompilesAndActs(t *testing.T) {
	p := sample(t)
	mutants := p.find()
	text := p.render(p.files[0])
	if err := os.WriteFile("risks/sample/sample.go", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.Count(text, "chosen") < len(mutants) {
		t.Errorf("%d mutants in\n%s", len(mutants), text)
	}
	chooserText := strings.ReplaceAll(chooser, "%s", "sample")
	if err := os.WriteFile("risks/sample/chooser.go", []byte(chooserText), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load("sample"); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestTheScoreLeavesOutWhatIsExcused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "equivalent.txt")
	text := "# comment\n\na.go f: x -> y :: nothing reads the value after this line\na.go f: p -> q :: nothing reads the value after this line\na.go f: k -> l :: nothing reads the value after this line\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := readExcuses(file)
	if err != nil {
		t.Fatal(err)
	}
	s := &score{}
	at := func(was, is string) *mutant {
		m := &mutant{fn: "f", was: was, is: is, nth: 1}
		m.at.Filename = "a.go"
		return m
	}
	s.take(result{m: at("x", "y")}, e)
	s.take(result{m: at("p", "q"), killed: true}, e)
	s.take(result{m: at("a", "b"), killed: true}, e)
	s.take(result{m: at("c", "d")}, e)
	if s.excused != 1 || s.killed != 2 || len(s.alive) != 1 || len(s.wrong) != 1 || s.percent() < 66 || s.percent() > 67 {
		t.Errorf("%+v %s", s, s)
	}
	if got := e.unused(); !slices.Equal(got, []string{"a.go f: k -> l"}) {
		t.Errorf("unused %q", got)
	}
	if err := os.WriteFile(file, []byte("a.go f: x -> y :: short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readExcuses(file); err == nil {
		t.Error("an excuse without a reason is taken")
	}
}
