package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// lawTest holds a risk to its own worlds. It is compiled beside the tests of
// the risk.
const lawTest = `package %[1]s_test

import (
	"testing"

	"github.com/sallyport/sallyport/internal/risktest"
	"github.com/sallyport/sallyport/risks"
	%[1]s "github.com/sallyport/sallyport/risks/%[1]s"
)

func TestMutantsMeetTheLaw(t *testing.T) {
	worlds, err := risktest.Worlds(t.Context(), "testdata")
	if err != nil || len(worlds) == 0 {
		t.Fatal(worlds, err)
	}
	for _, w := range worlds {
		for _, breach := range w.Judge(t.Context(), %[1]s.Risk, risks.All()) {
			t.Error(breach)
		}
		if differs, err := w.Recorded(t.Context(), "testdata", %[1]s.Risk, risks.All()); err != nil || differs != "" {
			t.Error(differs, err)
		}
	}
}
`

// A binary holds the tests of a risk and all its mutants.
type binary struct {
	path, dir string
	limit     time.Duration // for one run
}

// build compiles the tests of the package over an overlay: the tree itself is
// not touched.
func (p *pkg) build(ctx context.Context, dir string) (*binary, error) {
	dir, err := filepath.Abs(filepath.Join(dir, p.name))
	if err != nil {
		return nil, fmt.Errorf("find the temporary folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	replace := map[string]string{}
	put := func(name, text string) error {
		real, err := filepath.Abs(name)
		if err != nil {
			return err
		}
		replace[real] = filepath.Join(dir, filepath.Base(name))
		return os.WriteFile(replace[real], []byte(text), 0o600)
	}
	err = errors.Join(put(p.dir+"/mutant_chooser.go", fmt.Sprintf(chooser, p.types.Name())),
		put(p.dir+"/mutant_law_test.go", fmt.Sprintf(lawTest, p.name)))
	for _, f := range p.files {
		if len(f.mutants) > 0 {
			err = errors.Join(err, put(f.path, p.render(f)))
		}
	}
	overlay, oops := json.Marshal(map[string]any{"Replace": replace})
	list := filepath.Join(dir, "overlay.json")
	if err = errors.Join(err, oops, os.WriteFile(list, overlay, 0o600)); err != nil {
		return nil, fmt.Errorf("write the mutants: %w", err)
	}
	b := &binary{path: filepath.Join(dir, "mutants.test"), dir: p.dir}
	c := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", list, "-o", b.path, "./"+p.dir)
	if out, err := c.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile the mutants: %w\n%s", err, out)
	}
	return b, nil
}

// The two halves of a run: the tests of the risk, then its worlds.
func halves() [2][]string {
	return [...][]string{{"-test.skip=TestMutantsMeetTheLaw"}, {"-test.run=TestMutantsMeetTheLaw"}}
}

// baseline runs the tests without a mutant, which must pass, and sets the
// limit of time.
func (b *binary) baseline(ctx context.Context) error {
	b.limit = time.Minute
	began := time.Now()
	for _, half := range halves() {
		if r := b.try(ctx, 0, half); r.err != nil || r.killed {
			return fmt.Errorf("the tests fail without a mutant: %w\n%s", r.err, r.out)
		}
	}
	b.limit = 3*time.Second + 5*time.Since(began)
	return nil
}

// A result is what became of a mutant.
type result struct {
	m      *mutant
	killed bool
	late   bool // by the limit of time
	out    []byte
	err    error
}

// try runs one half with mutant id.
func (b *binary) try(ctx context.Context, id int, half []string) result {
	ctx, cancel := context.WithTimeout(ctx, b.limit)
	defer cancel()
	c := exec.CommandContext(ctx, b.path, append(half, "-test.failfast")...)
	c.Dir = b.dir
	c.Env = append(os.Environ(), "GOMAXPROCS=1", "GOMEMLIMIT=512MiB", "SALLYPORT_MUTANT="+strconv.Itoa(id))
	c.WaitDelay = time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return result{killed: true, late: true, out: out.Bytes()}
	}
	var exit *exec.ExitError
	switch {
	case err == nil:
		return result{out: out.Bytes()}
	case errors.As(err, &exit):
		return result{killed: true, out: out.Bytes()}
	}
	return result{err: fmt.Errorf("run the tests: %w", err)}
}

// each runs every mutant, cores at a time, and yields the results as they
// come. Its goroutines end before it returns.
func (b *binary) each(ctx context.Context, mutants []*mutant, cores int) iter.Seq[result] {
	return func(yield func(result) bool) {
		ctx, cancel := context.WithCancel(ctx)
		todo, done := make(chan *mutant), make(chan result)
		var group sync.WaitGroup
		for range max(cores, 1) {
			group.Go(func() {
				for m := range todo {
					var r result
					for _, half := range halves() {
						if r = b.try(ctx, m.id, half); r.err != nil || r.killed {
							break
						}
					}
					r.m = m
					done <- r
				}
			})
		}
		group.Go(func() {
			defer close(todo)
			for _, m := range mutants {
				select {
				case todo <- m:
				case <-ctx.Done():
					return
				}
			}
		})
		go func() {
			group.Wait()
			close(done)
		}()
		going := true
		for r := range done {
			if going && !yield(r) {
				going = false
				cancel()
			}
		}
		cancel()
	}
}
