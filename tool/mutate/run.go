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
	limit     pace // for one half

	// alone is read-locked by runs side by side, and locked by one that must
	// not be slowed by others.
	alone sync.RWMutex
}

// A pace is the most time that a run may take: of the processor, which a busy
// machine does not change, and by the clock, for what waits for ever.
type pace struct{ cpu, wall time.Duration }

// patience is how much longer a run may take by the clock when it is tried
// once more, alone.
const patience = 4

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
// limit of time: a mutant may use five times as much, and some seconds.
func (b *binary) baseline(ctx context.Context) error {
	b.limit = pace{cpu: 5 * time.Minute, wall: 10 * time.Minute}
	var used time.Duration
	began := time.Now()
	for _, half := range halves() {
		r := b.try(ctx, 0, half, b.limit)
		if r.err != nil || r.killed {
			return fmt.Errorf("the tests fail without a mutant: %w\n%s", r.err, r.out)
		}
		used = max(used, r.used)
	}
	b.limit = pace{cpu: 2*time.Second + 5*used, wall: 3*time.Second + 5*time.Since(began)}
	return nil
}

// A result is what became of a mutant.
type result struct {
	m      *mutant
	killed bool
	late   lateness
	used   time.Duration // of the processor
	out    []byte
	err    error
}

// lateness says by which limit of time a mutant was killed.
type lateness uint8

const (
	inTime lateness = iota
	overworked
	waiting
)

// judge runs one half with mutant id. What is late by the clock alone may only
// have had too little of a busy machine: it is tried once more, alone and with
// more patience.
func (b *binary) judge(ctx context.Context, id int, half []string) result {
	b.alone.RLock()
	r := b.try(ctx, id, half, b.limit)
	b.alone.RUnlock()
	if r.late != waiting {
		return r
	}
	b.alone.Lock()
	defer b.alone.Unlock()
	return b.try(ctx, id, half, pace{cpu: b.limit.cpu, wall: patience * b.limit.wall})
}

// try runs one half with mutant id. The kernel ends it at the limit of the
// processor, which the shell sets in whole seconds.
func (b *binary) try(ctx context.Context, id int, half []string, limit pace) result {
	inner, cancel := context.WithTimeout(ctx, limit.wall)
	defer cancel()
	seconds := int(limit.cpu/time.Second) + 1
	c := exec.CommandContext(inner, "sh", append([]string{"-c", `ulimit -t "$0" && exec "$@"`, strconv.Itoa(seconds), b.path, "-test.failfast"}, half...)...)
	c.Dir = b.dir
	c.Env = append(os.Environ(), "GOMAXPROCS=1", "GOMEMLIMIT=512MiB", "SALLYPORT_MUTANT="+strconv.Itoa(id))
	c.WaitDelay = time.Second
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	r := result{out: out.Bytes()}
	if c.ProcessState != nil {
		r.used = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		r.err = ctx.Err()
	case err == nil:
	case r.used >= limit.cpu:
		r.killed, r.late = true, overworked
	case errors.Is(inner.Err(), context.DeadlineExceeded):
		r.killed, r.late = true, waiting
	case errors.As(err, &exit):
		r.killed = true
	default:
		r.err = fmt.Errorf("run the tests: %w", err)
	}
	return r
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
						if r = b.judge(ctx, m.id, half); r.err != nil || r.killed {
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
