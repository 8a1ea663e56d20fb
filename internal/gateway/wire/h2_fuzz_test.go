package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// A lagging connection gives its bytes, lets Handlers work until they wait for
// more, and ends.
type lagging struct {
	scripted
	c *conn
}

func (l *lagging) Read(p []byte) (int, error) {
	n, err := l.in.Read(p)
	if m := l.c.mux; err == io.EOF && m != nil {
		for range 1000 {
			m.mu.Lock()
			working := m.busy - m.senders
			for _, s := range m.streams {
				if s.reading {
					working--
				}
			}
			m.mu.Unlock()
			if working <= 0 {
				break
			}
			runtime.Gosched()
		}
	}
	return n, err
}

// feed2 gives frames to a connection of s until it ends, and returns what came
// back.
func feed2(s *Server, raw []byte) (*conn, []byte) {
	l := &lagging{}
	l.in = bytes.NewReader(append([]byte(http2.ClientPreface), raw...))
	c := newConn(s, l)
	l.c = c
	c.serveH2()
	c.cancel(ErrClosed)
	return c, l.out.Bytes()
}

// seen2 judges what a Handler is given.
func seen2(t *testing.T, x *Exchange) {
	if notToken([]byte(x.Method)) >= 0 || x.Method == "CONNECT" || x.Proto != "HTTP/2.0" || x.Host == "" || x.Target == "" || x.Target[0] != '/' && x.Target != "*" {
		t.Errorf("%q %q %q", x.Method, x.Target, x.Host)
	}
	for i := range len(x.Target) {
		if x.Target[i] <= ' ' || x.Target[i] == 0x7f {
			t.Errorf("target %q", x.Target)
		}
	}
	size := 0
	for i := range x.Fields {
		f := &x.Fields[i]
		size += len(f.Name) + len(f.Value)
		name := []byte(f.Name)
		canonical(name)
		if !lawful(f) || string(name) != f.Name || !canon.TokenByte(f.Name[0]) || len(f.Value) > 0 && flawOf([]byte(f.Value)) != 0 {
			t.Errorf("field %q", f)
		}
		switch f.Name {
		case "Host", "Connection", "Transfer-Encoding", "Upgrade", "Keep-Alive", "Proxy-Connection":
			t.Errorf("field %q", f)
		}
	}
	if len(x.Fields) > defaultMaxFields || size > defaultMaxHead || x.Fields.Count("Cookie") > 1 || x.Fields.Count("Content-Length") > 1 {
		t.Errorf("%d fields of %d bytes", len(x.Fields), size)
	}
	if x.Body == nil {
		return
	}
	n, err := io.Copy(io.Discard, x.Body)
	if err == nil && x.Length >= 0 && n != x.Length {
		t.Errorf("%d bytes of %d", n, x.Length)
	}
}

// FuzzFramesOfHTTP2 gives frames to the front. It never panics or hangs, whatever
// a Handler sees is well formed, and what goes out are frames of open streams.
func FuzzFramesOfHTTP2(f *testing.F) {
	for _, seed := range seeds2() {
		f.Add(seed)
		f.Add(unframed(seed))
	}
	fuzzloop.Run(f, func(t *testing.T, raw []byte) {
		if len(raw) > 1<<20 {
			return
		}
		if len(raw) > 0 && raw[0] == 0xff { // not as a first frame: these are pieces of frames
			raw = framed(raw[1:])
		}
		var running atomic.Int64
		s := New(Config{
			Handler: HandlerFunc(func(x *Exchange) {
				if x.Refused != nil {
					_ = x.Reply(x.Refused.Status, nil, []byte(x.Refused.Code))
					return
				}
				if running.Add(1) > maxStreams {
					t.Error("too many streams")
				}
				defer running.Add(-1)
				seen2(t, x)
				switch x.Method {
				case "PUT":
					_ = x.Begin(200, benchFields, -1)
					_, _ = x.Write(reply)
					_ = x.Flush()
					_, _ = x.Write(reply)
				case "DELETE":
					x.Abort()
				default:
					_ = x.Reply(200, benchFields, reply)
				}
			}),
			Fault: func(where string, err error) { t.Errorf("%s: %v", where, err) },
		})
		defer s.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c, out := feed2(s, raw)
			sent2(t, out)
			if c.mux != nil && (c.mux.live != 0 || c.mux.busy != 0 || len(c.mux.streams) != 0 || len(c.mux.ours) > 2*maxStreams || c.mux.dec.size > tableSize) {
				t.Errorf("left over: %d live, %d busy, %d streams", c.mux.live, c.mux.busy, len(c.mux.streams))
			}
		}()
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("it hangs")
		}
	})
}

// framed makes frames that fit of any bytes: a type, flags, a stream and a
// length of one byte each.
func framed(raw []byte) []byte {
	out := appendFrameHead(nil, frameHead{kind: frameSettings})
	for len(raw) >= 4 {
		n := min(int(raw[3]), len(raw)-4)
		out = appendFrameHead(out, frameHead{length: n, kind: raw[0] % 11, flags: raw[1], id: uint32(raw[2] % 16)})
		out = append(out, raw[4:4+n]...)
		raw = raw[4+n:]
	}
	return out
}

// unframed is the way back, as far as there is one.
func unframed(raw []byte) []byte {
	out := []byte{0xff}
	for len(raw) >= frameHeadBytes {
		h := readFrameHead(raw)
		out = append(out, h.kind, h.flags, byte(h.id), byte(h.length))
		out = append(out, raw[frameHeadBytes:][:h.length]...)
		raw = raw[frameHeadBytes+h.length:]
	}
	return out
}

// sent2 judges what the server sent.
func sent2(t *testing.T, out []byte) {
	fr := http2.NewFramer(io.Discard, bytes.NewReader(out))
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	ended := map[uint32]bool{}
	data := 0
	for {
		frame, err := fr.ReadFrame()
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return
		}
		if err != nil {
			t.Fatalf("sent: %v", err)
		}
		id := frame.Header().StreamID
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			if ended[id] {
				t.Fatal("HEADERS of a stream that has ended")
			}
			ended[id] = f.StreamEnded()
		case *http2.DataFrame:
			if ended[id] {
				t.Fatal("DATA of a stream that has ended")
			}
			ended[id] = f.StreamEnded()
			data += len(f.Data())
		case *http2.RSTStreamFrame:
			ended[id] = true
		}
	}
}

// seeds2 are connections to begin with.
func seeds2() (out [][]byte) {
	var head bytes.Buffer
	enc := hpack.NewEncoder(&head)
	block := func(fields ...string) []byte {
		head.Reset()
		for i := 0; i < len(fields); i += 2 {
			_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
		}
		return bytes.Clone(head.Bytes())
	}
	make1 := func(story func(f *http2.Framer)) {
		var b bytes.Buffer
		f := http2.NewFramer(&b, nil)
		f.AllowIllegalWrites = true
		enc = hpack.NewEncoder(&head)
		_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 500})
		story(f)
		out = append(out, b.Bytes())
	}
	open := func(f *http2.Framer, id uint32, end bool, fields ...string) {
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block(fields...), EndHeaders: true, EndStream: end})
	}
	make1(func(f *http2.Framer) {
		open(f, 1, true, soundly("GET", "x-a", "b", "cookie", "a=b", "cookie", "c=d")...)
		open(f, 3, true, soundly("HEAD", "x-a", "b")...)
		_ = f.WriteWindowUpdate(1, 1000)
		_ = f.WriteSettingsAck()
		_ = f.WritePing(false, [8]byte{1})
	})
	make1(func(f *http2.Framer) {
		open(f, 1, false, soundly("POST", "content-length", "5")...)
		open(f, 3, false, soundly("PUT", "expect", "100-continue")...)
		_ = f.WriteData(1, true, []byte("hello"))
		_ = f.WriteDataPadded(3, false, []byte("hello"), make([]byte, 9))
		open(f, 3, true, "x-t", "v")
		_ = f.WriteWindowUpdate(0, 1000)
	})
	make1(func(f *http2.Framer) {
		b := block(soundly("DELETE", "x-a", "b")...)
		_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: b[:3], EndStream: true})
		_ = f.WriteContinuation(1, false, b[3:5])
		_ = f.WriteContinuation(1, true, b[5:])
		open(f, 3, false, soundly("POST", "content-length", "0")...)
		_ = f.WriteData(3, true, nil)
		_ = f.WriteRSTStream(3, http2.ErrCodeCancel)
		_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
	})
	for _, bad := range [][]string{{"x-a", "b\nc"}, {"X-A", "b"}, {"connection", "close"}, {"te", "gzip"}, {":path", "/b"}, {"host", "other"}, {"content-length", "x"}, {"x-a", " b"}} {
		make1(func(f *http2.Framer) {
			open(f, 1, true, soundly("GET", bad...)...)
			_ = f.WriteData(1, true, []byte("a"))
			_ = f.WritePriority(3, http2.PriorityParam{StreamDep: 3})
			_ = f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31})
		})
	}
	return out
}

func TestRandomFramesDoNoHarm(t *testing.T) {
	t.Parallel()
	all := seeds2()
	s := New(Config{Handler: HandlerFunc(func(x *Exchange) {
		if x.Refused == nil {
			seen2(t, x)
		}
		_ = x.Reply(http.StatusOK, nil, reply)
	}), Fault: func(where string, err error) { t.Errorf("%s: %v", where, err) }})
	defer s.Close()
	for _, seed := range all {
		for at := 0; at < len(seed); at++ { // each frame of a seed, spoilt byte by byte
			raw := bytes.Clone(seed)
			raw[at] ^= 1 << (at % 8)
			_, out := feed2(s, raw)
			sent2(t, out)
		}
	}
	var heads []byte // and each type with each length, of a stream and of none
	for kind := range byte(12) {
		for _, id := range []uint32{0, 1, 2, 3, 1<<31 - 1} {
			for _, n := range []int{0, 1, 4, 5, 8, 6, 9, maxFrame, maxFrame + 1} {
				b := binary.BigEndian.AppendUint32(nil, uint32(n)<<8|uint32(kind))
				b = binary.BigEndian.AppendUint32(append(b, byte(n)), id)
				heads = append(append(bytes.Clone(seeds2()[0]), b...), make([]byte, n)...)
				_, out := feed2(s, heads)
				sent2(t, out)
			}
		}
	}
}
