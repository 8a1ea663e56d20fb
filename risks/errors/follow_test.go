package errors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
	"github.com/sallyport/sallyport/risk"
)

// shreds are parts of texts in which marks are whole, halved and hidden.
func shreds() []string {
	return []string{
		"a", "hello ", `\n`, `\"`, `\\`, `\\\\`, `\u0020`, `\u00`, `\/`, "é", "{", "}", ",", ":", "1", "SQLSTATE[", `SQL\u0053TATE[`, `\u0053QLSTATE\u005b`, "SQL", "STATE[", "at a.B(B.java:12)", ".java:", "3)",
		"Caused by: java.lang.X", "/var/www/x", `\/var\/www\/x`, "/home/a", "no such file or directory", "goroutine 7 [", "TypeError: x", `c:\\inetpub\\`, "Traceback (most recent call last)",
	}
}

func TestEscapesAreUndoneInPiecesAsInOne(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(3, 4))
	list := append(shreds(), `\`, `\u`, `\u0`, `u0053`, `\u00\u0`, `"`)
	found := 0
	for range 20000 {
		text := ""
		for range 1 + rnd.IntN(8) {
			text += list[rnd.IntN(len(list))]
		}
		var want, got tally
		want.escaped([]byte(text))
		d := undoer{to: reader{a: leaks()}}
		for rest := []byte(text); len(rest) > 0; {
			n := 1 + rnd.IntN(min(6, len(rest)))
			d.feed(&got, rest[:n])
			rest = rest[n:]
		}
		if d.end(&got); got != want {
			t.Fatalf("%q: %+v, want %+v", text, got, want)
		}
		found += want.total()
	}
	if found < 10000 {
		t.Errorf("only %d marks", found)
	}
}

// telling writes a JSON value in which strings hold marks, some of them where
// errors are told.
func telling(rnd *rand.Rand, depth int) string {
	names := []string{"a", "b", "note", "error", "Stack_Trace", `\u0065rror`, "items", "trace-id", strings.Repeat("x", 40)}
	n := rnd.IntN(8)
	if depth == 0 {
		n = rnd.IntN(5)
	}
	blank := strings.Repeat(" ", rnd.IntN(2))
	switch {
	case n == 0:
		return []string{"1", "-2.5e3", "true", "null"}[rnd.IntN(4)] + blank
	case n < 5:
		text := `"`
		for range rnd.IntN(3) {
			text += strings.ReplaceAll(shreds()[rnd.IntN(len(shreds()))], `\u00`+"\x00", "")
		}
		text = strings.TrimSuffix(text, `\u00`)
		for strings.Contains(text, `\u00`) && !wellFormed(text+`"`) {
			text = strings.Replace(text, `\u00`, "", 1)
		}
		if !wellFormed(text + `"`) {
			text = `"plain`
		}
		return text + `"` + blank
	case n == 5:
		var list []string
		for range rnd.IntN(4) {
			list = append(list, telling(rnd, depth-1))
		}
		return "[" + blank + strings.Join(list, ",") + "]"
	}
	var list []string
	for _, k := range rnd.Perm(len(names))[:rnd.IntN(4)] {
		if names[k] == `\u0065rror` && slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(s, `"error"`) }) {
			continue
		}
		list = append(list, `"`+names[k]+`"`+blank+":"+blank+telling(rnd, depth-1))
	}
	if text := "{" + strings.Join(list, ","+blank) + "}"; wellFormed(text) {
		return text
	}
	return "{}"
}

func wellFormed(text string) bool { return jsonx.New(jsonx.Limits{}).Parse([]byte(text)) == nil }

// marksOf marks some values of JSON texts as undeclared.
func marksOf(t *testing.T, rnd *rand.Rand, r *risk.Response, body string) []risk.Mark {
	t.Helper()
	r.Body = []byte(body)
	var out []risk.Mark
	covered := 0
	for _, s := range texts(r) {
		var d jsonx.Doc
		if err := d.Parse(r.Body[s.start:s.end]); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for i := range d.Len() {
			n := d.Node(i)
			start, end := int(n.Start)+s.start, int(n.End)+s.start
			if start < covered || rnd.IntN(12) > 0 {
				continue
			}
			covered = end
			from := start
			if n.KeyStart > 0 {
				from = int(n.KeyStart) - 1 + s.start
			}
			kinds := []risk.MarkKind{risk.UndeclaredClosed, risk.UndeclaredSilent, risk.UndeclaredOpen, risk.SensitiveMember}
			out = append(out, risk.Mark{Kind: kinds[rnd.IntN(len(kinds))], Start: from, Value: start, End: end})
		}
	}
	return out
}

// verdict is what hides a reply, or something in it.
func verdict(x *risk.Exchange) string {
	for _, e := range x.Edits() {
		if e.Do == risk.HideBody || e.Do == risk.ReplaceSpan {
			return "hidden"
		}
	}
	return "passes"
}

// inPieces checks a reply as the gateway does one that streams. Marks come with
// the piece in which their value begins, or once it has ended, as in
// alternatives.
func inPieces(t *testing.T, rnd *rand.Rand, f *risk.Facts, body string, marks []risk.Mark) string {
	t.Helper()
	r := f.Response
	r.Part, r.End, r.Body = true, false, nil
	x := risk.NewExchange(f, nil)
	g := bodies{}.Follow()
	at := make([]int, len(marks)) // from where on a mark is known
	for i := range marks {
		if at[i] = marks[i].Value + 1; rnd.IntN(2) == 0 {
			at[i] = min(marks[i].End+rnd.IntN(20), len(body))
		}
	}
	known := make([]bool, len(marks))
	most := 1 + rnd.IntN(30)
	for from := 0; from < len(body); {
		to := min(from+1+rnd.IntN(most), len(body))
		f.Answered.Marks = f.Answered.Marks[:0]
		settled := to
		for i, m := range marks {
			switch {
			case known[i]:
			case at[i] <= to:
				known[i] = true
				m.End = min(m.End, to)
				f.Answered.Marks = append(f.Answered.Marks, m)
			default:
				settled = min(settled, m.Start)
			}
		}
		rnd.Shuffle(len(f.Answered.Marks), func(i, k int) {
			f.Answered.Marks[i], f.Answered.Marks[k] = f.Answered.Marks[k], f.Answered.Marks[i]
		})
		r.Body, r.Offset, r.Settled = []byte(body[from:to]), from, settled
		if g.Check(x) != nil {
			t.Fatal("refused")
		}
		from = to
	}
	r.End, r.Settled = true, len(body)
	f.Answered.Marks = f.Answered.Marks[:0]
	if g.Check(x) != nil {
		t.Fatal("refused")
	}
	return verdict(x)
}

func TestALeakIsFoundInPiecesAsInOne(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	rounds := 30000
	if testing.Short() {
		rounds = 5000
	}
	hidden := 0
	for range rounds {
		media, body := ofJSON, telling(rnd, 4)
		switch rnd.IntN(6) {
		case 0:
			media, body = "application/x-ndjson", body+"\n"+telling(rnd, 3)+"\n"
		case 1:
			media, body = "application/json-seq", "\x1e"+body+"\n\x1e"+telling(rnd, 3)+"\n"
		case 2:
			media = "text/plain"
		}
		f := &risk.Facts{Response: &risk.Response{Status: 200, Media: media}}
		if rnd.IntN(4) == 0 {
			f.Answered.Violate(risk.Violation{Class: risk.WrongMedia})
		}
		marks := marksOf(t, rnd, f.Response, body)
		f.Answered.Marks = slices.Clone(marks)
		x := risk.NewExchange(f, nil)
		if (bodies{}).Check(x) != nil {
			t.Fatal("refused")
		}
		want := verdict(x)
		if got := inPieces(t, rnd, f, body, marks); got != want {
			t.Fatalf("%s %s\nmarks %+v: in pieces it is %s, whole it is %s", media, body, marks, got, want)
		}
		if want == "hidden" {
			hidden++
		}
	}
	t.Logf("%d of %d hidden", hidden, rounds)
	if hidden < rounds/50 {
		t.Errorf("only %d of %d held something to hide", hidden, rounds)
	}
}

func TestWhatIsNoJSONIsReadInPiecesAsInOne(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(5, 6))
	hidden := 0
	for range 5000 {
		body := []string{"", "  ", "{", "[x", "<p>", `"a" b `, "{}x"}[rnd.IntN(7)]
		for range rnd.IntN(6) {
			body += shreds()[rnd.IntN(len(shreds()))]
		}
		if body += " "; wellFormed(body) {
			continue
		}
		f := &risk.Facts{Response: &risk.Response{Status: 200, Media: []string{"text/html", "", ofJSON, "text/plain"}[rnd.IntN(4)], Body: []byte(body)}}
		if rnd.IntN(3) > 0 {
			f.Answered.Violate(risk.Violation{Class: risk.WrongMedia})
		}
		x := risk.NewExchange(f, nil)
		if (bodies{}).Check(x) != nil {
			t.Fatal("refused")
		}
		want := verdict(x)
		if got := inPieces(t, rnd, f, body, nil); got != want && want == "hidden" {
			t.Fatalf("%s %q: in pieces it is %s, whole it is %s", f.Response.Media, body, got, want)
		}
		if want == "hidden" {
			hidden++
		}
	}
	if hidden < 100 {
		t.Errorf("only %d held something to hide", hidden)
	}
}

func TestAManyLinedReplyLosesWhatIsToldInIt(t *testing.T) {
	t.Parallel()
	body := `{"id":1}` + "\n" + `{"error":"` + trace + `"}` + "\n"
	out := pass(t, Params{}, reply{status: 200, media: "application/x-ndjson", body: body})
	if want := `{"id":1}` + "\n" + `{"error":"[hidden]"}` + "\n"; out.Body != want {
		t.Errorf("%q, want %q", out.Body, want)
	}
}

func TestAFollowerHoldsLittle(t *testing.T) {
	t.Parallel()
	f := &risk.Facts{Response: &risk.Response{Status: 200, Media: ofJSON, Part: true}}
	x := risk.NewExchange(f, nil)
	g, ok := bodies{}.Follow().(*follower)
	if !ok {
		t.Fatal("no follower")
	}
	send := func(piece string, settled bool) string {
		r := f.Response
		r.Offset += len(r.Body)
		if r.Body = []byte(piece); settled {
			r.Settled = r.Offset + len(piece)
		}
		_ = g.Check(x)
		return verdict(x)
	}
	_ = send("[", true)
	for range 5000 { // tickets that quote stack traces
		if got := send(`{"ticket":"`+trace+`"},`, true); got != "passes" || len(g.texts.hits) > 1 {
			t.Fatalf("%s, %d hits", got, len(g.texts.hits))
		}
	}
	got := ""
	for i := range 2 * maxHits { // and what stays open for long
		if got = send(`"`+trace+`",`, false); got == "hidden" {
			if i < maxHits-1 {
				t.Errorf("hidden after %d", i)
			}
			break
		}
	}
	if got != "hidden" || len(g.texts.hits) > maxHits {
		t.Errorf("%s, %d hits", got, len(g.texts.hits))
	}
	deep := bodies{}.Follow()
	f.Response.Offset, f.Response.Body = 0, []byte(strings.Repeat("[", maxLevels+1))
	x.Truncate(0)
	_ = deep.Check(x)
	f.Response.Body = []byte(trace)
	if _ = deep.Check(x); verdict(x) != "hidden" {
		t.Error("it follows any depth")
	}
}

func TestAnErrorInPiecesIsHidden(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]fault.Code{302: CodeLeak, 404: CodeLeak, 500: CodeUpstream} {
		f := &risk.Facts{Response: &risk.Response{Status: status, Media: ofJSON, Part: true}}
		x := risk.NewExchange(f, nil)
		g := bodies{}.Follow()
		for i, piece := range []string{" ", `{"message":"` + trace[:len(trace)/2], trace[len(trace)/2:] + `"}`} {
			f.Response.Body = []byte(piece)
			if _ = g.Check(x); len(x.Edits()) > 0 {
				if i == 0 {
					t.Errorf("%d: hidden before anything came", status)
				}
				break
			}
		}
		if e := x.Edits(); len(e) != 1 || e[0].Code != want {
			t.Errorf("%d: %+v", status, e)
		}
	}
}

// The walk that looked at all marks for each string took seconds for this one.
func BenchmarkSuspicious(b *testing.B) {
	var s strings.Builder
	s.WriteString(`{"error":"` + trace + `"`)
	var marks []risk.Mark
	for i := range risk.MaxMarks {
		from := s.Len()
		fmt.Fprintf(&s, `,"n%d":"%s"`, i, "x")
		marks = append(marks, risk.Mark{Kind: risk.UndeclaredSilent, Start: from + 1, Value: s.Len() - 3, End: s.Len()})
	}
	s.WriteString("}")
	f := &risk.Facts{Response: &risk.Response{Status: 200, Media: ofJSON, Body: []byte(s.String())}, Answered: risk.Reading{Marks: marks}}
	x := risk.NewExchange(f, nil)
	b.SetBytes(int64(s.Len()))
	for b.Loop() {
		x.Reset(f)
		_ = bodies{}.Check(x)
	}
}

func TestTheGuardOfBodiesFollows(t *testing.T) {
	t.Parallel()
	placed, err := newGuard(&risk.Site{Scope: risk.OfOperation})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range placed {
		if _, follows := p.Guard.(risk.Follower); follows != (p.Phase == risk.ReplyBody) {
			t.Errorf("the guard at %v: %v", p.Phase, follows)
		}
	}
}
