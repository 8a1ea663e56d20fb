package wire

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/fault"
)

func TestMalformedChunksAreRefusedAndClose(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	for name, c := range map[string]struct {
		body string
		code fault.Code
	}{
		"no size":                                {"\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a sign":                                 {"+5\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a negative size":                        {"-5\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"0x":                                     {"0x5\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a space first":                          {" 5\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a space behind":                         {"5 \r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a tab behind":                           {"5\t\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"an underscore":                          {"1_0\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a size that overflows 32 bits and more": {"ffffffffffffffff\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"many zeros":                             {strings.Repeat("0", 30) + "5\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a bare LF behind the size":              {"5\nhello\r\n0\r\n\r\n", CodeChunk},
		"a bare CR behind the size":              {"5\rhello\r\n0\r\n\r\n", CodeLineEnd},
		"a bare LF in an extension":              {"5;a\nhello\r\n0\r\n\r\n", CodeChunk},
		"a bare CR in an extension":              {"5;a\rb\r\nhello\r\n0\r\n\r\n", CodeLineEnd},
		"an extension without a name":            {"5;\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"an extension without a value":           {"5;a=\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"an extension with a space":              {"5;a b\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"an extension that stays open":           {"5;a=\"b\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"NUL in an extension":                    {"5;a=\x00\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"a long extension":                       {"5;a=" + strings.Repeat("b", 300) + "\r\nhello\r\n0\r\n\r\n", CodeChunk},
		"extensions without end":                 {strings.Repeat("1;a="+strings.Repeat("b", 200)+"\r\nx\r\n", 100) + "0\r\n\r\n", CodeChunk},
		"a chunk that is longer":                 {"5\r\nhello!\r\n0\r\n\r\n", CodeChunk},
		"a chunk that is shorter":                {"5\r\nhell\r\n0\r\n\r\n", CodeChunk},
		"no end of line behind a chunk":          {"5\r\nhello0\r\n\r\n", CodeChunk},
		"a bare LF behind a chunk":               {"5\r\nhello\n0\r\n\r\n", CodeChunk},
		"a bare LF behind the last":              {"5\r\nhello\r\n0\n\r\n", CodeChunk},
		"a bare LF at the end":                   {"5\r\nhello\r\n0\r\n\n", CodeTrailer},
		"a folded trailer":                       {"5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", CodeTrailer},
		"a trailer without a colon":              {"5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n", CodeTrailer},
		"a trailer with a space":                 {"5\r\nhello\r\n0\r\nA : b\r\n\r\n", CodeTrailer},
		"a trailer with a bare LF":               {"5\r\nhello\r\n0\r\nA: b\nC: d\r\n\r\n", CodeTrailer},
		"a long trailer":                         {"5\r\nhello\r\n0\r\nA: " + strings.Repeat("b", 9<<10) + "\r\n\r\n", CodeTrailer},
		"many trailers":                          {"5\r\nhello\r\n0\r\n" + strings.Repeat("A: b\r\n", 100) + "\r\n", CodeTrailer},
		"a body that is cut":                     {"5\r\nhel", fault.BodyIncomplete},
		"a body without its last chunk":          {"5\r\nhello\r\n", fault.BodyIncomplete},
		"a body without its last line":           {"5\r\nhello\r\n0\r\n", fault.BodyIncomplete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := post("Transfer-Encoding: chunked", c.body)
			if c.code != fault.BodyIncomplete {
				raw += "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
			}
			got := f.all(t, raw)
			if len(got) != 1 || got[0].status != 400 || got[0].body != string(c.code) || !got[0].close {
				t.Errorf("%+v, want %s and the end", got, c.code)
			}
		})
	}
}

func TestABodyThatIsCutIsNoBody(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	got := f.all(t, post("Content-Length: 10", "hello"))
	if len(got) != 1 || got[0].body != string(fault.BodyIncomplete) {
		t.Errorf("%+v", got)
	}
}

func TestChunksMayComeByteByByte(t *testing.T) {
	t.Parallel()
	f := newFront(t, tell)
	c := f.dial(t)
	raw := post("Transfer-Encoding: chunked", "a;x=y\r\n0123456789\r\n1\r\n!\r\n0\r\nT: u\r\n\r\n") + "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for i := range len(raw) {
		if _, err := io.WriteString(c, raw[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	got := answers(t, c, "GET")
	if len(got) != 2 || !strings.Contains(got[0].body, `body="0123456789!"`) || !strings.HasPrefix(got[1].body, "GET /next") {
		t.Errorf("%+v", got)
	}
}

func TestLargeBodiesPassWhole(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		if x.Body == nil {
			_ = x.Reply(200, nil, nil)
			return
		}
		n, err := io.Copy(io.Discard, x.Body)
		_ = x.Reply(200, nil, fmt.Append(nil, n, err))
	})
	const size = 3 << 20
	text := strings.Repeat("a", size)
	var chunks strings.Builder
	for rest := text; rest != ""; {
		n := min(len(rest), 70_001)
		fmt.Fprintf(&chunks, "%X\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	chunks.WriteString("0\r\n\r\n")
	for _, raw := range []string{post(fmt.Sprintf("Content-Length: %d", size), text), post("Transfer-Encoding: chunked", chunks.String())} {
		got := f.all(t, raw+get("Connection: close"))
		if len(got) == 0 || got[0].body != fmt.Sprint(size, nil) {
			t.Errorf("%+v", got)
		}
	}
}

func TestTheClientIsAskedForItsBodyOnceItIsRead(t *testing.T) {
	t.Parallel()
	read := make(chan bool, 1)
	f := newFront(t, func(x *Exchange) {
		if <-read {
			tell(x)
			return
		}
		_ = x.Reply(403, nil, nil)
	})
	for _, wanted := range []bool{true, false} {
		c := f.dial(t)
		fmt.Fprint(c, post("Content-Length: 5\r\nExpect: 100-Continue", ""))
		read <- wanted
		r := bufio.NewReader(c)
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if !wanted {
			if !strings.HasPrefix(line, "HTTP/1.1 403") {
				t.Errorf("asked for a body that nobody reads: %q", line)
			}
			rest, err := io.ReadAll(r)
			if err != nil || !strings.Contains(string(rest), "Connection: close") {
				t.Errorf("the connection goes on, at an unknown place: %q, %v", rest, err)
			}
			continue
		}
		if line != "HTTP/1.1 100 Continue\r\n" {
			t.Fatalf("not asked: %q", line)
		}
		_, _ = r.ReadString('\n')
		fmt.Fprint(c, "hello")
		if a := one(t, r, "POST"); a.status != 200 || !strings.Contains(a.body, `"hello"`) || a.close {
			t.Errorf("%+v", a)
		}
	}
}

func TestWhatIsLeftOfABodyIsNoRequest(t *testing.T) {
	t.Parallel()
	f := newFront(t, func(x *Exchange) {
		if x.Target == "/unread" {
			_ = x.Reply(403, nil, []byte("no"))
			return
		}
		tell(x)
	})
	inner := "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
	small := fmt.Sprintf("POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", len(inner), inner)
	got := f.all(t, small+"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
	if len(got) != 2 || got[0].status != 403 || !strings.HasPrefix(got[1].body, "GET /next") {
		t.Errorf("a small body that nobody read: %+v", got)
	}
	for name, raw := range map[string]string{
		"chunks":       "POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n" + inner,
		"a large body": "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat(inner, 1000),
	} {
		if got := f.all(t, raw); len(got) != 1 || got[0].status != 403 || !got[0].close {
			t.Errorf("%s that nobody read: %+v", name, got)
		}
	}
}
