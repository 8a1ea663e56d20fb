// Package risktest holds the faces of each risk against each other: the law.
//
// A World is a text file in the folder of a risk: a contract, a weak and a
// sound upstream as tables of rules, lawful traffic, and a flawed design. The
// law, a test of this package, runs probe, guard and lint of the risk in its
// World, with real sockets on loopback.
package risktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/front/openapi"
)

// A World is one test case of the law. It is immutable.
type World struct {
	Name     string
	Contract *contract.Contract // the sound design
	Flawed   *contract.Contract // the design that allows the risk
	Weak     *Upstream          // has the risk
	Sound    *Upstream          // is a near miss
	Lawful   []Call             // a write is among them
	Findings []string           // codes that the probe reports of Weak, sorted, each with "probable " before it or not
	Lints    []string           // codes that the lint reports of Flawed, sorted
	Secrets  []string           // what no answer through the gateway may hold
	With     []string           // ids of risks whose guards this one builds on, as headers does on a known caller
	Misses   []string           // near misses of Sound, by their names in NearMisses
}

// NearMisses are what careless guards and probes take for the risk, or for its
// absence. Each stands in the Sound of some World.
func NearMisses() []string {
	return []string{
		"404 for forbidden", "200 with an error body", "update of the caller's own record", "public object",
		"ignored extra field", "redirect to login", "empty 200",
	}
}

// errMiss means that a World names a near miss that is none.
var errMiss = errors.New("not one of the near misses")

// errSection means that the archive of a World is not whole.
var errSection = errors.New("a section is missing")

// Parse reads a World in the txtar format: sections called contract.yaml,
// flawed.yaml, weak, sound, lawful, findings, lints and secrets; with and
// misses may be left out.
func Parse(ctx context.Context, name string, text []byte) (*World, error) {
	files := sections(string(text))
	w := &World{Name: name}
	for _, s := range [...]string{"contract.yaml", "flawed.yaml", "weak", "sound", "lawful", "findings", "lints", "secrets"} {
		if _, ok := files[s]; !ok {
			return nil, fmt.Errorf("%s: %w: %s", name, errSection, s)
		}
	}
	var err error
	if w.Contract, err = design(ctx, name+"/contract.yaml", files["contract.yaml"]); err != nil {
		return nil, err
	}
	if w.Flawed, err = design(ctx, name+"/flawed.yaml", files["flawed.yaml"]); err != nil {
		return nil, err
	}
	if w.Weak, err = parseUpstream(files["weak"]); err != nil {
		return nil, fmt.Errorf("%s: weak: %w", name, err)
	}
	if w.Sound, err = parseUpstream(files["sound"]); err != nil {
		return nil, fmt.Errorf("%s: sound: %w", name, err)
	}
	if w.Lawful, err = parseCalls(files["lawful"]); err != nil {
		return nil, fmt.Errorf("%s: lawful: %w", name, err)
	}
	w.Findings, w.Lints, w.Secrets = lines(files["findings"]), lines(files["lints"]), lines(files["secrets"])
	w.With, w.Misses = lines(files["with"]), lines(files["misses"])
	for _, m := range w.Misses {
		if !slices.Contains(NearMisses(), m) {
			return nil, fmt.Errorf("%s: %w: %s", name, errMiss, m)
		}
	}
	return w, nil
}

func design(ctx context.Context, name, text string) (*contract.Contract, error) {
	c, list := openapi.Parse(ctx, name, []byte(text), openapi.Options{})
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("read design: %w", err)
	}
	return c, nil
}

// sections splits a txtar archive: "-- NAME --" begins a section.
func sections(text string) map[string]string {
	out := map[string]string{}
	name := ""
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\r\n")
		if inner, ok := strings.CutPrefix(bare, "-- "); ok && strings.HasSuffix(inner, " --") {
			name = strings.TrimSuffix(inner, " --")
			out[name] = ""
			continue
		}
		if name != "" {
			out[name] += line
		}
	}
	return out
}

// lines are the lines that say something.
func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}
