package wire

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/sallyport/sallyport/risk"
)

// TestEachFloodHasItsBound sends as many frames of a kind as are taken, is still
// served, sends one more, and is cut off.
func TestEachFloodHasItsBound(t *testing.T) {
	t.Parallel()
	b := budgets()
	for name, c := range map[string]struct {
		most int // what is taken, beside what the test itself has sent
		one  func(p *peer) error
	}{
		"resets": {b[resets], func(p *peer) error {
			p.next += 2
			_ = p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: p.next - 2, BlockFragment: p.block(soundly("GET")...), EndHeaders: true, EndStream: true})
			return p.f.WriteRSTStream(p.next-2, http2.ErrCodeCancel)
		}},
		"streams that we have to reset": {b[resets], func(p *peer) error {
			p.next += 2
			return p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: p.next - 2, BlockFragment: p.block(soundly("GET", "X-A", "b")...), EndHeaders: true, EndStream: true})
		}},
		"settings":             {b[settings] - 2, func(p *peer) error { return p.f.WriteSettings() }},
		"pings":                {b[pings], func(p *peer) error { return p.f.WritePing(false, [8]byte{}) }},
		"priorities":           {b[priorities], func(p *peer) error { return p.f.WritePriority(1, http2.PriorityParam{Weight: 1}) }},
		"frames of no type":    {b[priorities], func(p *peer) error { return p.f.WriteRawFrame(0xbe, 0, 0, nil) }},
		"windows":              {b[windows], func(p *peer) error { return p.f.WriteWindowUpdate(0, 1) }},
		"empty data":           {b[empties], func(p *peer) error { return p.f.WriteData(1, false, nil) }},
		"empty data, padded":   {b[empties], func(p *peer) error { return p.f.WriteDataPadded(1, false, nil, make([]byte, 9)) }},
		"data to reset stream": {b[strays], func(p *peer) error { return p.f.WriteData(3, false, []byte("a")) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(t, func(x *Exchange) {
					if x.Body != nil {
						_, _ = io.Copy(io.Discard, x.Body)
					}
					<-x.Context().Done() // a stream that ended as it should would earn something
				}, Config{Idle: time.Hour})
				if strings.Contains(name, "data") {
					p.ask(false, soundly("POST")...)
				}
				if strings.Contains(name, "reset stream") {
					p.ask(false, soundly("POST", "X-A", "b")...)
				}
				for i := range c.most {
					if err := c.one(p); err != nil {
						t.Fatalf("cut off after %d of %d: %v", i, c.most, err)
					}
				}
				synctest.Wait()
				select {
				case g := <-p.until2("GOAWAY", "end"):
					t.Fatalf("cut off within the budget of %d: %v", c.most, g)
				default:
				}
				_ = c.one(p)
				if g := p.until(func(g got) bool { return g.what == "GOAWAY" || g.what == "end" }); g.what == "GOAWAY" && g.code != http2.ErrCodeEnhanceYourCalm {
					t.Errorf("%v", g)
				}
				synctest.Wait()
				if !slices.Contains(p.codes(), string(CodeFlood)) {
					t.Errorf("refused: %v", p.codes())
				}
			})
		})
	}
}

// until2 has the frames of some kinds that came already.
func (p *peer) until2(kinds ...string) chan got {
	out := make(chan got, 1)
	for {
		select {
		case g, ok := <-p.came:
			if !ok {
				return out
			}
			if slices.Contains(kinds, g.what) {
				select {
				case out <- g:
				default:
				}
				return out
			}
		default:
			return out
		}
	}
}

func TestAHeadEndsAfterSomeFrames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		frames int
		part   func(b []byte, i int) []byte
		want   string
	}{
		"eight": {maxContinuations, func(b []byte, i int) []byte { return b[i : i+1] }, "200 ok"},
		"nine":  {maxContinuations + 1, func(b []byte, i int) []byte { return b[i : i+1] }, " ENHANCE_YOUR_CALM"},
		"eight of which most are empty": {maxContinuations, func(b []byte, i int) []byte {
			if i == 0 {
				return b[:maxContinuations]
			}
			return nil
		}, "200 ok"},
		"more than a head may have": {5, func([]byte, int) []byte { return make([]byte, maxFrame) }, " ENHANCE_YOUR_CALM"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(t, func(x *Exchange) { _ = x.Reply(200, nil, []byte("ok")) }, Config{})
				b := p.block(soundly("GET", "x-a", strings.Repeat("b", 20))...)
				head := len(b) - maxContinuations
				p.must(p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:head], EndStream: true}))
				for i := range c.frames {
					var part []byte
					if i < maxContinuations || strings.HasPrefix(name, "more") {
						part = c.part(b[head:], i)
					}
					if p.f.WriteContinuation(1, i == maxContinuations-1 && c.frames == maxContinuations, part) != nil {
						break
					}
				}
				if got := p.answer(1); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestHeadsOverTheirLimitsAreAnswered(t *testing.T) {
	t.Parallel()
	many := soundly("GET")
	for range defaultMaxFields + 1 {
		many = append(many, "x-a", "b")
	}
	crumbs := soundly("GET")
	for range crumbsAField*defaultMaxFields + 1 {
		crumbs = append(crumbs, "cookie", "a=b")
	}
	bomb := soundly("GET")
	for range 9000 {
		bomb = append(bomb, "x-a", strings.Repeat("b", 3000)) // a byte each, once it is in the table
	}
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"fields":  {many, "431 framing/head-too-large"},
		"cookies": {crumbs, "431 framing/head-too-large"},
		"bytes":   {soundly("GET", "x-a", strings.Repeat("b", 16<<10), "x-b", strings.Repeat("c", 17<<10)), "431 framing/head-too-large"},
		"a bomb":  {bomb, "431 framing/head-too-large"},
		"target":  {[]string{":method", "GET", ":scheme", "https", ":authority", "a", ":path", "/" + strings.Repeat("a", defaultMaxTarget)}, "414 framing/target-too-long"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := newPeer(t, func(x *Exchange) { _ = x.Reply(200, nil, []byte("ok")) }, Config{})
				b := p.block(c.fields...)
				p.must(p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:min(len(b), maxFrame)], EndHeaders: len(b) <= maxFrame, EndStream: true}))
				for b = b[min(len(b), maxFrame):]; len(b) > 0; b = b[min(len(b), maxFrame):] {
					p.must(p.f.WriteContinuation(1, len(b) <= maxFrame, b[:min(len(b), maxFrame)]))
				}
				if got := p.answer(1); got != c.want {
					t.Errorf("%q, want %q", got, c.want)
				}
				p.next = 3 // the table is as it should be, and the connection of use
				if got := p.answer(p.ask(true, soundly("GET", "x-a", "c")...)); got != "200 ok" {
					t.Errorf("the next one: %q", got)
				}
				p.ping()
				synctest.Wait()
				if n := cap(p.mux.dec.text) + cap(p.mux.dec.list) + cap(p.mux.block); n > 0 {
					t.Errorf("%d bytes stay", n)
				}
			})
		})
	}
}

// TestStreamsCountWhileTheirHandlersRun opens as many streams as there may be,
// and one more; it resets them, and none more gets in before a Handler ends.
func TestStreamsCountWhileTheirHandlersRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan bool)
		p := newPeer(t, func(x *Exchange) { <-gate; _ = x.Reply(200, nil, nil) }, Config{})
		for range maxStreams {
			p.ask(true, soundly("GET")...)
		}
		if got := p.answer(p.ask(true, soundly("GET")...)); got != " REFUSED_STREAM" {
			t.Errorf("one more: %q", got)
		}
		for id := uint32(1); id < 2*maxStreams; id += 2 {
			p.must(p.f.WriteRSTStream(id, http2.ErrCodeCancel))
		}
		if got := p.answer(p.ask(true, soundly("GET")...)); got != " REFUSED_STREAM" {
			t.Errorf("one more after the resets: %q", got)
		}
		gate <- true
		synctest.Wait()
		id := p.ask(true, soundly("GET")...)
		synctest.Wait()
		close(gate)
		if got := p.answer(id); got != "200" {
			t.Errorf("one more after a Handler ended: %q", got)
		}
	})
}

// TestResetsByTheServerAreCountedToo has the server reset streams whose Handlers
// run (CVE-2025-8671).
func TestResetsByTheServerAreCountedToo(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]func(p *peer, id uint32) error{
		"a window by nothing": func(p *peer, id uint32) error { return p.f.WriteWindowUpdate(id, 0) },
		"a window too large":  func(p *peer, id uint32) error { return p.f.WriteWindowUpdate(id, maxWindow) },
		"data behind the end": func(p *peer, id uint32) error { return p.f.WriteData(id, true, []byte("a")) },
		"a priority too short": func(p *peer, id uint32) error {
			return p.f.WriteRawFrame(http2.FramePriority, 0, id, []byte{1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				running, most := 0, 0
				p := newPeer(t, func(x *Exchange) { <-x.Context().Done(); _ = x.Reply(200, nil, nil) }, Config{})
				n := 0
				for ; n < 2*budgets()[resets]; n++ {
					id := p.next
					p.next += 2
					if p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.block(soundly("GET")...), EndHeaders: true, EndStream: true}) != nil || bad(p, id) != nil {
						break
					}
					synctest.Wait()
					p.mux.mu.Lock()
					running = p.mux.live
					p.mux.mu.Unlock()
					most = max(most, running)
				}
				if n > budgets()[resets]+1 || most > maxStreams {
					t.Errorf("%d streams, %d at a time", n, most)
				}
			})
		})
	}
}

func TestTimesOfHTTP2AreKept(t *testing.T) {
	t.Parallel()
	near := func(t *testing.T, start time.Time, want time.Duration) {
		t.Helper()
		if d := time.Since(start); d < want || d > want+3*time.Second {
			t.Errorf("after %v, want %v", d, want)
		}
	}
	ends := func(p *peer) got {
		return p.until(func(g got) bool { return g.what == "GOAWAY" || g.what == "end" })
	}
	for name, story := range map[string]func(t *testing.T){
		"an idle connection is told and closed": func(t *testing.T) {
			p := newPeer(t, tell, Config{})
			p.answer(p.ask(true, soundly("GET")...))
			start := time.Now()
			if g := ends(p); g.code != http2.ErrCodeNo || g.n != 1 {
				t.Errorf("%v", g)
			}
			ends(p)
			near(t, start, defaultIdle)
		},
		"pings do not keep a connection": func(t *testing.T) {
			p := newPeer(t, tell, Config{})
			start := time.Now()
			for time.Since(start) < 2*defaultIdle && p.f.WritePing(false, [8]byte{}) == nil {
				<-time.After(time.Second)
			}
			near(t, start, defaultIdle)
		},
		"a head that does not go on": func(t *testing.T) {
			p := newPeer(t, tell, Config{})
			start := time.Now()
			p.must(p.f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block(soundly("GET")...)}))
			if g := ends(p); g.code != http2.ErrCodeEnhanceYourCalm || !slices.Contains(p.codes(), string(CodeSlowHead)) {
				t.Errorf("%v %v", g, p.codes())
			}
			near(t, start, defaultHead)
		},
		"a frame byte by byte": func(t *testing.T) {
			p := newPeer(t, tell, Config{})
			start := time.Now()
			raw := appendFrameHead(nil, frameHead{length: 100, kind: framePriority, id: 1})
			for _, b := range append(raw, make([]byte, 100)...) {
				if _, err := p.c.Write([]byte{b}); err != nil {
					break
				}
				<-time.After(time.Second)
			}
			near(t, start, defaultHead)
		},
		"an empty body that does not end": func(t *testing.T) {
			p := newPeer(t, tell, Config{})
			start := time.Now()
			if got := p.answer(p.ask(false, soundly("POST", "content-length", "0")...)); got != "408 gateway/body-incomplete" {
				t.Errorf("%q", got)
			}
			near(t, start, defaultHead)
		},
		"a body too slow": func(t *testing.T) {
			p := newPeer(t, tell, Config{})
			start := time.Now()
			id := p.ask(false, soundly("POST")...)
			drips := p.meanwhile(func() bool {
				<-time.After(100 * time.Millisecond)
				return p.f.WriteData(id, false, []byte("a")) == nil
			})
			defer drips()
			if got := p.answer(id); got != "408 gateway/body-incomplete NO_ERROR" && got != "408 gateway/body-incomplete" {
				t.Errorf("%q", got)
			}
			near(t, start, defaultGrace)
		},
		"a body quick enough": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) {
				n, err := io.Copy(io.Discard, x.Body)
				if err != nil || n != 60*minRate {
					t.Errorf("%d, %v", n, err)
				}
				_ = x.Reply(200, nil, nil)
			}, Config{})
			id := p.ask(false, soundly("POST")...)
			for i := range 60 {
				<-time.After(time.Second)
				p.must(p.f.WriteData(id, i == 59, make([]byte, minRate)))
			}
			if got := p.answer(id); got != "200" {
				t.Errorf("%q", got)
			}
		},
		"ReadBy ends a body": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) {
				x.Body.Grace = time.Hour
				_ = x.ReadBy(time.Now().Add(7 * time.Second))
				tell(x)
			}, Config{})
			start := time.Now()
			if got := p.answer(p.ask(false, soundly("POST")...)); !strings.HasPrefix(got, "408 ") {
				t.Errorf("%q", got)
			}
			near(t, start, 7*time.Second)
		},
		"a reply that nobody takes": func(t *testing.T) {
			failed := make(chan error, 1)
			p := newPeer(t, func(x *Exchange) {
				_ = x.Begin(200, nil, -1)
				_, err := x.Write(make([]byte, 200<<10))
				failed <- err
			}, Config{})
			start := time.Now()
			id := p.ask(true, soundly("GET")...)
			if err := <-failed; !errors.Is(err, errStalled) {
				t.Errorf("%v", err)
			}
			near(t, start, defaultWrite)
			if g := p.until(func(g got) bool { return g.what == "RST_STREAM" }); g.id != id {
				t.Errorf("%v", g)
			}
		},
		"a reply that is taken byte by byte": func(t *testing.T) {
			failed := make(chan error, 1)
			p := newPeer(t, func(x *Exchange) {
				_ = x.Begin(200, nil, -1)
				_, err := x.Write(make([]byte, 200<<10))
				failed <- err
			}, Config{})
			start := time.Now()
			id := p.ask(true, soundly("GET")...)
			drips := p.meanwhile(func() bool {
				<-time.After(time.Second)
				return p.f.WriteWindowUpdate(id, 1) == nil && p.f.WriteWindowUpdate(0, 1) == nil
			})
			defer drips()
			if err := <-failed; !errors.Is(err, errStalled) {
				t.Errorf("%v", err)
			}
			near(t, start, defaultWrite)
		},
		"a line that is dead is tried": func(t *testing.T) {
			ended := make(chan error, 1)
			p := newPeer(t, func(x *Exchange) { <-x.Context().Done(); ended <- context.Cause(x.Context()) }, Config{})
			start := time.Now()
			p.ask(true, soundly("GET")...)
			p.until(func(g got) bool { return g.what == "PING" && !g.end })
			near(t, start, pingAfter*time.Millisecond)
			if err := <-ended; !errors.Is(err, ErrGone) {
				t.Errorf("%v", err)
			}
			near(t, start, (pingAfter+pingTime)*time.Millisecond)
		},
		"a line that answers lives": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) { <-time.After(5 * time.Minute); _ = x.Reply(200, nil, nil) }, Config{})
			id := p.ask(true, soundly("GET")...)
			for {
				g := p.until(func(g got) bool { return g.what == "PING" || g.id == id })
				if g.what == "HEADERS" && g.text == "200" {
					return
				}
				if g.what != "PING" {
					t.Fatalf("%v", g)
				}
				p.must(p.f.WritePing(true, [8]byte([]byte(g.text))))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, story)
		})
	}
}

func TestWindowsAreKeptBothWays(t *testing.T) {
	t.Parallel()
	for name, story := range map[string]func(t *testing.T){
		"nothing is sent beyond the stream's": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) { _ = x.Reply(200, nil, []byte("hello")) }, Config{}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
			id := p.ask(true, soundly("GET")...)
			if g := p.of(id); g.text != "200" || g.end {
				t.Fatalf("%v", g)
			}
			synctest.Wait()
			for _, want := range []string{"h", "e", "l", "l", "o"} {
				p.must(p.f.WriteWindowUpdate(id, 1))
				if g := p.of(id); g.text != want || g.end != (want == "o") {
					t.Fatalf("%v, want %q", g, want)
				}
			}
		},
		"nor beyond that of the connection": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) { _ = x.Reply(200, nil, make([]byte, 100<<10)) }, Config{}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
			id, n := p.ask(true, soundly("GET")...), 0
			p.of(id)
			for n < defaultWindow {
				n += len(p.of(id).text)
			}
			if n != defaultWindow {
				t.Fatalf("%d bytes", n)
			}
			synctest.Wait()
			p.must(p.f.WriteWindowUpdate(0, 1<<20))
			for end := false; !end; {
				g := p.of(id)
				n, end = n+len(g.text), g.end
			}
			if n != 100<<10 {
				t.Errorf("%d bytes", n)
			}
		},
		"a setting moves windows below nothing": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) { _ = x.Reply(200, nil, make([]byte, 20)) }, Config{}, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
			id := p.ask(true, soundly("GET")...)
			p.of(id)
			if g := p.of(id); len(g.text) != 10 {
				t.Fatalf("%v", g)
			}
			p.must(p.f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 5}))
			p.ping()
			p.must(p.f.WriteWindowUpdate(id, 15)) // five of which make good what is missing
			if g := p.of(id); len(g.text) != 10 || !g.end {
				t.Fatalf("%v", g)
			}
		},
		"what nobody reads is not let in": func(t *testing.T) {
			gate := make(chan bool)
			p := newPeer(t, func(x *Exchange) {
				<-gate
				n, err := io.Copy(io.Discard, x.Body)
				if n != 2*streamWindow || err != nil {
					t.Errorf("%d, %v", n, err)
				}
				_ = x.Reply(200, nil, nil)
			}, Config{})
			id := p.ask(false, soundly("POST")...)
			for range 4 {
				p.must(p.f.WriteData(id, false, make([]byte, maxFrame)))
			}
			p.ping()
			synctest.Wait()
			if len(p.came) > 0 {
				t.Fatalf("a window was opened: %v", <-p.came)
			}
			close(gate)
			for left := 4; left > 0; {
				g := p.until(func(g got) bool { return g.what == "WINDOW_UPDATE" })
				if g.id != id {
					continue
				}
				for room := int(g.n); room >= maxFrame; room -= maxFrame {
					left--
					p.must(p.f.WriteData(id, left == 0, make([]byte, maxFrame)))
				}
			}
			if got := p.answer(id); got != "200" {
				t.Errorf("%q", got)
			}
		},
		"a stream that overflows its window is reset": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) { <-x.Context().Done() }, Config{})
			id := p.ask(false, soundly("POST")...)
			for range 4 {
				p.must(p.f.WriteData(id, false, make([]byte, maxFrame)))
			}
			p.must(p.f.WriteData(id, false, []byte("a")))
			if got := p.answer(id); got != " FLOW_CONTROL_ERROR" {
				t.Errorf("%q", got)
			}
			p.ping()
		},
		"a connection that overflows its window ends": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) { <-x.Context().Done() }, Config{})
			for range connWindow / streamWindow {
				id := p.ask(false, soundly("POST")...)
				for range streamWindow / maxFrame {
					p.must(p.f.WriteData(id, false, make([]byte, maxFrame)))
				}
			}
			id := p.ask(false, soundly("POST")...)
			_ = p.f.WriteData(id, false, []byte("a"))
			if got := p.answer(id); got != " FLOW_CONTROL_ERROR" {
				t.Errorf("%q", got)
			}
		},
		"padding is given back at once": func(t *testing.T) {
			p := newPeer(t, func(x *Exchange) { <-x.Context().Done() }, Config{})
			id := p.ask(false, soundly("POST")...)
			for range 1024 {
				p.must(p.f.WriteDataPadded(id, false, []byte("a"), make([]byte, 255)))
			}
			p.must(p.f.WritePing(false, [8]byte{1}))
			given := 0
			p.until(func(g got) bool {
				if g.what == "WINDOW_UPDATE" && g.id == id {
					given += int(g.n)
				}
				return g.what == "PING" || g.what == "RST_STREAM"
			})
			if sent := 1024 * 257; given < sent-streamWindow {
				t.Errorf("%d of %d were given back", given, sent)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, story)
		})
	}
}

func TestShutdownOfHTTP2HasTwoSteps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan bool)
		p := newPeer(t, func(x *Exchange) { <-gate; _ = x.Reply(200, risk.Fields{{Name: "X-A", Value: "b"}}, []byte("ok")) }, Config{})
		first := p.ask(true, soundly("GET")...)
		done := make(chan error, 1)
		go func() { done <- p.s.Shutdown(context.Background()) }()
		if g := p.until(func(g got) bool { return g.what == "GOAWAY" }); g.n != maxID || g.code != http2.ErrCodeNo {
			t.Fatalf("%v", g)
		}
		g := p.until(func(g got) bool { return g.what == "PING" })
		second := p.ask(true, soundly("GET")...) // it was under way
		p.must(p.f.WritePing(true, [8]byte([]byte(g.text))))
		if g := p.until(func(g got) bool { return g.what == "GOAWAY" }); g.n != second || g.code != http2.ErrCodeNo {
			t.Fatalf("%v", g)
		}
		p.ask(true, soundly("GET")...) // nobody looks
		synctest.Wait()
		close(gate)
		ended := map[uint32]bool{}
		for len(ended) < 2 {
			if g := p.until(func(g got) bool { return g.id > 0 }); g.end {
				ended[g.id] = true
			}
		}
		if !ended[first] || !ended[second] {
			t.Errorf("answered: %v", ended)
		}
		if g := p.until(func(g got) bool { return true }); g.what != "end" {
			t.Errorf("%v", g)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
