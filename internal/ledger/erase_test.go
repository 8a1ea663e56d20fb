package ledger

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sallyport/sallyport/event"
)

func TestErasureDestroysTheKeyAndTheLogStillVerifies(t *testing.T) {
	t.Parallel()
	o := options(t)
	l := mustOpen(t, o)
	bob := get(2)
	bob.Personal = event.Personal{Subject: "bob", Address: "192.0.2.8", Path: "/orders/2", UserAgent: "curl"}
	mustSeal(t, l, get(1), bob, get(3))
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	keys, err := ReadKeys(filepath.Join(o.Dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	r := Reader{Dir: o.Dir, Keys: keys}
	before := all(t, r, Query{Subject: "alice"})
	if len(before) != 2 || before[0].Personal.Address != "192.0.2.7" || before[0].Caller.Pseudonym != before[1].Caller.Pseudonym {
		t.Fatalf("search by subject finds %+v", before)
	}
	table := filepath.Join(o.Dir, "secret", tableFile)
	old, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Erase("alice"); err != nil {
		t.Fatal(err)
	}
	if err := l.Erase("alice"); !errors.Is(err, ErrErased) {
		t.Errorf("erasing twice gives %v", err)
	}
	for _, keys := range []Keys{keys, l.keys} { // a reader that cached the key learns of it as well
		r := Reader{Dir: o.Dir, Keys: keys}
		if found := all(t, r, Query{Subject: "alice"}); len(found) != 0 {
			t.Errorf("an erased subject is found: %+v", found)
		}
		events := all(t, r, Query{Kind: event.Exchange})
		if len(events) != 3 || events[0].Personal.Address != Erased || events[2].Personal.Path != Erased || events[1].Personal.UserAgent != "curl" {
			t.Errorf("after: %+v", events)
		}
	}
	done := all(t, r, Query{Kind: event.SubjectErased})
	if len(done) != 1 || done[0].Target != before[0].Caller.Pseudonym {
		t.Errorf("the erasure is recorded as %+v", done)
	}
	now, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for at := tableHeader; at < len(old); at += slotSize {
		if gone := !bytes.Equal(old[at:at+slotSize], now[at:at+slotSize]); gone && bytes.Contains(now, old[at+wrappedAt:at+wrappedAt+wrappedSize]) {
			t.Error("the wrapped key still stands in the file")
		}
	}
	// The same subject may come back: with another key and another name.
	mustSeal(t, l, get(4))
	mustClose(t, l)
	if err := keys.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := ReadKeys(filepath.Join(o.Dir, "secret"))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	back := all(t, Reader{Dir: o.Dir, Keys: again}, Query{Subject: "alice"})
	if len(back) != 1 || back[0].ID != id(4) || back[0].Caller.Pseudonym == before[0].Caller.Pseudonym {
		t.Errorf("who comes back is %+v", back)
	}
	if rep := mustVerify(t, o.Dir, VerifyOptions{}); !rep.OK() || rep.Records != 5 {
		t.Errorf("%+v", rep)
	}
}

func TestAnonymousCallersShareOneKeyADay(t *testing.T) {
	t.Parallel()
	o := options(t)
	l := mustOpen(t, o)
	for n := range 50 {
		e := get(n)
		e.Caller.Kind, e.Personal.Subject = event.Anonymous, ""
		if n%2 == 1 {
			e.Caller.Kind, e.Personal.Subject = event.Provisional, "token "+string(rune('a'+n))
		}
		e.Time = start().Add(time.Duration(n%3) * 24 * time.Hour)
		mustSeal(t, l, e)
	}
	if n := len(l.ownKeys.lookups); n != 3 {
		t.Errorf("%d keys for three days", n)
	}
	if err := l.Erase(DaySubject(start())); err != nil {
		t.Error(err)
	}
}

func TestAFullTableSharesTheKeyOfTheDay(t *testing.T) {
	t.Parallel()
	l := mustOpen(t, options(t))
	l.ownKeys.bound = 3
	anonymous := get(0)
	anonymous.Caller.Kind, anonymous.Personal.Subject = event.Anonymous, ""
	mustSeal(t, l, anonymous)
	for n := range 5 {
		e := get(n)
		e.Personal.Subject = "user " + id(n).String()
		mustSeal(t, l, e)
	}
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	boxes, names := map[string]int{}, map[string]bool{}
	for _, e := range all(t, l.Reader(), Query{}) {
		boxes[e.Box.Key]++
		names[e.Caller.Pseudonym] = true
		if e.Personal.Address != "192.0.2.7" {
			t.Errorf("a box does not open: %+v", e.Personal)
		}
	}
	if len(boxes) != 3 || len(names) != 6 || boxes[anonymous.Box.Key] != 4 {
		t.Errorf("%d keys, %d names, %d share the key of the day", len(boxes), len(names), boxes[anonymous.Box.Key])
	}
}

func TestTheKeyTableKeepsItsKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k, err := OpenKeys(dir, options(t).Rand)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for n := range 40 {
		subject := id(n).String()
		key, err := k.For(subject)
		if err != nil {
			t.Fatal(err)
		}
		names[subject] = key.Handle() + key.Pseudonym(subject)
	}
	for n := range 20 {
		if err := k.Destroy(id(n).String()); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 10 { // these take slots that became free
		if _, err := k.For("new " + id(n).String()); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(k.Sync(), k.Close()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, tableFile))
	if err != nil || len(b) != tableHeader+41*slotSize || bytes.Contains(b, []byte(id(30).String())) {
		t.Errorf("the table has %d bytes, %v", len(b), err)
	}
	k, err = ReadKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for n := range 40 {
		subject := id(n).String()
		key, err := k.Peek(subject)
		if n < 20 {
			if !errors.Is(err, ErrErased) {
				t.Errorf("a destroyed key is back: %v", err)
			}
			continue
		}
		if err != nil || key.Handle()+key.Pseudonym(subject) != names[subject] {
			t.Errorf("the key of %s is another, %v", subject, err)
		}
		if same, err := k.Handle(key.Handle()); err != nil || same.Pseudonym("x") != key.Pseudonym("x") {
			t.Errorf("the handle of %s leads elsewhere, %v", subject, err)
		}
	}
	if _, err := k.For("unheard of"); err == nil {
		t.Error("a reader makes keys")
	}
}
