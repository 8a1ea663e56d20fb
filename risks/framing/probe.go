package framing

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
)

// maxOperations bounds how many operations are tried for one that answers.
const maxOperations = 5

// A trick announces a body in two ways. One of them ends before the hidden
// request, and the other one behind it.
type trick struct{ name, lines string }

// tricks have the length of the body for %d, which holds a last chunk and the
// hidden request.
var tricks = [...]trick{
	{"Content-Length with Transfer-Encoding", "Content-Length: %d\r\nTransfer-Encoding: chunked\r\n"},
	{"Transfer-Encoding before Content-Length", "Transfer-Encoding: chunked\r\nContent-Length: %d\r\n"},
	{"a space before the colon", "Content-Length: %d\r\nTransfer-Encoding : chunked\r\n"},
	{"a folded line", "Content-Length: %d\r\nTransfer-Encoding:\r\n chunked\r\n"},
	{"a bare line feed", "Content-Length: %d\r\nX-A: b\nTransfer-Encoding: chunked\r\n"},
	{"a bare carriage return", "Content-Length: %d\r\nX-A: b\rTransfer-Encoding: chunked\r\n"},
	{"a vertical tab", "Content-Length: %d\r\nTransfer-Encoding: \vchunked\r\n"},
	{"NUL in the name", "Content-Length: %d\r\nTransfer-Encoding\x00: chunked\r\n"},
	{"another coding", "Content-Length: %d\r\nTransfer-Encoding: xchunked\r\n"},
	{"two codings", "Content-Length: %d\r\nTransfer-Encoding: identity, chunked\r\n"},
	{"two lengths, the short one first", "Content-Length: 5\r\nContent-Length: %d\r\n"},
	{"two lengths, the short one last", "Content-Length: %d\r\nContent-Length: 5\r\n"},
	{"a list of lengths", "Content-Length: 5, %d\r\n"},
}

// lastChunk is what a reader of chunks takes for the whole body, and a reader
// of the short length too.
const lastChunk = "0\r\n\r\n"

var (
	errNoAnswer = errors.New("the target did not answer")
	errNoRaw    = errors.New("the target takes no raw bytes")
)

// probe hides a request in the body of another one. It only reads, once, by an
// operation that a lawful caller may call.
func probe(ctx context.Context, t *risk.Target) error {
	if t.SendRaw == nil {
		return errNoRaw
	}
	tried, answered := 0, false
	for _, op := range t.Contract.Operations {
		lawful, ok := t.Lawful(op)
		if op.Method != "GET" || !ok || tried == maxOperations {
			continue
		}
		tried++
		seen, err := t.Send(ctx, lawful)
		if err != nil {
			continue
		}
		answered = true
		if seen.Status/100 == 2 && hide(ctx, t, op, lawful) {
			break
		}
	}
	if tried > 0 && !answered {
		return errNoAnswer
	}
	return ctx.Err()
}

// hide tries the tricks at an operation, and reports all that work in one
// finding. It reports whether the connection could be judged.
func hide(ctx context.Context, t *risk.Target, op *contract.Operation, lawful *risk.Attempt) bool {
	count := func(lines string) int {
		all, err := t.SendRaw(ctx, &risk.Raw{As: lawful.As, Text: func(head string) string { return text(lawful, head, lines) }})
		if err != nil {
			return 0
		}
		return len(all)
	}
	// The controls: two requests have two answers, and so have a request with a
	// plain body and one behind it.
	if count("") != 2 {
		return false
	}
	switch count("Content-Length: %d\r\n") {
	case 2:
	case 3:
		report(t, op, []string{"a body of GET"})
		return true
	default:
		return false
	}
	var works []string
	for _, k := range tricks {
		if count(k.lines) == 3 {
			works = append(works, k.name)
		}
	}
	if len(works) > 0 {
		report(t, op, works)
	}
	return true
}

func report(t *risk.Target, op *contract.Operation, works []string) {
	t.Report(risk.Finding{
		Operation: op.Key, Confirmed: true, At: op.PathAt, Code: string(CodeHidden),
		Proof: fmt.Sprintf("a request that stands in the body of GET %s, by Content-Length, was answered as one of its own where the end of that body is told in two ways (%s); with a plain body it was not",
			op.Path, strings.Join(works, ", ")),
	})
}

// text is a request with lines in its head and, where there are lines, a body
// that hides a request, and a last request behind it.
func text(lawful *risk.Attempt, head, lines string) string {
	path := lawful.Path
	if lawful.Query != "" {
		path += "?" + lawful.Query
	}
	for _, f := range lawful.Fields {
		head += f.Name + ": " + f.Value + "\r\n"
	}
	line := "GET " + path + " HTTP/1.1\r\n" + head
	last := line + "Connection: close\r\n\r\n"
	if lines == "" {
		return line + "\r\n" + last
	}
	body := lastChunk + line + "\r\n"
	return line + fmt.Sprintf(lines, len(body)) + "\r\n" + body + last
}
