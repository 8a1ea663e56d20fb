package framing

import (
	"errors"
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/event"
)

// A verdict is what is known of a case once it was sent.
type verdict struct {
	class, name string
	want        []*message // what a strict reader finds in what was sent
	unsure      bool       // the client left: replies may be missing
	partial     bool       // a request was begun and not ended
	got         []seen     // what the client was told
}

// A seen is one reply as the client understood it.
type seen struct {
	saw, decision string
	status        int
}

// A judge collects what a run shows.
type judge struct {
	cases  map[int]*verdict
	faults []string
	n      map[string]int
}

func newJudge() *judge { return &judge{cases: map[int]*verdict{}, n: map[string]int{}} }

// blame notes a fault.
func (j *judge) blame(format string, args ...any) {
	j.faults = append(j.faults, fmt.Sprintf(format, args...))
}

// replies judges what came back over HTTP/1.1.
func (j *judge) replies(p *probe, id int, out *outcome) {
	text := p.text(id)
	want, partial, err := requests([]byte(text), true)
	cut := errors.Is(err, errCut)
	v := &verdict{class: p.class, name: p.name, want: want, unsure: p.half || p.abort || cut, partial: err != nil && (partial != nil || cut)}
	j.cases[id] = v
	j.n["cases"]++
	if p.abort {
		j.n["left"]++
		return
	}
	say := func(format string, args ...any) {
		j.blame("%s: %s: %s\n\tsent %q\n\tcame %q", p.class, p.name, fmt.Sprintf(format, args...), brief2(text), brief2(string(out.raw)))
	}
	if out.hung {
		say("the connection never ended")
	}
	if out.slow {
		j.n["waited"]++
	}
	if out.reset {
		j.n["reset"]++
	}
	r := &reader{b: out.raw}
	closed := false
	for len(r.rest()) > 0 {
		method, wish := "GET", ""
		if i := len(v.got); i < len(want) {
			method, wish = want[i].method, want[i].get("expect")
		} else if partial != nil {
			method, wish = partial.method, partial.get("expect")
		}
		at := r.at
		m, oops := r.reply(method, true)
		if errors.Is(oops, errCut) && len(v.got) >= len(want) && strings.Contains(text, "HEAD ") {
			r.at = at // it may have been read as HEAD
			m, oops = r.reply("HEAD", true)
		}
		if oops != nil {
			say("reply %d: %v", len(v.got)+1, oops)
			break
		}
		if m.status < 200 {
			if m.status != 100 || wish == "" {
				say("a reply with the status %d", m.status)
			}
			continue
		}
		if closed {
			say("a reply behind the last one")
		}
		closed = m.get("connection") == "close"
		j.reply(v, m, say)
	}
	j.number(p, v, closed, err, say)
}

// brief2 shortens what is shown of a message.
func brief2(s string) string {
	if len(s) > 700 {
		return s[:500] + fmt.Sprintf("… (%d) …", len(s)) + s[len(s)-150:]
	}
	return s
}

// reply judges the next reply of a case.
func (j *judge) reply(v *verdict, m *message, say func(string, ...any)) {
	i := len(v.got)
	s := seen{saw: m.get("x-saw"), decision: m.get("sallyport-decision"), status: m.status}
	v.got = append(v.got, s)
	switch {
	case s.saw != "" && i >= len(v.want):
		say("reply %d is from the back end, but only %d requests are well formed: %s", i+1, len(v.want), s.saw)
	case s.saw != "" && v.want[i].never != nil:
		say("reply %d is from the back end: %v", i+1, v.want[i].never)
	case s.saw != "" && (m.status != 200 || !strings.Contains(s.saw, " "+v.want[i].path()+" ") && plainTarget(v.want[i].path())):
		say("reply %d is not that to %s: %d %s", i+1, v.want[i].target, m.status, s.saw)
	case s.saw != "":
		j.n["forwarded"]++
	case m.status < 400 || m.status == 500 || m.status > 501 && m.status != 505:
		say("reply %d: status %d", i+1, m.status)
	case m.get("content-type") != "application/problem+json":
		say("reply %d: status %d of type %q", i+1, m.status, m.get("content-type"))
	case i >= len(v.want):
		j.n["refused as malformed"]++
	default:
		j.n["refused by policy"]++
	}
}

// plainTarget tells whether a path is its own canonical form.
func plainTarget(s string) bool {
	return strings.Trim(s, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// number judges how many replies came.
func (j *judge) number(p *probe, v *verdict, closed bool, err error, say func(string, ...any)) {
	n, want := len(v.got), len(v.want)
	switch {
	case n > want+1, n > want && err == nil:
		say("%d replies to %d requests", n, want)
	case n < want && !closed && !v.unsure:
		say("%d replies to %d requests, and the connection ended", n, want)
	case n <= want && !closed && err != nil && !v.unsure:
		j.n["ended without a word"]++
		if n == 0 {
			say("no answer")
		}
	}
	if p.lawful {
		for i := range v.want {
			if i >= n || v.got[i].saw == "" {
				say("request %d is lawful and was not forwarded", i+1)
				return
			}
		}
		if err != nil {
			say("this case is not lawful: %v", err)
		}
		j.n["lawful"]++
	}
}

// A sent is one request on its way to a back end.
type sent struct {
	*message
	tape    int
	cut     bool
	replied bool
	lost    bool // the connection was dropped behind it, with a reply on it or none
}

var marks = regexp.MustCompile(`(\d{6})([a-z0-9])`)

// tapes judges every byte that went between the gateway and the back end, and
// returns the requests by case.
func (j *judge) tapes(list []*tape, backEnd string) map[string][]sent {
	byMark := map[string][]sent{}
	told, most := 0, 0
	complete := 0
	for n, p := range list {
		p.mu.Lock()
		up, down, left, dropped := p.up, p.down, p.left, p.dropped
		p.mu.Unlock()
		reqs, partial, err := requests(up, false)
		switch {
		case errors.Is(err, errCut) && (left || dropped):
		case err != nil:
			j.blame("connection %d to the back end: %v (request %d, ended %v)\n\tbytes %q", n, err, len(reqs)+1, left, brief2(string(up[max(0, len(up)-700):])))
		}
		all := make([]sent, 0, len(reqs)+1)
		for _, m := range reqs {
			j.upright(m, up)
			all = append(all, sent{message: m, tape: n})
		}
		complete += len(reqs)
		if errors.Is(err, errCut) && partial != nil {
			all = append(all, sent{message: partial, tape: n, cut: true})
			j.n["cut upstream"]++
		}
		saw := j.answers(n, all, down)
		if dropped && len(all) > 0 { // one whose client left may have been under way then
			all[len(all)-1].lost = true
		}
		told += len(saw)
		for _, k := range saw {
			most = max(most, k)
		}
		for _, s := range all {
			m := marks.FindString(s.target)
			byMark[m] = append(byMark[m], s)
		}
	}
	j.n["requests on the wire"], j.n["connections to the back end"] = complete, len(list)
	if most > complete {
		j.blame("%s says that it saw %d requests, %d were sent", backEnd, most, complete)
	}
	if most < told {
		j.blame("%s counts %d requests and answered %d", backEnd, most, told)
	}
	return byMark
}

// upright holds a forwarded request to what a gateway may send.
func (j *judge) upright(m *message, _ []byte) {
	wrong := func(format string, args ...any) {
		j.blame("forwarded %s %s: %s\n\t%q", m.method, m.target, fmt.Sprintf(format, args...), m.fields)
	}
	if m.version != "HTTP/1.1" {
		wrong("the version %s", m.version)
	}
	if m.count("host") != 1 || m.count("sallyport-decision") != 1 {
		wrong("%d Host, %d Sallyport-Decision", m.count("host"), m.count("sallyport-decision"))
	}
	if m.trailers > 0 {
		wrong("%d trailer fields", m.trailers)
	}
	if !strings.HasPrefix(m.target, "/") || strings.ContainsFunc(m.target, func(r rune) bool { return r <= ' ' || r > '~' }) {
		wrong("the target")
	}
	if m.never != nil {
		wrong("%v", m.never)
	}
	for _, f := range m.fields {
		if strings.HasPrefix(m.target, "/socket/") && (f[0] == "connection" && f[1] == "Upgrade" && m.count("upgrade") == 1 || f[0] == "upgrade" && strings.EqualFold(f[1], "websocket")) {
			continue
		}
		switch f[0] {
		case "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "http2-settings", "proxy-authorization", "content_length", "transfer_encoding", "forwarded", "proxy":
			wrong("the field %s: %s", f[0], f[1])
		case "expect":
			if f[1] != "100-continue" {
				wrong("the field %s: %s", f[0], f[1])
			}
		}
		if strings.HasPrefix(f[0], ":") || strings.Contains(f[0], "content-length") && f[0] != "content-length" {
			wrong("the field %s: %s", f[0], f[1])
		}
	}
}

// answers holds what a back end says that it saw to what was sent to it, and
// returns its counts.
func (j *judge) answers(tape int, all []sent, down []byte) (counts []int) {
	r := &reader{b: down}
	for i := 0; len(r.rest()) > 0; {
		method := "GET"
		if i < len(all) {
			method = all[i].method
		}
		m, err := r.reply(method, true)
		if err != nil {
			if !errors.Is(err, errCut) {
				j.blame("connection %d: the back end's reply %d: %v", tape, i+1, err)
			}
			return counts
		}
		if m.status == 100 {
			continue
		}
		if i >= len(all) {
			j.blame("connection %d: the back end answers more than was asked: %d %s", tape, m.status, m.get("x-saw"))
			return counts
		}
		s := &all[i]
		i++
		s.replied = true
		if s.cut {
			j.n["answered before the end"]++
			continue
		}
		var count int
		want := fmt.Sprintf("%s %s %d %08x", s.method, s.target, len(s.body), crc32.ChecksumIEEE(s.body))
		number, rest, _ := strings.Cut(m.get("x-saw"), " ")
		if _, err := fmt.Sscan(number, &count); err != nil || rest != want || m.status != 200 {
			j.blame("connection %d: sent %q, the back end saw %q (status %d)", tape, want, m.get("x-saw"), m.status)
		}
		counts = append(counts, count)
	}
	return counts
}

// settle holds what reached the back end to what was sent, and to what clients
// were told.
func (j *judge) settle(byMark map[string][]sent) {
	for m, list := range byMark {
		if m == "" {
			for _, s := range list {
				if plainTarget(s.target) {
					j.blame("forwarded without a mark: %s %s", s.method, s.target)
				}
			}
			continue
		}
		for i, s := range list[:len(list)-1] {
			if s.replied && !s.lost || s.cut != list[i+1].cut {
				j.blame("%s %s reached the back end %d times%s", s.method, s.target, len(list), j.told(m))
				break
			}
		}
		if strings.ContainsAny(m[6:], "pyz") {
			continue // of canaries
		}
		var id int
		_, _ = fmt.Sscanf(m[:6], "%d", &id)
		j.source(j.cases[id], &list[len(list)-1])
	}
}

// source finds the request of a client that was forwarded.
func (j *judge) source(v *verdict, s *sent) {
	if v == nil {
		j.blame("forwarded %s %s is of no case", s.method, s.target)
		return
	}
	for i, w := range v.want {
		if marks.FindString(w.target) != marks.FindString(s.target) {
			continue
		}
		switch {
		case w.never != nil:
			j.blame("%s: %s: forwarded, and never may be: %v", v.class, v.name, w.never)
		case s.cut:
			if !v.unsure && !w.either && (i >= len(v.got) || v.got[i].status < 400) { // a limit may end it
				j.blame("%s: %s: request %d is well formed and was cut on its way", v.class, v.name, i+1)
			}
		case w.method != s.method && !(w.method == "HEAD" && s.method == "GET"):
			j.blame("%s: %s: %s became %s", v.class, v.name, w.method, s.method)
		case string(w.body) != string(s.body):
			j.blame("%s: %s: a body of %d bytes became one of %d", v.class, v.name, len(w.body), len(s.body))
		case !v.unsure && (i >= len(v.got) || v.got[i].decision != s.get("sallyport-decision")):
			j.blame("%s: %s: the client was not told of request %d, which was forwarded", v.class, v.name, i+1)
		}
		return
	}
	if s.cut && v.partial {
		return
	}
	j.blame("%s: %s: forwarded %s %s (%d bytes, ended: %v), which no well-formed request asks for", v.class, v.name, s.method, s.target, len(s.body), !s.cut)
}

// told names the case of a mark.
func (j *judge) told(m string) string {
	var id int
	if _, err := fmt.Sscanf(m[:min(6, len(m))], "%d", &id); err != nil || j.cases[id] == nil {
		return ""
	}
	return " (" + j.cases[id].class + ": " + j.cases[id].name + ")"
}

// left tells whether the client of a marked request left early.
func (j *judge) left(m string) bool {
	var id int
	if len(m) < 7 || strings.ContainsAny(m[6:], "pyz") {
		return false
	}
	_, _ = fmt.Sscanf(m[:6], "%d", &id)
	return j.cases[id] != nil && j.cases[id].unsure
}

// events holds the log to what reached the back end.
func (j *judge) events(records map[string]*event.Event, byMark map[string][]sent) {
	on := map[string]bool{}
	for m, list := range byMark {
		for i := range list {
			s := &list[i]
			id := s.get("sallyport-decision")
			e := records[id]
			if on[id] && i == 0 {
				j.blame("the decision %s was used for %s and another request", id, m)
			}
			on[id] = true
			switch {
			case e == nil:
				j.blame("no record of %s %s (%s)", s.method, s.target, id)
			case e.Method != s.method && !(e.Method == "HEAD" && s.method == "GET"), !e.Upstream.Called:
				j.blame("the record of %s %s says %s, called %v", s.method, s.target, e.Method, e.Upstream.Called)
			case s.replied && !s.cut && i == len(list)-1 && !j.left(m) && (e.Decision != event.Allow || e.Upstream.Status != 200):
				j.blame("the record of %s %s says %v, upstream %d", s.method, s.target, e.Decision, e.Upstream.Status)
			}
		}
	}
	for id, e := range records {
		if e.Proto == "HTTP/2.0" && strings.HasPrefix(e.Code, "framing/") {
			j.n["records of malformed HTTP/2"]++
		}
		if e.Upstream.Called && e.Upstream.Status != 0 && !on[id] {
			j.blame("the record %s says that %s %s was forwarded, and nothing was", id, e.Method, e.Template)
		}
	}
	for _, v := range j.cases {
		for i, s := range v.got {
			if e := records[s.decision]; s.decision != "" && (e == nil || e.Status != s.status) {
				j.blame("%s: %s: reply %d: status %d is not in the record %q", v.class, v.name, i+1, s.status, s.decision)
			} else if s.decision == "" {
				j.n["replies without a decision"]++
			} else if i >= len(v.want) {
				j.n["recorded as "+e.Code]++
				if e.Decision != event.Deny || e.Code == "" || e.Reason == "" {
					j.blame("%s: %s: the record of the refusal says %v %q %q", v.class, v.name, e.Decision, e.Code, e.Reason)
				}
			}
		}
	}
	j.n["records"] = len(records)
}
