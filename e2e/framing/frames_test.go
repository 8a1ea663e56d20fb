package framing

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/http2"
)

// pseudo is a sound head without a body; with is one with a field behind it.
func pseudo(method string) fields {
	return fields{{":method", method}, {":scheme", "https"}, {":authority", host}, {":path", "/echo/" + mark + "a"}}
}

func with(method string, more ...[2]string) fields { return append(pseudo(method), more...) }

var octets = [2]string{"content-type", "application/octet-stream"}

// texts stands for text that would be a request if it ever stood in a head of
// HTTP/1.1.
const inject = "a\r\n\r\n" + "GET /echo/" + mark + "s HTTP/1.1\r\nHost: localhost\r\n\r\n"

// streams are all cases of HTTP/2.
func streams() []stream {
	list := slices.Concat(pseudoStreams(), fieldStreams(), lengthStreams(), trailerStreams(), frameStreams(), besideStreams())
	for i := range list {
		if list[i].name == "" {
			list[i].name = fmt.Sprintf("%q %d", list[i].head, i)
		}
	}
	return list
}

// pseudoStreams break the pseudo-header fields, one and two at a time.
func pseudoStreams() []stream {
	p := func(s string) string { return "/echo/" + mark + s }
	values := [4][]string{
		{"", "get", "GE T", "GET\r\n", "GET " + p("s") + " HTTP/1.1\r\nHost: evil\r\n\r\nGET", "GET\x00", "CONNECT", "PRI", "TRACE", strings.Repeat("A", 300), "G\xc3\x89T", " GET", "GET ", "\"GET\"", "GET\t"},
		{"", "http", "ftp", "HTTPS", "https://localhost/", "https\r\nHost: evil", "javascript", " https", "https:", "h t"},
		{"", "evil", "localhost:80", "localhost:99999", "user@localhost", "localhost@evil", "localhost/x", "localhost\r\nX: y", "local host", "localhost, evil", "[::1]", "[::1", "localhost#", "localhost?x", "localhost\x00", "localhost:", "LOCALHOST", "\xc3\xa9vil", "localhost\t", "http://localhost", "localhost\\evil", "*"},
		{
			"", "*", "echo/" + mark + "a", "http://localhost" + p("a"), p("a b"), p("a HTTP/1.1\r\nHost: evil\r\n\r\nGET ") + p("s"), p("a\t"), p("a\x00"), p("a#f"), p("a\r\n"), p("a\n"), p("a\r"), "//evil" + p("a"), p("a\x7f"), p("\xc3\xa9"), "\\echo\\" + mark, "?x", p("a?y=\r\n"),
			"/.." + p("a"), p("a%0d%0a"), p("a%00"), p("a HTTP/1.1"), " " + p("a"), p("a "), "https://evil" + p("a"), p("a?x=y z"), p("a\x0b"), "/", p("a/../../x"), "/echo/" + strings.Repeat("a", 20_000),
		},
	}
	var one, two []stream
	add := func(list *[]stream, what string, head fields) {
		*list = append(*list, stream{class: "pseudo", name: what, head: head})
	}
	sound := pseudo("GET")
	one = append(one, stream{class: "pseudo", name: "right", head: sound, lawful: true})
	for i, f := range sound {
		without := slices.Delete(slices.Clone(sound), i, i+1)
		add(&one, "no "+f[0], without)
		add(&one, "no "+f[0]+", but Host", append(slices.Clone(without), [2]string{"host", host}))
		add(&one, f[0]+" twice", append(slices.Clone(sound), f))
		add(&one, f[0]+" last", append(slices.Clone(without), [2]string{"x-a", "b"}, f))
		add(&one, f[0]+" twice, last", append(slices.Clone(sound), [2]string{"x-a", "b"}, f))
		add(&one, f[0]+" in capitals", append(slices.Clone(without), [2]string{strings.ToUpper(f[0]), f[1]}))
		add(&one, f[0]+" without colon", append(slices.Clone(without), [2]string{f[0][1:], f[1]}))
		add(&one, f[0]+" with two colons", append(slices.Clone(without), [2]string{":" + f[0], f[1]}))
		for _, v := range values[i] {
			head := slices.Clone(sound)
			head[i][1] = v
			add(&one, fmt.Sprintf("%s %q", f[0], brief(v)), head)
			add(&one, fmt.Sprintf("%s twice %q", f[0], brief(v)), append(slices.Clone(sound), [2]string{f[0], v}))
			for k := i + 1; k < 4; k++ {
				for _, u := range values[k] {
					both := slices.Clone(head)
					both[k][1] = u
					add(&two, fmt.Sprintf("%s %q, %s %q", f[0], brief(v), sound[k][0], brief(u)), both)
				}
			}
		}
	}
	for _, n := range []string{":foo", ":status", ":protocol", ":", ":Method", ":path ", ":host", ": path"} {
		add(&one, "with "+n, append(slices.Clone(sound), [2]string{n, "200"}))
		add(&one, "first "+n, append(fields{{n, "websocket"}}, sound...))
	}
	add(&one, "websocket", fields{{":method", "CONNECT"}, {":protocol", "websocket"}, {":scheme", "https"}, {":authority", host}, {":path", "/echo/" + mark + "a"}})
	add(&one, "connect", fields{{":method", "CONNECT"}, {":authority", host + ":80"}})
	for _, h := range []string{host, "evil", "", "LOCALHOST", "localhost:80", "localhost, evil", "localhost\r\nX: y", " localhost", "localhost/"} {
		add(&one, fmt.Sprintf("host %q", h), with("GET", [2]string{"host", h}))
		add(&one, fmt.Sprintf("host twice %q", h), with("GET", [2]string{"host", host}, [2]string{"host", h}))
		add(&one, fmt.Sprintf("only host %q", h), append(slices.Delete(slices.Clone(sound), 2, 3), [2]string{"host", h}))
	}
	return append(one, choose(260, two, func(s *stream) string { return s.name })...)
}

// fieldStreams cross names that are none, or belong to connections, with values
// that end lines.
func fieldStreams() (out []stream) {
	names := []string{
		"x-a", "X-A", "Connection", "connection", "proxy-connection", "keep-alive", "transfer-encoding", "Transfer-Encoding", "upgrade", "te", "host", "content-length", "expect", "trailer", "http2-settings", "x a", "x:a", "", "x\x00a", "x-a:", "x\xc3\xa9", "x-a\r\nx-b", "x-a: b\r\nx-b",
		"x-a\n", "transfer-encoding ", "transfer_encoding", "content_length", " content-length", "content-length\r\n", "x-a\r\n\r\nget /echo/" + mark + "s http/1.1\r\nhost", "x-forwarded-host", "sallyport-decision", "cookie", "x(a", "\tx", "proxy-authorization", "\x7f", "x-a\x0b",
	}
	values := []string{"b", "chunked", "close", "5", "0", "trailers", "gzip", "evil", "a\r\nb: c", "a\nb: c", "a\rb", "a\x00b", " a", "a ", "\ta", "\xff", "", inject, "100-continue", "websocket", "a\x0bb", "a\x7f", "chunked\r\n", "x-a"}
	for _, n := range names {
		for _, v := range values {
			name := fmt.Sprintf("%q: %q", n, brief(v))
			s := stream{class: "fields", name: "GET " + name, head: with("GET", [2]string{n, v})}
			if hash(name)&1 == 0 {
				s = stream{class: "fields", name: "POST " + name, head: with("POST", octets, [2]string{n, v}), data: []string{"hello"}}
			}
			out = append(out, s)
		}
	}
	out = append(out,
		stream{class: "fields", name: "150 fields", head: append(pseudo("GET"), slices.Repeat(fields{{"x-a", "b"}}, 150)...)},
		stream{class: "fields", name: "a large field", head: with("GET", [2]string{"x-a", strings.Repeat("b", 7_000)})},
		stream{class: "fields", name: "cookies", head: with("GET", [2]string{"cookie", "a=b"}, [2]string{"cookie", "c=d"}), lawful: true},
	)
	return out
}

// lengthStreams announce other lengths than there are bytes.
func lengthStreams() (out []stream) {
	bodies := []struct {
		name string
		data []string
	}{
		{"nothing", nil},
		{"an empty frame", []string{""}},
		{"hello", []string{"hello"}},
		{"five frames", []string{"h", "e", "l", "l", "o"}},
		{"empty frames", []string{"", "he", "", "llo", ""}},
		{"chunks", []string{bodies[1]}},
		{"the end of chunks", []string{"0\r\n\r\n", smuggled}},
		{"60,000 bytes", []string{strings.Repeat("x", 30_000), strings.Repeat("y", 20_000), strings.Repeat("z", 10_000)}},
	}
	lengths := []string{"-", "5", "0", "4", "6", "05", "+5", "-5", "5, 5", "5,6", "0x5", "5.0", "", " 5", "5\r\n", "60000", "60001", "18446744073709551621", "4294967301", "five"}
	for _, b := range bodies {
		for _, l := range lengths {
			for _, method := range []string{"POST", "GET"} {
				head := with(method, octets)
				if l != "-" {
					head = append(head, [2]string{"content-length", l})
				}
				if method == "GET" && hash(b.name+l)&3 != 0 {
					continue
				}
				name := fmt.Sprintf("%s %q of %s", method, l, b.name)
				out = append(out, stream{class: "lengths", name: name, head: head, data: b.data, lawful: method == "POST" && l == "-" && b.data != nil})
				if method == "POST" {
					out = append(out, stream{class: "lengths", name: name + ", padded", head: head, data: b.data, pad: int(hash(name)%250) - 1})
				}
			}
		}
	}
	for _, l := range lengths {
		out = append(out, stream{class: "lengths", name: "twice, " + l, head: with("POST", octets, [2]string{"content-length", "5"}, [2]string{"content-length", l}), data: []string{"hello"}})
	}
	for i := range out {
		for _, d := range out[i].data {
			if out[i].pad != 0 && len(d) > 16<<10 {
				out[i].pad = 0
			}
		}
	}
	return out
}

// trailerStreams end with fields, of which most may not stand there.
func trailerStreams() (out []stream) {
	for _, f := range []fields{
		{{"x-t", "v"}}, {{"content-length", "5"}}, {{"content-length", "6"}}, {{"transfer-encoding", "chunked"}}, {{"host", "evil"}}, {{":path", "/x"}}, {{":method", "DELETE"}}, {{":status", "200"}}, {{"x-t", "v"}, {":path", "/x"}}, {{"connection", "close"}}, {{"X-T", "v"}}, {{"x t", "v"}},
		{{"x-t", "a\r\nb: c"}}, {{"x-t", inject}}, {{"x-t", "a\x00b"}}, {{"", "v"}}, {{"authorization", "x"}}, {{"sallyport-decision", "x"}}, {{"te", "gzip"}}, {{"trailer", "x-t"}}, {{"x-t\r\n", "v"}}, {{"x-t", strings.Repeat("v", 12_000)}}, {{"expect", "100-continue"}}, {{"cookie", "a=b"}}, {},
	} {
		for _, data := range [][]string{nil, {"hello"}, {"he", "llo"}, {smuggled}} {
			for _, more := range []fields{nil, {{"trailer", "x-t"}}, {{"content-length", "5"}}} {
				out = append(out, stream{class: "trailers", name: fmt.Sprintf("%q behind %q with %q", f, data, more), head: append(with("POST", octets), more...), data: data, trailers: f})
			}
		}
	}
	for _, data := range [][]string{nil, {"hello"}, {"he", "llo"}} {
		out = append(out, stream{class: "trailers", name: fmt.Sprintf("that do not end %q", data), head: with("POST", octets), data: data, trailers: fields{{"x-t", "v"}}, open: true})
	}
	return out
}

// frameStreams play with the frames of streams.
func frameStreams() (out []stream) {
	head := with("POST", octets, [2]string{"x-a", strings.Repeat("b", 60)})
	headers := func(w *two, id uint32, b []byte, ends, last bool) {
		_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b, EndHeaders: ends, EndStream: last})
	}
	const all = 110 // no block is longer
	for at := 1; at < all; at += 2 {
		cut := func(b []byte) int { return min(at, len(b)) }
		out = append(out,
			stream{class: "continuation", name: fmt.Sprintf("at %d", at), head: head, lawful: true, frames: func(w *two, id uint32, b []byte) {
				headers(w, id, b[:cut(b)], false, true)
				_ = w.f.WriteContinuation(id, true, b[cut(b):])
			}},
			stream{class: "continuation", name: fmt.Sprintf("broken off at %d", at), head: head, broken: true, open: true, frames: func(w *two, id uint32, b []byte) {
				headers(w, id, b[:cut(b)], false, true)
			}},
			stream{class: "continuation", name: fmt.Sprintf("with DATA at %d", at), head: head, broken: true, frames: func(w *two, id uint32, b []byte) {
				headers(w, id, b[:cut(b)], false, false)
				_ = w.f.WriteData(id, true, []byte("hello"))
				_ = w.f.WriteContinuation(id, true, b[cut(b):])
			}},
			stream{class: "continuation", name: fmt.Sprintf("cut at %d", at), head: head, broken: true, frames: func(w *two, id uint32, b []byte) {
				headers(w, id, b[:len(b)-1-at/3], true, true) // within the last value
			}})
	}
	for name, f := range map[string]func(w *two, id uint32, b []byte){
		"without HEADERS": func(w *two, id uint32, b []byte) { _ = w.f.WriteContinuation(id, true, b) },
		"of another stream": func(w *two, id uint32, b []byte) {
			headers(w, id, b[:9], false, true)
			_ = w.f.WriteContinuation(id+2, true, b[9:])
		},
		"behind a PING": func(w *two, id uint32, b []byte) {
			headers(w, id, b[:9], false, true)
			_ = w.f.WritePing(false, [8]byte{})
			_ = w.f.WriteContinuation(id, true, b[9:])
		},
		"behind SETTINGS": func(w *two, id uint32, b []byte) {
			headers(w, id, b[:9], false, true)
			_ = w.f.WriteSettings()
			_ = w.f.WriteContinuation(id, true, b[9:])
		},
		"behind another head": func(w *two, id uint32, b []byte) { headers(w, id, b[:9], false, true); headers(w, id+2, b, true, true) },
		"of an unknown frame": func(w *two, id uint32, b []byte) {
			headers(w, id, b[:9], false, true)
			_ = w.f.WriteRawFrame(0xbe, 0, id, b)
			_ = w.f.WriteContinuation(id, true, b[9:])
		},
		"after the end": func(w *two, id uint32, b []byte) {
			headers(w, id, b, true, false)
			_ = w.f.WriteContinuation(id, true, b)
		},
		"without end, hundred": func(w *two, id uint32, b []byte) {
			headers(w, id, b[:9], false, true)
			for range 100 {
				_ = w.f.WriteContinuation(id, false, nil)
			}
		},
		"on stream 0":       func(w *two, _ uint32, b []byte) { headers(w, 0, b, true, true) },
		"on an even stream": func(w *two, id uint32, b []byte) { headers(w, id+1, b, true, true) },
		"DATA first":        func(w *two, id uint32, _ []byte) { _ = w.f.WriteData(id, true, []byte(smuggled)) },
		"a promise": func(w *two, id uint32, b []byte) {
			_ = w.f.WritePushPromise(http2.PushPromiseParam{StreamID: id, PromiseID: id + 1, BlockFragment: b, EndHeaders: true})
		},
		"padding beyond": func(w *two, id uint32, b []byte) {
			_ = w.f.WriteRawFrame(http2.FrameHeaders, 0xd, id, append([]byte{255}, b...))
		},
		"padding beyond DATA": func(w *two, id uint32, b []byte) {
			headers(w, id, b, true, false)
			_ = w.f.WriteRawFrame(http2.FrameData, 9, id, []byte("\xffhello"))
		},
		"padding one beyond": func(w *two, id uint32, b []byte) {
			headers(w, id, b, true, false)
			_ = w.f.WriteRawFrame(http2.FrameData, 9, id, []byte("\x06hello"))
		},
		"an index too large": func(w *two, id uint32, b []byte) {
			headers(w, id, append(slices.Clone(b), 0xff, 0xff, 0x7f), true, true)
		},
		"index 0": func(w *two, id uint32, b []byte) { headers(w, id, append(slices.Clone(b), 0x80), true, true) },
		"a huge table": func(w *two, id uint32, b []byte) {
			headers(w, id, append([]byte{0x3f, 0xff, 0xff, 0x7f}, b...), true, true)
		},
		"a table late": func(w *two, id uint32, b []byte) { headers(w, id, append(slices.Clone(b), 0x20), true, true) },
		"broken Huffman": func(w *two, id uint32, b []byte) {
			headers(w, id, append(slices.Clone(b), 0x00, 0x82, 0xff, 0xff, 0x01, 'a'), true, true)
		},
		"a string beyond": func(w *two, id uint32, b []byte) {
			headers(w, id, append(slices.Clone(b), 0x00, 0x7f, 0x01), true, true)
		},
		"an integer too long": func(w *two, id uint32, b []byte) {
			headers(w, id, append(slices.Clone(b), 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01), true, true)
		},
		"a head of nothing": func(w *two, id uint32, _ []byte) { headers(w, id, nil, true, true) },
		"a frame too large": func(w *two, id uint32, b []byte) {
			headers(w, id, b, true, false)
			_ = w.f.WriteRawFrame(http2.FrameData, 1, id, make([]byte, 1<<20+17))
		},
		"a preface again": func(w *two, _ uint32, _ []byte) { _, _ = w.out.WriteString(http2.ClientPreface) },
		"HTTP/1.1":        func(w *two, _ uint32, _ []byte) { _, _ = w.out.WriteString(strings.Repeat(smuggled, 4)) },
		"depends on itself": func(w *two, id uint32, b []byte) {
			_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b, EndHeaders: true, EndStream: true, Priority: http2.PriorityParam{StreamDep: id, Weight: 3}})
		},
		"window of nothing": func(w *two, id uint32, b []byte) { headers(w, id, b, true, false); _ = w.f.WriteWindowUpdate(id, 0) },
		"reset before DATA": func(w *two, id uint32, b []byte) {
			headers(w, id, b, true, false)
			_ = w.f.WriteRSTStream(id, http2.ErrCodeCancel)
			_ = w.f.WriteData(id, true, []byte(smuggled))
			_ = w.f.WriteRawFrame(http2.FrameSettings, 1, 0, []byte{1})
		},
		"a head twice": func(w *two, id uint32, b []byte) {
			headers(w, id, b, true, false)
			_ = w.f.WriteData(id, false, []byte("he"))
			headers(w, id, b, true, true)
		},
	} {
		out = append(out, stream{class: "frames", name: name, head: head, broken: true, open: true, frames: f})
	}
	for n := 1; n < 64; n += 3 { // bodies that break off, by leaving and by a reset
		data := []string{strings.Repeat("x", n*50), smuggled}
		out = append(out,
			stream{class: "cut short", name: fmt.Sprintf("left behind %d bytes", n*50), head: head, data: data, open: true},
			stream{class: "cut short", name: fmt.Sprintf("reset behind %d bytes", n*50), head: head, broken: true, open: true, frames: func(w *two, id uint32, b []byte) {
				headers(w, id, b, true, false)
				_ = w.f.WriteData(id, false, []byte(data[0]))
				_ = w.f.WriteRSTStream(id, http2.ErrCodeCancel)
			}})
	}
	for _, pad := range []int{-1, 1, 2, 100, 255} {
		out = append(out,
			stream{class: "frames", name: fmt.Sprintf("DATA with %d bytes of padding", pad), head: head, data: []string{"hel", "lo", smuggled}, pad: pad, lawful: true},
			stream{class: "frames", name: fmt.Sprintf("a head with %d bytes of padding", pad), head: head, lawful: true, frames: func(w *two, id uint32, b []byte) {
				_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b, EndHeaders: true, EndStream: true, PadLength: uint8(max(pad, 0))})
			}})
	}
	slices.SortStableFunc(out, func(a, b stream) int { return strings.Compare(a.class+a.name, b.class+b.name) })
	return out
}

// besideStreams send two requests at once, frame by frame in turn, one of which
// may be broken: its fate is not that of the other.
func besideStreams() (out []stream) {
	const other = "another body, of the stream beside"
	orders := []string{"ab", "aabb", "abab", "abba", "bbaa", "aaabbb", "ababab", "bababa", "bbbaaa", "abbbaa", "aabbba", "baabab"}
	for i, order := range orders {
		for _, broken := range []string{"", "a path in trailers", "more than announced", "a reset"} {
			head := with("POST", octets)
			if broken == "more than announced" {
				head = with("POST", octets, [2]string{"content-length", "3"})
			}
			text := strings.Repeat(fmt.Sprintf("%d ", i), 40)
			out = append(out, stream{
				class: "beside", name: order + " " + broken, head: head, data: []string{text}, broken: broken != "", lawful: broken == "",
				beside: &message{method: "POST", target: "/echo/" + mark + "b", body: []byte(other), length: -1},
				frames: func(w *two, id uint32, b []byte) {
					path := ""
					for _, f := range w.sent {
						if f[0] == ":path" {
							path = f[1]
						}
					}
					_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b, EndHeaders: true})
					second := with("POST", octets)
					second[3][1] = strings.TrimSuffix(path, "a") + "b"
					_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id + 2, BlockFragment: w.encode(second, 0), EndHeaders: true})
					w.next += 2
					rest := map[byte]string{'a': text, 'b': other}
					for k := range order {
						c := order[k]
						n := len(rest[c])
						last := !strings.Contains(order[k+1:], string(c))
						if !last {
							n /= 2
						}
						stream := id + 2*uint32(c-'a')
						if c == 'a' && last && broken == "a reset" {
							_ = w.f.WriteRSTStream(id, http2.ErrCodeCancel)
							continue
						}
						_ = w.f.WriteData(stream, last && (c == 'b' || broken != "a path in trailers"), []byte(rest[c][:n]))
						rest[c] = rest[c][n:]
						if c == 'a' && last && broken == "a path in trailers" {
							_ = w.f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: w.encode(fields{{":path", "/x"}}, 0), EndHeaders: true, EndStream: true})
						}
					}
				},
				open: broken == "a reset",
			})
		}
	}
	return out
}
