package framing

import (
	"fmt"
	"slices"
	"strings"
)

// pipelineProbes send sequences of requests at once, sound ones and others.
func pipelineProbes() []probe {
	at := func(n int, text string) string {
		return strings.ReplaceAll(text, mark+"a", fmt.Sprintf("%s%d", mark, n))
	}
	pieces := []struct {
		name, text string
		sound      bool
	}{
		{"get", get(""), true},
		{"head", strings.Replace(get(""), "GET", "HEAD", 1), true},
		{"stream", post(0, "Content-Length: 5\r\n") + "hello", true},
		{"whole", post(1, "Content-Length: 5\r\n") + "hello", true},
		{"chunks", post(0, "Transfer-Encoding: chunked\r\n") + bodies[2], true},
		{"whole chunks", post(1, "Transfer-Encoding: chunked\r\n") + bodies[1], true},
		{"large", post(0, "Content-Length: 70000\r\n") + strings.Repeat(smuggled, 70_000/len(smuggled)) + strings.Repeat("x", 70_000%len(smuggled)), true},
		{"no such path", strings.Replace(get(""), "/echo/", "/nothing/", 1), false},
		{"no such method", strings.Replace(post(0, "Content-Length: 5\r\n"), "POST", "TRACE", 1) + "hello", false},
		{"another type", strings.Replace(post(0, "Content-Length: 5\r\n"), "octet-stream", "zip", 1) + "hello", false},
		{"another type, chunks", strings.Replace(post(0, "Transfer-Encoding: chunked\r\n"), "octet-stream", "zip", 1) + bodies[1], false},
		{"body on a get", get("Content-Length: 5\r\n") + "hello", false},
		{"both lengths", post(0, "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + bodies[0], false},
		{"broken chunk", post(0, "Transfer-Encoding: chunked\r\n") + "5\r\nhello!\r\n" + bodies[0], false},
		{"broken text chunk", post(1, "Transfer-Encoding: chunked\r\n") + "5\r\nhello!\r\n" + bodies[0], false},
		{"bare LF", strings.Replace(get("X-A: b\r\n"), "b\r\n", "b\n", 1), false},
		{"blank line", "\r\n", false},
	}
	var orders [][]int
	for i := range pieces {
		for j := range pieces {
			orders = append(orders, []int{i, j}, []int{i, j, i, j, i})
			for k := range pieces {
				orders = append(orders, []int{i, j, k})
			}
		}
	}
	var out []probe
	for _, order := range choose(650, orders, func(o *[]int) string { return fmt.Sprint(*o) }) {
		p := probe{class: "pipelines", lawful: true}
		var text strings.Builder
		for n, i := range order {
			p.name += pieces[i].name + ", "
			p.lawful = p.lawful && pieces[i].sound
			text.WriteString(at(n, pieces[i].text))
		}
		p.steps = []step{{send: text.String() + tail}}
		out = append(out, p)
	}
	return out
}

// wishProbes wait for 100, or do not.
func wishProbes() (out []probe) {
	for family := range families {
		for _, wish := range []string{"100-continue", "100-Continue", "100-continue, 100-continue", "100-continue\r\nExpect: 100-continue", "100", "101-switching", "", "100-continue;x", "x, 100-continue", "200-ok", "100-continue\x00", "100-continue\r\n "} {
			for _, framing := range []string{"Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Content-Length: 0\r\n", "", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 70000\r\n"} {
				head := post(family, "Expect: "+wish+"\r\n"+framing)
				body := ""
				switch {
				case strings.Contains(framing, "chunked"):
					body = bodies[2]
				case strings.Contains(framing, " 5"):
					body = "hello"
				case strings.Contains(framing, "70000"):
					body = strings.Repeat("x", 70_000)
				}
				name := fmt.Sprintf("%q %q %d", wish, framing, family)
				out = append(out,
					whole("100-continue", "at once "+name, head+body),
					probe{class: "100-continue", name: "never " + name, steps: []step{{send: head}}, half: true},
					whole("100-continue", "another request "+name, head+smuggled))
				if strings.EqualFold(wish, "100-continue") && body != "" && strings.Count(framing, ":") == 1 {
					out = append(out, probe{class: "100-continue", name: "in turn " + name, steps: []step{{send: head, await: 100}, {send: body + tail}}, lawful: true})
				}
			}
		}
	}
	return out
}

// upgradeProbes ask for protocols that the contract does not declare, or that the
// back end does not change to: what stands behind is the next request.
func upgradeProbes() (out []probe) {
	const socket = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
	const settings = "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
	for _, ask := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket\r\n" + socket, "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" + socket, "Upgrade: websocket\r\n" + socket, "Connection: Upgrade\r\n" + socket, "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n" + socket,
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + settings, "Connection: Upgrade\r\nUpgrade: h2c\r\n" + settings, "Upgrade: h2c\r\n" + settings, "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nUpgrade: websocket\r\n" + settings,
		"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n", "Connection: Upgrade\r\nUpgrade: h2\r\n", "Connection: Upgrade\r\nUpgrade: \r\n", "Connection: Upgrade\r\nUpgrade: websocket\x00\r\n", "Connection: Upgrade\r\nUpgrade : websocket\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket\r\n" + socket,
	} {
		for behind, text := range map[string]string{"nothing": "", "a request": smuggled, "a preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "a frame": "\x81\x85\x00\x00\x00\x00hello"} {
			name := fmt.Sprintf("%q, then %s", ask, behind)
			out = append(out,
				whole("upgrades", "GET "+name, get(ask)+text),
				whole("upgrades", "declared "+name, strings.Replace(get(ask), "/echo/", "/socket/", 1)+text),
				whole("upgrades", "POST "+name, post(0, ask+"Content-Length: 5\r\n")+"hello"+text),
				whole("upgrades", "chunks "+name, post(1, ask+"Transfer-Encoding: chunked\r\n")+bodies[2]+text))
		}
	}
	slices.SortFunc(out, func(a, b probe) int { return strings.Compare(a.name, b.name) })
	return out
}

// cutProbes send sound messages in two pieces, or less than whole.
func cutProbes(all []probe) (out []probe) {
	messages := []string{
		get("X-A: b\r\n") + tail,
		post(0, "Content-Length: 5\r\n") + "hello" + tail,
		post(1, "Transfer-Encoding: chunked\r\n") + bodies[2] + tail,
		post(0, "Transfer-Encoding: chunked\r\n") + "5;a=\"b\"\r\nhello\r\n" + "0\r\nX-T: v\r\n\r\n" + tail,
	}
	for i, m := range messages {
		n := len(m) - len(tail) + 12
		for at := 1; at < n; at++ {
			name := fmt.Sprintf("message %d at %d", i, at)
			p := probe{class: "split", name: name, steps: []step{{send: m}}, split: at, lawful: true}
			short := probe{class: "cut short", name: name, steps: []step{{send: m[:at]}}, half: at%3 != 0, abort: at%3 == 0}
			out = append(out, p, short)
		}
	}
	// What is refused when it comes at once is refused in pieces.
	for _, p := range some(160, slices.DeleteFunc(slices.Clone(all), func(p probe) bool { return len(p.steps) > 1 || len(p.steps[0].send) > 2000 })) {
		at := 1 + int(hash(p.name))%(len(p.steps[0].send)-len(tail)/2)
		out = append(out, probe{class: "split", name: fmt.Sprintf("%s %s at %d", p.class, p.name, at), steps: p.steps, split: at, lawful: p.lawful})
	}
	return out
}

// leavingProbes leave behind whole requests, before the replies are there.
func leavingProbes() (out []probe) {
	for family := range families {
		for n, text := range []string{
			get(""), post(family, "Content-Length: 5\r\n") + "hello", post(family, "Transfer-Encoding: chunked\r\n") + bodies[1], get("") + smuggled,
			post(family, "Content-Length: 5\r\n") + "hello" + smuggled + strings.Replace(smuggled, mark+"s", mark+"u", 1), post(family, "Content-Length: 70000\r\n") + strings.Repeat("x", 70_000), post(family, "Content-Length: 70000\r\n") + strings.Repeat("x", 40_000),
			post(family, "Expect: 100-continue\r\nContent-Length: 5\r\n"), strings.Replace(get(""), "GET", "HEAD", 1),
		} {
			out = append(out,
				probe{class: "leaving", name: fmt.Sprintf("%d %d", n, family), steps: []step{{send: text}}, abort: true, secure: n%2 == 0},
				probe{class: "leaving", name: fmt.Sprintf("half %d %d", n, family), steps: []step{{send: text}}, half: true, secure: n%2 == 1})
		}
	}
	return out
}
