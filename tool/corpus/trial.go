package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/front/openapi"
	"github.com/sallyport/sallyport/internal/schema"
	"github.com/sallyport/sallyport/risk"
)

// Bounds of what is tried of one schema.
const (
	attempts = 12 // to make a value that the oracle accepts
	values   = 3  // that are kept
	faults   = 6  // mutants of each value
)

// A sample says which schemas are tried: those whose hash is 0 modulo every.
type sample struct {
	every uint64
	seed  uint64
}

// takes tells whether a schema of a document is in the sample, and gives the
// seed of its values.
func (s sample) takes(document, what string) (uint64, bool) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%d %s %s", s.seed, document, what)
	n := h.Sum64()
	return n, s.every <= 1 || n>>8%s.every == 0
}

// A trial holds the machine to the oracle on one document.
type trial struct {
	name     string // of the document
	until    time.Time
	sample   sample
	oracle   *oracle
	programs *schema.Programs
	count    *counts
	done     map[tried]bool
}

type tried struct {
	s    *contract.Schema
	side side
}

// tryAll tries the schemas of several documents, some at a time. It says on w
// how far it is, once a minute.
func tryAll(ctx context.Context, w io.Writer, paths []string, s sample) (*counts, error) {
	of := make([]*counts, len(paths))
	errs := make([]error, len(paths))
	var next, done atomic.Int64
	var workers sync.WaitGroup
	var underWay sync.Map // paths
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for k := next.Add(1) - 1; k < int64(len(paths)) && ctx.Err() == nil; k = next.Add(1) - 1 {
				underWay.Store(paths[k], nil)
				of[k] = newCounts()
				errs[k] = tryDocument(ctx, paths[k], s, of[k])
				underWay.Delete(paths[k])
				done.Add(1)
			}
		})
	}
	over := make(chan struct{})
	go func() { workers.Wait(); close(over) }()
	begun := time.Now()
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(w, "%d of %d documents after %v, at", done.Load(), len(paths), time.Since(begun).Round(time.Second))
			underWay.Range(func(path, _ any) bool { fmt.Fprintf(w, " %v", path); return true })
			fmt.Fprintln(w)
			continue
		case <-over:
		}
		break
	}
	n := newCounts()
	for k := range of {
		if of[k] != nil {
			n.add(of[k])
		}
	}
	return n, errors.Join(append(errs, ctx.Err())...)
}

// largest is the size from which on documents are passed over: the time that
// the oracle takes to compile a schema grows with the square of all that it
// leads to.
const largest = 15 << 20

// patience is for how long one document is tried. With hierarchies of hundreds
// of types, each of which leads to all others, the oracle knows no end.
const patience = 5 * time.Minute

// tryDocument tries the schemas of one document. One that the front end
// refuses, or that is no JSON, has none.
func tryDocument(ctx context.Context, path string, s sample, n *counts) error {
	if info, err := os.Stat(path); err != nil || info.Size() > largest {
		n.large = append(n.large, path)
		return nil
	}
	c, _ := openapi.Load(ctx, path, openapi.Options{})
	if c == nil {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var root any
	if d.Decode(&root) != nil {
		n.unread++
		return nil
	}
	n.documents++
	t := &trial{
		name: path, until: time.Now().Add(patience), sample: s, oracle: newOracle(root, c.Dialect), programs: schema.NewPrograms(), count: n, done: map[tried]bool{},
	}
	t.run(c)
	return nil
}

// run tries the bodies, replies and parameters of a contract.
func (t *trial) run(c *contract.Contract) {
	for _, op := range c.Operations {
		if op.Body != nil {
			t.media(op.Body.Media, ofRequest)
		}
		for _, r := range op.Replies {
			t.media(r.Media, ofReply)
			for _, h := range r.Headers {
				t.parameter(op, h, ofReply)
			}
		}
		for _, p := range op.Parameters {
			t.parameter(op, p, ofRequest)
		}
	}
	t.count.loose += t.oracle.loose
}

func (t *trial) media(list []*contract.Media, side side) {
	for _, m := range list {
		s := m.Schema
		if s == nil || t.done[tried{s, side}] {
			continue
		}
		if s.Never {
			t.count.never++ // what stands there is no schema, and accepts nothing
			continue
		}
		t.done[tried{s, side}] = true
		seed, ok := t.sample.takes(t.name, fmt.Sprint(s.Pointer, side))
		if !ok || t.late() {
			continue
		}
		t.body(s, side, seed)
	}
}

// late counts a schema for which there is no time.
func (t *trial) late() bool {
	if time.Now().Before(t.until) {
		return false
	}
	t.count.late[t.name]++
	return true
}

// body tries a schema on both: values that the oracle accepts, and their
// mutants.
func (t *trial) body(s *contract.Schema, side side, seed uint64) {
	at := view{s.Pointer, side, ""}
	t.count.schemas++
	if _, err := t.oracle.compile(at); err != nil {
		t.count.uncompiled(err)
		return
	}
	ours := newSubject(t.programs, s, side)
	rnd := rand.New(rand.NewPCG(seed, 1))
	made := 0
	for n := 0; n < attempts && made < values; n++ {
		g := newGenerator(seed, side, n)
		v := g.value([]*contract.Schema{s})
		body := encode(v)
		if body == nil || nested(v) > 60 {
			continue
		}
		theirs := t.oracle.check(at, v)
		if infinite(theirs) {
			t.count.uncompiled(theirs)
			return
		}
		if theirs != nil {
			if !g.spent && !g.sample {
				t.compare(&t.count.others, at, ours, v, theirs, "a value that is refused")
			}
			continue
		}
		made++
		t.compare(&t.count.values, at, ours, v, nil, "value")
		for _, m := range mutants(rnd, v, faults) {
			if err := t.oracle.check(at, m.value); err != nil {
				t.compare(&t.count.mutants, at, ours, m.value, err, m.kind)
			} else {
				t.compare(&t.count.harmless, at, ours, m.value, nil, m.kind+", harmless")
			}
		}
	}
	if made == 0 {
		t.count.barren++
	}
}

func nested(v any) int {
	deepest := 0
	switch x := v.(type) {
	case map[string]any:
		for _, m := range x {
			deepest = max(deepest, nested(m))
		}
		return deepest + 1
	case []any:
		for _, m := range x {
			deepest = max(deepest, nested(m))
		}
		return deepest + 1
	}
	return deepest
}

// infinite tells whether the oracle ran in a circle.
func infinite(err error) bool { return err != nil && strings.Contains(err.Error(), "infinite loop") }

// compare holds our verdict to the oracle's.
func (t *trial) compare(n *score, at view, ours *subject, v any, theirs error, kind string) {
	said := ours.check(encode(v))
	n.total++
	if (said == "") == (theirs == nil) {
		n.agreed++
		return
	}
	class := kind + ": we refuse it by " + said
	if said == "" {
		class = kind + ": we accept it, the oracle refuses by " + reason(theirs)
	}
	t.count.disagree(class, difference{t.name, at.pointer, string(encode(v)), theirs})
}

// A subject is our side of one schema, by the way that the gateway goes.
type subject struct {
	request *schema.Request
	reply   *schema.Reply
}

func newSubject(p *schema.Programs, s *contract.Schema, side side) *subject {
	media := []*contract.Media{{Type: "application/json", Schema: s}}
	op := &contract.Operation{Method: "POST", Path: "/x"}
	if side == ofReply {
		op.Replies = []*contract.Reply{{Code: 200, Media: media}}
		r, _ := schema.CompileReply(op, schema.Options{Programs: p})
		return &subject{reply: r}
	}
	op.Body = &contract.Body{Required: true, Media: media}
	r, _ := schema.CompileRequest(op, schema.Options{Programs: p})
	return &subject{request: r}
}

// check is "" where the body is lawful, else the rules that it breaks.
func (s *subject) check(body []byte) string {
	var dst risk.Reading
	in := schema.Body{Bytes: body, Type: "application/json"}
	if s.request != nil {
		s.request.Media(&dst, "application/json", true)
		s.request.Body(&dst, &in)
	} else {
		s.reply.Head(&dst, &schema.ReplyView{Method: "POST", Status: 200, Media: "application/json", Body: true})
		s.reply.Body(&dst, &in)
	}
	return rules(&dst)
}

// rules lists the rules that a message breaks, each once.
func rules(r *risk.Reading) string {
	var out []string
	for _, v := range r.Violations {
		if len(out) == 0 || out[len(out)-1] != v.Rule {
			out = append(out, v.Rule)
		}
	}
	return strings.Join(out, ", ")
}
