// Package fuzzloop runs a fuzz target within the process of its test. The
// coverage-guided engine of the testing package hands each input to another
// process and looks at the counters of the whole standard library: some
// thousand executions a second, whatever the target costs. Here one goroutine
// mutates, executes and looks at the counters of our own code alone, which is
// ten to fifty times as many.
//
// It is for tests. [Run] stands where a target would call F.Fuzz, and is that
// call, unless tool/fuzz has built the test with the tag fuzzloop and said for
// how long to run.
//
// # Limits
//
// A target must not skip, and what it leaves running counts for the next input.
// An input that ends the process at once, such as an overflow of the stack, is
// not written down. Inputs are mutated by the testing package's own mutator,
// which the tag links to, and by joining two.
package fuzzloop

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// The environment of a loop. tool/fuzz sets it.
const (
	EnvTime  = "SALLYPORT_FUZZLOOP_TIME"  // for how long to run, as time.Duration
	EnvFound = "SALLYPORT_FUZZLOOP_FOUND" // folder of inputs that reached something new: read at first, added to
)

const (
	maxInput = 512              // bytes of an input that is mutated, and to which one may grow
	hang     = 30 * time.Second // after which an execution is given up
	report   = 10 * time.Second
)

// Run fuzzes target, a func(*testing.T, ...) as of F.Fuzz, whose rules hold.
func Run(f *testing.F, target any) {
	f.Helper()
	span, err := time.ParseDuration(os.Getenv(EnvTime))
	if !linked || err != nil {
		f.Fuzz(target)
		return
	}
	l := loop{name: f.Name(), found: filepath.Join(os.Getenv(EnvFound), f.Name()), target: reflect.ValueOf(target), span: span}
	for k := 1; k < l.target.Type().NumIn(); k++ {
		l.types = append(l.types, l.target.Type().In(k))
	}
	if err := l.load(f); err != nil {
		f.Fatal(err)
	}
	once := false
	f.Fuzz(reflect.MakeFunc(l.target.Type(), func(args []reflect.Value) []reflect.Value {
		if t := args[0].Interface().(*testing.T); !once { //nolint:errcheck // F.Fuzz has looked
			once = true
			l.run(t)
		}
		return nil
	}).Interface())
}

// A loop is a target and what is known of it.
type loop struct {
	name   string
	found  string // folder
	target reflect.Value
	types  []reflect.Type
	span   time.Duration

	corpus [][]any
	seen   []byte // by counter: a bit for each power of two that it reached
	fresh  int    // inputs that were added
	count  atomic.Int64
	vals   []any // that are being executed
	args   []reflect.Value
}

// load takes the seeds of f, those beside the test, and what was found before.
func (l *loop) load(f *testing.F) error {
	f.Helper()
	seeds := reflect.ValueOf(f).Elem().FieldByName("corpus")
	for k := range seeds.Len() {
		values := seeds.Index(k).FieldByName("Values")
		var in []any
		for n := range values.Len() {
			v, err := plain(values.Index(n).Elem())
			if err != nil {
				return fmt.Errorf("take seed %d: %w", k, err)
			}
			in = append(in, v)
		}
		l.corpus = append(l.corpus, in)
	}
	for _, folder := range []string{filepath.Join("testdata", "fuzz", l.name), l.found} {
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil {
			return fmt.Errorf("list %s: %w", folder, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("read an input: %w", err)
			}
			if in, err := unmarshal(text); err == nil && l.fits(in) { // or it is one of an older target
				l.corpus = append(l.corpus, in)
			}
		}
	}
	if len(l.corpus) == 0 {
		return fmt.Errorf("%s has no seeds", l.name)
	}
	return nil
}

// plain copies a value that reflection found in an unexported field.
func plain(v reflect.Value) (any, error) {
	to := reflect.New(v.Type()).Elem()
	switch {
	case v.CanInt():
		to.SetInt(v.Int())
	case v.CanUint():
		to.SetUint(v.Uint())
	case v.CanFloat():
		to.SetFloat(v.Float())
	case v.Kind() == reflect.Bool:
		to.SetBool(v.Bool())
	case v.Kind() == reflect.String:
		to.SetString(v.String())
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		to.SetBytes(append([]byte{}, v.Bytes()...))
	default:
		return nil, fmt.Errorf("a seed of type %s", v.Type())
	}
	return to.Interface(), nil
}

func (l *loop) fits(in []any) bool {
	if len(in) != len(l.types) {
		return false
	}
	for k, v := range in {
		if reflect.TypeOf(v) != l.types[k] {
			return false
		}
	}
	return true
}

// run executes until the time is over, or an input fails.
func (l *loop) run(t *testing.T) {
	over := false
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("panic: %v\n%s", p, debug.Stack())
		} else if over {
			return
		} else if t.Skipped() {
			t.Error("the target skips, which ends the loop: return instead")
			return
		}
		l.fail(t) // and where t was told to stop, the goroutine is ending
	}()
	counters := coverage()
	if len(counters) == 0 {
		t.Fatal("the test was built without counters")
	}
	l.seen = make([]byte, len(counters))
	clear(counters)
	begun := time.Now()
	done := make(chan struct{})
	defer close(done)
	go l.watch(begun, done)

	for _, in := range l.corpus {
		l.execute(t, in)
		news(counters, l.seen)
	}
	if small := slices.DeleteFunc(slices.Clone(l.corpus), func(in []any) bool { return size(in) > maxInput }); len(small) > 0 {
		l.corpus = small // what is larger is slow to execute
	}
	m := newMutator()
	for n := 0; ; n++ {
		if n&255 == 0 && time.Since(begun) > l.span {
			break
		}
		in := m.next(l.corpus)
		l.execute(t, in)
		if news(counters, l.seen) {
			l.keep(t, in)
		}
	}
	over = true
	l.say(begun)
}

func (l *loop) execute(t *testing.T, in []any) {
	l.vals = in
	l.args = append(l.args[:0], reflect.ValueOf(t))
	for _, v := range in {
		l.args = append(l.args, reflect.ValueOf(v))
	}
	l.target.Call(l.args)
	l.count.Add(1)
	if t.Failed() {
		t.FailNow()
	}
}

// keep adds an input that reached something new.
func (l *loop) keep(t *testing.T, in []any) {
	in = clone(in)
	l.corpus = append(l.corpus, in)
	l.fresh++
	if _, err := write(l.found, in); err != nil {
		t.Fatal(err)
	}
}

// fail writes the input that failed where every later test finds it.
func (l *loop) fail(t *testing.T) {
	if l.vals == nil {
		return
	}
	name, err := write(filepath.Join("testdata", "fuzz", l.name), l.vals)
	if err != nil {
		t.Errorf("the input %q failed, and: %v", l.vals, err)
		return
	}
	t.Logf("after %d executions; the input that failed is in %s", l.count.Load(), name)
	fmt.Printf("fuzz: elapsed: failed, execs: %d (0/sec)\n", l.count.Load())
}

// write writes an input, named by its digest.
func write(folder string, in []any) (string, error) {
	text := marshal(in...)
	sum := sha256.Sum256(text)
	name := filepath.Join(folder, hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("keep an input: %w", err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		return "", fmt.Errorf("keep an input: %w", err)
	}
	return name, nil
}

// size is how many bytes the texts of an input have.
func size(in []any) int {
	n := 0
	for _, v := range in {
		switch v := v.(type) {
		case []byte:
			n += len(v)
		case string:
			n += len(v)
		}
	}
	return n
}

func clone(in []any) []any {
	out := make([]any, len(in))
	for k, v := range in {
		if b, ok := v.([]byte); ok {
			v = append([]byte{}, b...)
		}
		out[k] = v
	}
	return out
}

// watch says how far the loop is, and ends the process when one input takes too
// long.
func (l *loop) watch(begun time.Time, done <-chan struct{}) {
	tick := time.NewTicker(report)
	defer tick.Stop()
	last, since := int64(-1), begun
	for {
		select {
		case <-done:
			return
		case now := <-tick.C:
			l.say(begun)
			if n := l.count.Load(); n != last {
				last, since = n, now
			} else if now.Sub(since) > hang {
				name, err := write(filepath.Join("testdata", "fuzz", l.name), l.vals)
				debug.SetTraceback("all")
				panic(fmt.Sprintf("an input took over %s: %s (%v)", hang, name, err))
			}
		}
	}
}

// say prints a line like that of the testing package.
func (l *loop) say(begun time.Time) {
	n, d := l.count.Load(), time.Since(begun)
	fmt.Printf("fuzz: elapsed: %s, execs: %d (%d/sec), new interesting: %d (total: %d)\n",
		d.Round(time.Second), n, int(float64(n)/max(d.Seconds(), 0.001)), l.fresh, len(l.corpus))
}
