package risktest

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/sallyport/sallyport/risk"
)

// A block is one paragraph of a table: a request or what is asked of one,
// then a status and the answer.
//
//	POST /orders as alice       method and path; a rule may say * and have * in the path
//	if header NAME REGEXP       of a rule; also: body, query, plain, kept; "if no" turns it round
//	keep /orders/7              of a rule: keeps the body for {{kept}} there
//	Content-Type: text/plain    of a call
//	| body                      of a call
//	201 application/json
//	Location: /orders/7
//	| {"id":7}
type block struct {
	method, path, as string
	conditions       []condition
	keep             string
	request, answer  message
	status           int
}

type message struct {
	fields risk.Fields
	body   string
	has    bool // a body is written, be it empty
}

// A condition is something that a request must have, or must not.
type condition struct {
	what, name string
	pattern    *regexp.Regexp
	not        bool
}

var errBlock = errors.New("a block that cannot be read")

// parseBlocks reads paragraphs. Lines that begin with # say nothing.
func parseBlocks(text string) ([]block, error) {
	var out []block
	var b *block
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimRight(line, " \r")
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case line == "":
			b = nil
			continue
		case b == nil:
			out = append(out, block{})
			b = &out[len(out)-1]
			if err := b.begin(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", n+1, err)
			}
			continue
		}
		if err := b.line(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return out, nil
}

func (b *block) begin(line string) error {
	words := strings.Fields(line)
	if len(words) != 2 && (len(words) != 4 || words[2] != "as") {
		return fmt.Errorf("%w: %q is no METHOD PATH [as CALLER]", errBlock, line)
	}
	b.method, b.path = words[0], words[1]
	if len(words) == 4 {
		b.as = words[3]
	}
	return nil
}

func (b *block) line(line string) error {
	m := &b.request
	if b.status != 0 {
		m = &b.answer
	}
	if text, ok := strings.CutPrefix(line, "|"); ok {
		if m.has {
			m.body += "\n"
		}
		m.body, m.has = m.body+strings.TrimPrefix(text, " "), true
		return nil
	}
	if rest, ok := strings.CutPrefix(line, "if "); ok {
		return b.condition(rest)
	}
	if rest, ok := strings.CutPrefix(line, "keep "); ok {
		b.keep = rest
		return nil
	}
	if name, value, ok := strings.Cut(line, ": "); ok {
		m.fields = append(m.fields, risk.Field{Name: name, Value: value})
		return nil
	}
	status, media, _ := strings.Cut(line, " ")
	n, err := strconv.Atoi(status)
	if err != nil || b.status != 0 || n < 100 || n > 599 {
		return fmt.Errorf("%w: %q", errBlock, line)
	}
	b.status = n
	if media != "" {
		b.answer.fields = append(b.answer.fields, risk.Field{Name: "Content-Type", Value: media})
	}
	return nil
}

func (b *block) condition(text string) error {
	var c condition
	text, c.not = strings.CutPrefix(text, "no ")
	c.what, text, _ = strings.Cut(text, " ")
	switch c.what {
	case "plain", "kept":
	case "header":
		c.name, text, _ = strings.Cut(text, " ")
		fallthrough
	case "body", "query":
		p, err := regexp.Compile(text)
		if err != nil {
			return fmt.Errorf("%w: %w", errBlock, err)
		}
		c.pattern = p
	default:
		return fmt.Errorf("%w: no condition %q", errBlock, c.what)
	}
	b.conditions = append(b.conditions, c)
	return nil
}

// A Call is a lawful request and what it must get.
type Call struct {
	Attempt risk.Attempt
	Status  int
	Fields  risk.Fields // that the answer must have
	Body    string
	Exact   bool // Body counts
}

// parseCalls reads lawful traffic. A call as "nobody" shows no credential.
func parseCalls(text string) ([]Call, error) {
	blocks, err := parseBlocks(text)
	if err != nil {
		return nil, err
	}
	var out []Call
	for i := range blocks {
		b := &blocks[i]
		if b.as == "" || b.status == 0 || len(b.conditions) > 0 {
			return nil, fmt.Errorf("%w: the call %s %s needs a caller and a status, and takes no conditions", errBlock, b.method, b.path)
		}
		c := Call{Status: b.status, Fields: b.answer.fields, Body: b.answer.body, Exact: b.answer.has}
		c.Attempt = risk.Attempt{As: b.as, Method: b.method, Fields: b.request.fields}
		c.Attempt.Path, c.Attempt.Query, _ = strings.Cut(b.path, "?")
		if b.as == "nobody" {
			c.Attempt.As = ""
		}
		if b.request.has {
			c.Attempt.Body = []byte(b.request.body)
		}
		out = append(out, c)
	}
	return out, nil
}
