package errors

import (
	"strings"
	"testing"
)

// agrees holds the scan to a slow search: the same marks, each proof and hint
// once, all places as one, each frame as often as it stands there; and nothing
// that has a core is calm.
func agrees(t *testing.T, text string) {
	t.Helper()
	var want, got tally
	got.plain([]byte(text))
	folded := normal(text)
	bare := true // no proof and no frame that has a core
	for id, m := range marks() {
		n := strings.Count(folded, m.text)
		if n == 0 {
			continue
		}
		want.seen[id/64] |= 1 << (id % 64)
		switch m.weight {
		case proof:
			want.proofs++
		case hint:
			want.hints++
		case place:
			want.places = 1
		case frame:
			want.frames += n
		}
		bare = bare && (core(m.text) == nil || m.weight != proof && m.weight != frame)
	}
	if got != want {
		t.Errorf("%q: found %+v, want %+v", text, got, want)
	}
	if !bare && cores().calm([]byte(text)) {
		t.Errorf("%q is calm", text)
	}
}

func TestTheScanFindsWhatASlowSearchFinds(t *testing.T) {
	t.Parallel()
	list := marks()
	longest := ""
	for _, m := range list {
		if len(m.text) > len(longest) {
			longest = m.text
		}
	}
	for i, m := range list {
		if m.text == "" || m.text != normal(m.text) {
			t.Fatalf("mark %d, %q, is not written as texts are read", i, m.text)
		}
		doubled, upper := "", strings.ToUpper(m.text)
		for _, c := range m.text {
			doubled += string(c) + string(c)
		}
		for _, text := range []string{
			m.text, m.text[1:], m.text[:len(m.text)-1], "~" + m.text + "~", upper + upper, doubled, strings.ReplaceAll(m.text, ".", ".."), strings.ReplaceAll(m.text, "0", "4711"),
			longest + m.text, m.text + list[(i+1)%len(list)].text, m.text + "\x00" + m.text, strings.ReplaceAll(m.text, " ", "\v\f"), strings.ReplaceAll(m.text, "/", `\/\`), m.text + "@`\x7f",
		} {
			agrees(t, text)
		}
	}
}

func TestEachSignIsItself(t *testing.T) {
	t.Parallel()
	var list []mark
	for c := 0x21; c < 0x7f; c++ {
		if s := string(rune(c)); normal(s) == s && s != "0" {
			list = append(list, mark{s, proof})
		}
	}
	list = append(list, mark{"0", proof}, mark{" ", proof}, mark{"\x80", proof}, mark{"\x81", proof}, mark{"\x82", proof}) // all classes are used
	a := build(list)
	for c := range 256 {
		var got tally
		r := reader{a: a}
		r.feed(&got, []byte{byte(c)})
		for id, m := range list {
			if want := normal(string([]byte{byte(c)})) == m.text; want != (got.seen[id/64]&(1<<(id%64)) != 0) {
				t.Errorf("byte %#x reads as %q: %v", c, m.text, !want)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("one sign more fits no class")
		}
	}()
	build(append(list, mark{"\x83", proof}))
}

func TestStatesThatEndAMarkAreMarked(t *testing.T) {
	t.Parallel()
	a := leaks()
	for _, row := range a.next {
		for _, to := range row {
			if (to&hasHits != 0) != (len(a.hits[to&^hasHits]) > 0) {
				t.Fatalf("state %d", to)
			}
		}
	}
}

func TestEachKindOfMarkCounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]tally{
		"at a.B(B.java:1) at b.C(C.kt:22)":                    {frames: 2},
		"java.lang.Object java.util.List":                     {hints: 2},
		`File "/x/a.py", line 3, File "/x/b.py", line 4`:      {frames: 2},
		"at f (a.js:1:2) at g (b.ts:3:4)":                     {frames: 2},
		"TypeError: a, RangeError: b":                         {hints: 2},
		"a.go:17 b.rs:1:2":                                    {frames: 2},
		"a.cs:line 3 b.vb:line 4":                             {frames: 2},
		"x at System.Y at Microsoft.Z":                        {hints: 2},
		"a.php(3): x b.php on line 7":                         {frames: 2},
		"Stack trace:\n#0 x":                                  {hints: 1},
		"a.rb:3:in `b'":                                       {frames: 1},
		"a syntax error, near \"x\"":                          {hints: 2},
		"no such file or directory":                           {hints: 1},
		"/home/a /opt/b":                                      {places: 1},
		"/home/a, /opt/b: no such file or directory, a.go:17": {places: 1, hints: 1, frames: 1},
		"SQLSTATE[1] SQLSTATE[2] PDOException":                {proofs: 2},
	} {
		got := scanned(text)
		got.seen = want.seen
		if got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestHowMuchIsALeak(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		t    tally
		want bool
	}{
		{tally{}, false}, {tally{hints: 1}, false}, {tally{places: 1}, false}, {tally{frames: 1}, false}, {tally{proofs: 1}, true},
		{tally{hints: 2}, true}, {tally{frames: 2}, true}, {tally{hints: 1, places: 1}, true}, {tally{frames: 1, places: 1}, true}, {tally{hints: 1, frames: 1}, true},
	} {
		if c.t.leaks() != c.want {
			t.Errorf("%+v: %v", c.t, !c.want)
		}
	}
}

func TestEscapesAreUndone(t *testing.T) {
	t.Parallel()
	read := func(text string) int {
		var got tally
		got.escaped([]byte(text))
		return got.proofs
	}
	for text, want := range map[string]int{
		`Fatal\terror:\nuncaught`: 1, `fatal\rerror:\u0020uncaught`: 1, `fatal\ferror:\buncaught`: 1, `fatal\\terror: uncaught`: 0, `fatal\\\terror: uncaught`: 0, `fatal error: uncaugh\t`: 0,
		`c:\\inetpub\\x`: 1, `c:\\\\inetpub\\\\x`: 1, `x\\node_modules\\y`: 1, `x\\\\node_modules\/y`: 1, `x\\\node_modules/`: 0, `x\node_modules/`: 0, `\\\/node_modules\\/`: 1,
		`\/var\/www\/`: 1, `exception in thread \"`: 1, `exception in thread \\\"`: 1, `\"exception in thread \\\\\\\"`: 1, `exception in thread \\"`: 1,
		`\u0053QLSTATE[`: 1, `\\u0053QLSTATE[`: 1, `\\\u0053QLSTATE[`: 1, `SQLSTATE\u005b`: 1, `SQLSTATE\u005B`: 1, `SQLSTATE\u0000[`: 0, `SQLSTATE\u0080[`: 0, `SQLSTATE\u007f[`: 0,
		`SQLSTATE\u015b`: 0, `SQLSTATE\u5b`: 0, `SQLSTATE[\`: 1, `SQLSTATE\`: 0, `SQLSTATE[\\`: 1, `SQLSTATE\q[`: 0, `SQLSTATE\[`: 1, `\u12SQLSTATE[`: 1, `\u005SQLSTATE[`: 1,
	} {
		if got := read(text); got != want {
			t.Errorf("%s: %d", text, got)
		}
	}
}

func TestWhatAnEscapeStandsFor(t *testing.T) {
	t.Parallel()
	type out struct {
		c    byte
		end  int
		code bool
	}
	for text, want := range map[string]out{
		`\n`: {' ', 1, false}, `\t`: {' ', 1, false}, `\r`: {' ', 1, false}, `\b`: {' ', 1, false}, `\f`: {' ', 1, false}, `\a`: {'a', 1, false}, `\"`: {'"', 1, false}, `\/`: {'/', 1, false},
		`\u0041`: {'A', 5, true}, `\u0041x`: {'A', 5, true}, `\u007f`: {0x7f, 5, true}, `\u007F`: {0x7f, 5, true}, `\u0001`: {1, 5, true}, `\u0000`: {0xff, 5, true}, `\u0080`: {0xff, 5, true}, `\u0081`: {0xff, 5, true},
		`\u00ff`: {0xff, 5, true}, `\u1041`: {0xff, 5, true}, `\uffff`: {0xff, 5, true}, `\u004`: {0xff, 1, false}, `\u`: {0xff, 1, false}, `\u00g1`: {0xff, 1, false}, `\u00/1`: {0xff, 1, false}, `\u00:1`: {0xff, 1, false},
		`\u00@1`: {0xff, 1, false}, `\u00\u0`: {0xff, 1, false}, `\u006a`: {'j', 5, true}, `\u006b`: {'k', 5, true}, `\u006c`: {'l', 5, true}, `\u006D`: {'m', 5, true}, `\u006e`: {'n', 5, true}, `\u0039`: {'9', 5, true},
	} {
		c, end, code := unescape([]byte(text), 1)
		if got := (out{c, end, code}); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}
