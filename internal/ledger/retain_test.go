package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

func TestRetentionDeletesWholeSegmentsAndTheChainStillVerifies(t *testing.T) {
	t.Parallel()
	h := &hand{now: start()}
	o := options(t, func(o *Options) { o.Clock, o.Keep = h, 10*24*time.Hour })
	o.Mirror = filepath.Join(filepath.Dir(o.Dir), "mirror")
	l := mustOpen(t, o)
	for day := range 30 {
		e := get(day)
		e.Caller.Kind, e.Personal.Subject, e.Time = event.Anonymous, "", h.Now()
		if err := l.Record(e); err != nil {
			t.Fatal(err)
		}
		h.move(24 * time.Hour)
		l.mark()
		if r := mustVerify(t, o.Dir, VerifyOptions{Mirror: o.Mirror}); !r.OK() || r.Last != uint64(day+1) {
			t.Fatalf("day %d: %+v", day, r)
		}
	}
	mustClose(t, l)
	r := mustVerify(t, o.Dir, VerifyOptions{Mirror: o.Mirror})
	if !r.OK() || r.Deleted < 18 || r.First != r.Deleted+1 || r.Records > 12 {
		t.Errorf("%+v", r)
	}
	if n := len(l.ownKeys.lookups); n > 13 {
		t.Errorf("%d keys of days are left for %d records", n, r.Records)
	}
	mustOpen(t, o) // and it opens again
	lowest := r.Deleted + 1
	if err := errors.Join(os.Remove(segmentName(o.Dir, lowest)), os.Remove(headsName(o.Dir, lowest))); err != nil {
		t.Fatal(err)
	}
	if r := mustVerify(t, o.Dir, VerifyOptions{}); r.OK() || r.Problems[0].Code != CodeSegmentMissing {
		t.Errorf("a segment deleted by hand passes: %+v", r)
	}
}

func TestAMirrorThatWasAwayCatchesUp(t *testing.T) {
	t.Parallel()
	told := &faults{}
	o := options(t, func(o *Options) { o.OnFault = told.add })
	away := filepath.Join(filepath.Dir(o.Dir), "away")
	o.Mirror = filepath.Join(away, "mirror")
	l := mustOpen(t, o)
	head := func(n int) {
		if err := l.Record(get(n)); err != nil {
			t.Fatal(err)
		}
		l.mark()
	}
	head(1)
	head(2)
	if f := told.list(); len(f) != 1 || f[0].Part != PartMirror || f[0].Err == nil {
		t.Errorf("the mirror is away: %v", f)
	}
	if err := os.Mkdir(away, 0o700); err != nil {
		t.Fatal(err)
	}
	head(3)
	if f := told.list(); len(f) != 2 || f[1].Part != PartMirror || f[1].Err != nil {
		t.Errorf("the mirror is back: %v", f)
	}
	mustClose(t, l)
	if r := mustVerify(t, o.Dir, VerifyOptions{Mirror: o.Mirror}); !r.OK() || r.Mirrored != 3 {
		t.Errorf("%+v", r)
	}
}

func TestQueriesFindWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.SegmentBytes = 2000 })
	l := mustOpen(t, o)
	for n := range 40 {
		e := get(n)
		switch n {
		case 10:
			e.Decision, e.Risk, e.Status = event.Deny, "bola", 403
		case 20:
			e.Would = []event.Would{{Risk: "bola"}}
		case 30:
			e.API, e.Operation = "bills", "GET /bills/{}"
		}
		mustSeal(t, l, e)
	}
	mustClose(t, l)
	r := Reader{Dir: o.Dir}
	for name, c := range map[string]struct {
		q    Query
		want string
	}{
		"a risk, decided or observed": {Query{Risk: "bola"}, "[11 21]"},
		"a decision":                  {Query{Decision: event.Deny}, "[11]"},
		"a status":                    {Query{Status: 403}, "[11]"},
		"an API":                      {Query{API: "bills"}, "[31]"},
		"an operation":                {Query{Operation: "GET /bills/{}"}, "[31]"},
		"an id":                       {Query{ID: id(5)}, "[6]"},
		"a time":                      {Query{From: start().Add(3 * time.Millisecond), To: start().Add(5 * time.Millisecond)}, "[4 5]"},
		"all together":                {Query{Risk: "bola", Status: 200, API: "orders", From: start()}, "[21]"},
		"a kind that is not there":    {Query{Kind: event.Stop}, "[]"},
		"a pseudonym nobody has":      {Query{Pseudonym: "X"}, "[]"},
	} {
		seqs := []uint64{}
		for _, e := range all(t, r, c.q) {
			seqs = append(seqs, e.Seq)
		}
		if got := fmt.Sprint(seqs); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	one, err := r.Get(t.Context(), id(33))
	if err != nil || len(one) != 1 || one[0].Seq != 34 {
		t.Errorf("Get gives %+v, %v", one, err)
	}
	if _, err := r.Get(t.Context(), id(999)); !errors.Is(err, ErrNotFound) {
		t.Errorf("an id that is not there gives %v", err)
	}
	if _, err := (Reader{Dir: o.Dir + "x"}).Get(t.Context(), id(1)); err == nil {
		t.Error("a folder that is not there is read")
	}
}

func TestTailFollowsOverSegments(t *testing.T) {
	t.Parallel()
	o := options(t, func(o *Options) { o.SegmentBytes = 1500; o.CommitEvery = time.Millisecond })
	l := mustOpen(t, o)
	if err := l.Record(get(0)); err != nil {
		t.Fatal(err)
	}
	got, began := make(chan *event.Event), make(chan struct{})
	done := make(chan error, 1)
	go func() {
		defer close(got)
		close(began)
		for e, err := range (Reader{Dir: o.Dir}).Tail(t.Context(), Query{}) {
			if err != nil {
				done <- err
				return
			}
			got <- e
			if e.ID == id(300) {
				done <- nil
				return
			}
		}
		done <- errors.New("Tail ended")
	}()
	<-began
	next := uint64(0)
	stop := make(chan struct{})
	go func() { // keeps writing, since Tail begins when it begins
		for n := 1; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if l.Record(get(min(n, 300))) != nil {
				return
			}
		}
	}()
	for e := range got {
		if next != 0 && e.Seq != next {
			t.Errorf("record %d follows %d", e.Seq, next-1)
		}
		next = e.Seq + 1
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}
