package framing

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// mark stands for the number of a case; it is replaced by six digits when the
// case is sent, so that lengths do not change.
const mark = "@@@@@@"

// A step is something that a client of HTTP/1.1 does.
type step struct {
	send  string
	await int // then waits for a reply with this status; 0: does not
}

// A probe is a case of HTTP/1.1.
type probe struct {
	class, name string
	steps       []step
	split       int  // the first step is sent in two pieces, of which this is the first one's length
	bytewise    bool // each byte is sent alone
	half        bool // the client ends its side behind the last step
	abort       bool // the client leaves behind the last step
	secure      bool // over TLS
	lawful      bool // everything is to be forwarded
}

// text is everything that the client sends, as the case with this number.
func (p *probe) text(id int) string {
	var b strings.Builder
	for _, s := range p.steps {
		b.WriteString(s.send)
	}
	return strings.ReplaceAll(b.String(), mark, fmt.Sprintf("%06d", id))
}

// plain requests behind, and within, those that are tested.
const (
	hostLine = "Host: " + host + "\r\n"
	tail     = "GET /echo/" + mark + "t HTTP/1.1\r\n" + hostLine + "Connection: close\r\n\r\n"
	smuggled = "GET /echo/" + mark + "s HTTP/1.1\r\n" + hostLine + "\r\n"
	binaryIs = "Content-Type: application/octet-stream\r\n"
	textIs   = "Content-Type: text/plain\r\n"
)

// families are the two ways of a body through the gateway: as a stream, or
// read whole.
var families = [...]struct{ path, media string }{{"/echo/", binaryIs}, {"/text/", textIs}}

// post is the head of a request with a body, whose framing is in lines.
func post(family int, lines string) string {
	f := families[family]
	return "POST " + f.path + mark + "a HTTP/1.1\r\n" + hostLine + f.media + lines + "\r\n"
}

func get(lines string) string {
	return "GET /echo/" + mark + "a HTTP/1.1\r\n" + hostLine + lines + "\r\n"
}

// whole is a case that sends everything at once, and a request behind it that
// ends the connection.
func whole(class, name, text string) probe {
	return probe{class: class, name: name, steps: []step{{send: text + tail}}}
}

// hash orders cases without an order.
func hash(s string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

// choose keeps n of the cases, by the hash of their names.
func choose[T any](n int, list []T, name func(*T) string) []T {
	if len(list) <= n {
		return list
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int {
		x, y := hash(name(&a)), hash(name(&b))
		return int(x>>1) - int(y>>1)
	})
	return list[:n]
}

func some(n int, list []probe) []probe {
	return choose(n, list, func(p *probe) string { return p.name })
}

// A part of a message, as it should be and as it should not.
type part struct {
	name, right string
	wrong       []string
}

// mix makes messages with one part wrong, and with two.
func mix(class string, parts []part, build func([]string) string) (one, two []probe) {
	right := make([]string, len(parts))
	for i, p := range parts {
		right[i] = p.right
	}
	make1 := func(name string, text []string) probe { return whole(class, name, build(text)) }
	sound := make1("right", right)
	sound.lawful = true
	one = append(one, sound)
	for i, p := range parts {
		for _, w := range p.wrong {
			text := slices.Clone(right)
			text[i] = w
			name := fmt.Sprintf("%s %q", p.name, brief(w))
			one = append(one, make1(name, text))
			for j := i + 1; j < len(parts); j++ {
				for _, v := range parts[j].wrong {
					both := slices.Clone(text)
					both[j] = v
					two = append(two, make1(fmt.Sprintf("%s, %s %q", name, parts[j].name, brief(v)), both))
				}
			}
		}
	}
	return one, two
}

func brief(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%s… (%d)", s[:60], len(s))
	}
	return s
}

// probes are all cases of HTTP/1.1.
func probes() []probe {
	list := slices.Concat(lengthProbes(), chunkProbes(), lineProbes(), fieldProbes(), pipelineProbes(), wishProbes(), upgradeProbes())
	list = append(list, cutProbes(list)...)
	for i := range list {
		p := &list[i]
		p.secure = i%6 == 5
		if p.split == 0 && !p.abort && len(p.steps) == 1 && i%40 == 7 && len(p.steps[0].send) < 600 {
			p.bytewise = true
		}
	}
	return list
}

// spellings of a field's line that some programs take for it, and its value.
func spellings(name, value string) []string {
	return []string{
		name + ": " + value, strings.ToLower(name) + ":" + value, strings.ToUpper(name) + ":\t" + value + " \t",
		name + " : " + value, name + "\t: " + value, " " + name + ": " + value, "\t" + name + ": " + value, strings.ReplaceAll(name, "-", "_") + ": " + value,
		name + "\x00: " + value, name + "\x0b: " + value, "\x0b" + name + ": " + value, strings.Replace(name, "-", "\x0b", 1) + ": " + value, name + ":: " + value,
		"X-A: y\r" + name + ": " + value, "X-A: y\n" + name + ": " + value, "X-A: y\r\n " + name + ": " + value, "X-A: y\r\r\n" + name + ": " + value,
		name + ":\r\n " + value, name + ":\r\n\t" + value, name + ": " + value + "\r\n ", "X: y\x00\r\n" + name + ": " + value, "\"" + name + "\": " + value,
		strings.Replace(name, "e", "\u0435", 1) + ": " + value, "\xef\xbb\xbf" + name + ": " + value, name + "\u00a0: " + value, name + "\r: " + value, name + ":\x0c" + value, "Connection: " + name + "\r\n" + name + ": " + value,
	}
}

// lengthLines are lines that tell a length, most of them badly.
func lengthLines() []string {
	out := spellings("Content-Length", "5")
	for _, v := range []string{
		"0", "4", "6", "05", "005", "00000000000000000000005", "+5", "-5", "0x5", "5,5", "5, 5", "5, 6", "5,", ",5", "5;", "5.0", "5e0", "", "5 5", "5\x0b", "5\x00", "'5'", "\"5\"", "5_", "1_0",
		"\u0665", "18446744073709551621", "9223372036854775813", "4294967301", "99999999999999999999999", "NaN", "5\t", "\x0c5", "5\r", "5\xa0", "5\r\nContent-Length: 5", "5\r\nContent-Length: 6", "6\r\nContent-Length: 5", "5\r\ncontent-length: 0",
	} {
		out = append(out, "Content-Length: "+v)
	}
	return out
}

// codingLines are lines that tell chunked, most of them badly.
func codingLines() []string {
	out := spellings("Transfer-Encoding", "chunked")
	for _, v := range []string{
		"Chunked", "CHUNKED", "\tchunked", "chunked\t", "\x0bchunked", "chunked\x0b", "chunked\x00", "\x00chunked", "xchunked", "chunkedx", "x-chunked", "chunked, chunked", "chunked,chunked", "chunked, identity",
		"identity, chunked", "identity", "\"chunked\"", "'chunked'", "chunked,", "chunked;", "chunked;q=1", "chunked; a=b", ",chunked", " , chunked", "gzip, chunked", "chunked, gzip", "gzip", "deflate, gzip, chunked", "cow", "",
		"chun ked", "chunk", "chunked chunked", "c\r\n hunked", "chunked\r\n ,", "chunked\rX: y", "chunked\nX: y", "chun\u212aed", "\uff43hunked", "chunked\xa0", "\xa0chunked", "chunked\x0c", "chunked\u0085", "null", "[chunked]", "chunked/1.0", "*", "chunked=",
		"chunked\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: identity", "identity\r\nTransfer-Encoding: chunked", "gzip\r\nTransfer-Encoding: chunked", "chunked\r\ntransfer-encoding: x",
	} {
		out = append(out, "Transfer-Encoding: "+v)
	}
	return out
}

// bodies mean one thing by Content-Length and another one by chunks.
var bodies = [...]string{
	"0\r\n\r\n" + smuggled,
	fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(smuggled), smuggled),
	"5\r\nhello\r\n0\r\n\r\n",
	"hello" + smuggled,
}

// lengthProbes tell lengths alone, twice, and in both ways.
func lengthProbes() []probe {
	lengths, codings := lengthLines(), codingLines()
	var alone, both, twice []probe
	add := func(list *[]probe, lines ...string) {
		name := fmt.Sprintf("%q", lines)
		n := int(hash(name))
		*list = append(*list, whole("lengths", name, post(n&1, strings.Join(lines, "\r\n")+"\r\n")+bodies[n>>1&3]))
	}
	for _, l := range slices.Concat(lengths, codings) {
		for i, b := range bodies {
			alone = append(alone, whole("lengths", fmt.Sprintf("%q %d", l, i), post(i&1, l+"\r\n")+b))
			alone = append(alone, whole("lengths", fmt.Sprintf("1.0 %q %d", l, i), strings.Replace(post(i>>1, l+"\r\n"), "HTTP/1.1", "HTTP/1.0", 1)+b))
			alone = append(alone, whole("lengths", fmt.Sprintf("get %q %d", l, i), get(l+"\r\n")+b))
		}
	}
	for _, l := range lengths {
		for _, c := range codings {
			add(&both, l, c)
			add(&both, c, l)
			add(&both, l, "X-Between: 1", c)
		}
	}
	for _, list := range [...][]string{lengths, codings} {
		for _, a := range list {
			for _, b := range list {
				add(&twice, a, b)
			}
		}
	}
	out := slices.Concat(some(850, alone), some(1100, both), some(350, twice))
	for family := range families {
		for _, l := range []string{"Content-Length: 5", "content-length:5", "Transfer-Encoding: chunked", "TRANSFER-ENCODING: CHUNKED"} {
			body := "hello"
			if strings.Contains(strings.ToLower(l), "chunked") {
				body = bodies[2]
			}
			p := whole("lengths", "right "+l, post(family, l+"\r\n")+body)
			p.lawful = true
			out = append(out, p)
		}
	}
	return out
}

// chunkProbes break the grammar of chunks.
func chunkProbes() (out []probe) {
	const data = "hello " + smuggled
	size := fmt.Sprintf("%x", len(data))
	with := func(pattern string) string { return strings.ReplaceAll(pattern, "N", size) }
	var sizes []string
	for _, s := range []string{
		"0N", "000N", "00000000000000000000N", "+N", "-N", "0xN", "0XN", " N", "N ", "\tN", "N\t", "N_", "_N", "N.", "N.0", "", "g", "Ng", "N;", "N;a", "N;a=b", "N;a=\"b\"", "N;a=\"b;c\"", "N;a=\"\r\n\"", "N;a=\"\n\"",
		"N;a=\"b", "N;a=\"\\\"\"", "N; a=b", "N ;a=b", "N;a=b\n", "N;a\r", "N;a=b;c=d", "N;=b", "N;a=", "N;a b", "N\x0b;a", "N;\x00", "N\x00", "N,", "N:", "N;" + strings.Repeat("a", 300), "N;" + strings.Repeat("a", 5000), "ffffffffffffffffN", "10000000000000000N",
		"8000000000000000", "fffffffffffffffff", "100000000", "\uff15", "N\xa0", "N\x0c", "\x0bN", "N N", "0", "1", "7fffffffffffffff", "N\r\n", "\r\nN", "\nN", "N;a\x7f", "N;é=1",
	} {
		sizes = append(sizes, with(s))
	}
	parts := []part{
		{"size", size, sizes},
		{"line", "\r\n", []string{"\n", "\r", "\r\r\n", "\n\r", " \r\n", "\t\r\n", "", "\r\n\r\n", "\x00\r\n", "\x0b\r\n"}},
		{"data", data, []string{"hell", data + "!", "", data[:len(data)-1], data[:len(data)-2], data + "\r\n"}},
		{"end", "\r\n", []string{"\n", "", "\r", "XX", "\r\r\n", "\n\n", "\r\n\r\n", " \r\n"}},
		{"last", "0", []string{"00", "0000000000000000000000", "0;a", "0;a=\"b\"", "-0", "+0", "0x0", "", "0 ", " 0", "0\x00", "g", "1", "0;\n", "0_0", "0,0", "O", "5"}},
		{"last line", "\r\n", []string{"\n", "\r", "", "\r\r\n", "\n\r"}},
		{"trailers", "", []string{
			"X-T: v\r\n", "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Host: evil\r\n", "Authorization: x\r\n", "Connection: close\r\n", " folded\r\n", "X-T: v\r\n folded\r\n", "X-T : v\r\n", "noname\r\n",
			": v\r\n", "X-T: v\n", "X-T: \x00\r\n", "X-T: v\rY: z\r\n", "X-T: " + strings.Repeat("v", 9000) + "\r\n", strings.Repeat("X-T: v\r\n", 40), "GET /echo/" + mark + "s HTTP/1.1\r\n", "Sallyport-Decision: x\r\n", "X-T: v\x0b\r\n", "X_T: v\r\n",
		}},
		{"last end", "\r\n", []string{"\n", "", "\r", "\r\r\n", " \r\n", "\x00\r\n"}},
	}
	for family := range families {
		one, two := mix("chunks", parts, func(p []string) string { return post(family, "Transfer-Encoding: chunked\r\n") + strings.Join(p, "") })
		out = append(out, one...)
		out = append(out, some(400, two)...)
	}
	return out
}
