// Command fuzz runs every fuzz target for a while, and keeps count.
//
//	fuzz [-time 20s] [-match REGEXP] [-slow] [-workers 1] [-keep .cache/fuzz] [-totals] [-pack]
//
// The engine is that of internal/lib/fuzzloop, in one process and guided by the
// coverage of our own code. With -slow it is that of the testing package, which
// is guided by the coverage of all code, and survives whatever an input does.
//
// What coverage has found lies below -keep, so that a run goes on where the
// last one ended, and so do the counts: executions.tsv has a line for each run
// of a target. Where nothing lies there, both begin with what tool/fuzz/corpus.tar.gz
// holds, which -pack renews. An input that fails is written to testdata/fuzz beside its
// target, and fails the ordinary tests from then on. The exit code is 1 where
// a target failed.
//
// Limits: the count of executions includes the replay of what was found before.
package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

func main() {
	var o options
	flag.DurationVar(&o.time, "time", 20*time.Second, "time for each target")
	match := flag.String("match", "", "regular expression of FOLDER TARGET; others are passed over")
	flag.IntVar(&o.workers, "workers", 1, "processes that try inputs, with -slow")
	flag.BoolVar(&o.slow, "slow", false, "use the engine of the testing package")
	flag.StringVar(&o.keep, "keep", filepath.Join(".cache", "fuzz"), "folder for what was found, and the counts")
	totals := flag.Bool("totals", false, "print the counts and run nothing")
	flag.BoolVar(&o.pack, "pack", false, "put what was found, and the counts, into the archive, and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	sound, err := o.run(ctx, *match, *totals)
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(3)
	}
	if !sound {
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	time    time.Duration
	workers int
	slow    bool
	pack    bool
	keep    string // absolute once run has begun
	match   *regexp.Regexp
}

// run runs the targets and prints the totals; it is false where one failed.
func (o *options) run(ctx context.Context, match string, onlyTotals bool) (bool, error) {
	var err error
	if o.match, err = regexp.Compile(match); err != nil {
		return false, fmt.Errorf("read -match: %w", err)
	}
	if o.keep, err = filepath.Abs(o.keep); err != nil {
		return false, fmt.Errorf("find %s: %w", o.keep, err)
	}
	if err := os.MkdirAll(filepath.Join(o.keep, "bin"), 0o755); err != nil {
		return false, fmt.Errorf("make %s: %w", o.keep, err)
	}
	if err := o.begin(); err != nil {
		return false, err
	}
	if o.pack {
		return true, o.packAll()
	}
	folders, err := targets(".")
	if err != nil {
		return false, err
	}
	sound := true
	code := map[string]string{} // by folder
	for _, f := range slices.Sorted(maps.Keys(folders)) {
		names := slices.DeleteFunc(folders[f], func(name string) bool { return !o.match.MatchString(f + " " + name) })
		if len(names) == 0 {
			continue
		}
		if code[f], err = fingerprint(ctx, f); err != nil {
			return false, err
		}
		if onlyTotals || ctx.Err() != nil {
			continue
		}
		ok, err := o.folder(ctx, f, names, code[f])
		if err != nil {
			return false, err
		}
		sound = sound && ok
	}
	log, err := os.ReadFile(o.log())
	if err != nil && !os.IsNotExist(err) {
		return false, fmt.Errorf("read the counts: %w", err)
	}
	return sound, table(os.Stdout, string(log), code)
}

// countsName is the file of the counts, below the folder that is kept.
const countsName = "executions.tsv"

func (o *options) log() string { return filepath.Join(o.keep, countsName) }

// declaration finds fuzz targets.
var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(`)

// targets lists the names of the fuzz targets by folder.
func targets(root string) (map[string][]string, error) {
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); p != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for _, m := range declaration.FindAllSubmatch(text, -1) {
			folder := filepath.ToSlash(filepath.Dir(p))
			out[folder] = append(out[folder], string(m[1]))
		}
		return nil
	})
	for _, names := range out {
		slices.Sort(names)
	}
	if err != nil {
		return nil, fmt.Errorf("look for fuzz targets: %w", err)
	}
	return out, nil
}

// folder builds the instrumented tests of a folder once, and runs its targets.
func (o *options) folder(ctx context.Context, folder string, names []string, code string) (bool, error) {
	binary := filepath.Join(o.keep, "bin", strings.ReplaceAll(folder, "/", "-")+".test")
	build := exec.CommandContext(ctx, "go", append(o.build(), "-o", binary, "./"+folder)...)
	if out, err := build.CombinedOutput(); err != nil {
		return false, fmt.Errorf("build %s: %w\n%s", folder, err, out)
	}
	sound := true
	for _, name := range names {
		if ctx.Err() != nil {
			break
		}
		fmt.Printf("== %s %s\n", folder, name)
		began := time.Now().UTC()
		n, ok, err := o.target(ctx, binary, folder, name)
		if err != nil {
			return false, err
		}
		if err := o.record(entry{began.Format(time.RFC3339), folder, name, code, n, ok}); err != nil {
			return false, err
		}
		sound = sound && ok
	}
	return sound, nil
}

// build gives the arguments of the go command that builds instrumented tests.
// The loop counts in our own code, and neither in itself nor in its mutator.
func (o *options) build() []string {
	if o.slow {
		return []string{"test", "-c", "-fuzz", "."}
	}
	const ours = "github.com/sallyport/sallyport/"
	return []string{"test", "-c", "-tags", "fuzzloop", "-ldflags=-checklinkname=0", "-gcflags=" + ours + "...=-d=libfuzzer", "-gcflags=" + ours + "internal/lib/fuzzloop="}
}

// command gives what runs a target.
func (o *options) command(ctx context.Context, binary, folder, name string) *exec.Cmd {
	found := filepath.Join(o.keep, "found", folder)
	if o.slow {
		return exec.CommandContext(ctx, binary, "-test.run", "^$", "-test.fuzz", "^"+name+"$", "-test.fuzztime", o.time.String(),
			"-test.parallel", strconv.Itoa(o.workers), "-test.fuzzcachedir", found)
	}
	cmd := exec.CommandContext(ctx, binary, "-test.run", "^"+name+"$", "-test.timeout", "0")
	cmd.Env = append(os.Environ(), fuzzloop.EnvTime+"="+o.time.String(), fuzzloop.EnvFound+"="+found)
	return cmd
}

// target runs one target, and gives the number of executions.
func (o *options) target(ctx context.Context, binary, folder, name string) (n int64, ok bool, err error) {
	cmd := o.command(ctx, binary, folder, name)
	cmd.Dir = folder
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	read, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		return 0, false, fmt.Errorf("start %s: %w", name, err)
	}
	done := make(chan error, 1)
	go func() {
		err := cmd.Wait()
		_ = write.Close()
		done <- err
	}()
	last := ""
	for lines := bufio.NewScanner(read); lines.Scan(); {
		line := lines.Text()
		if count, isProgress := progress(line); isProgress {
			n, last = max(n, count), line
			continue
		}
		if line != "PASS" {
			fmt.Println(line)
		}
	}
	_, _ = io.Copy(io.Discard, read) // a line that is too long to read
	failed := <-done
	fmt.Println(last)
	return n, failed == nil || ctx.Err() != nil, nil
}

// executed finds the count in a line of the testing package.
var executed = regexp.MustCompile(`^fuzz: elapsed: .*execs: (\d+) `)

// progress reads a line about how far the fuzzing is.
func progress(line string) (int64, bool) {
	m := executed.FindStringSubmatch(line)
	if m == nil {
		return 0, strings.HasPrefix(line, "fuzz: elapsed: ")
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return n, err == nil
}

// record appends to the counts.
func (o *options) record(e entry) error {
	f, err := os.OpenFile(o.log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("keep the counts: %w", err)
	}
	_, err = f.WriteString(e.String())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("keep the counts: %w", err)
	}
	return nil
}

// fingerprint is a hash of the code that the targets of a folder run: what is
// ours of the package and all that it imports, without tests.
func fingerprint(ctx context.Context, folder string) (string, error) {
	const format = `{{if .Module}}{{if .Module.Main}}{{range .GoFiles}}{{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}{{end}}`
	list, err := exec.CommandContext(ctx, "go", "list", "-deps", "-f", format, "./"+folder).Output()
	if err != nil {
		return "", fmt.Errorf("list the code of %s: %w", folder, err)
	}
	return digest(strings.Fields(string(bytes.TrimSpace(list))))
}
