package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	locate "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/parser"

	"github.com/sallyport/sallyport/source"
)

// maxLocate bounds the text that is read a second time to place a syntax
// error, in bytes.
const maxLocate = 64 << 10

// yamlLine finds the line in the message of the YAML library, yamlAnchor the
// alias that it does not know, yamlParser the errors whose line it counts from
// 0: those of its parser, not of its scanner.
var (
	yamlLine   = regexp.MustCompile(`^yaml: (?:line ([0-9]+): )?(.*)$`)
	yamlAnchor = regexp.MustCompile(`^unknown anchor '([^']*)' referenced$`)
	yamlParser = regexp.MustCompile(`^did not find expected (node content|key|'-' indicator|',' or|<)`)
)

// syntax places an error of the YAML library. It knows the line at best, often
// that of the enclosing block; the second library, which is too lenient to
// read policies with, knows the character.
func syntax(t *text, raw []byte, err error) source.Diagnostic {
	line, what := 1, err.Error()
	if m := yamlLine.FindStringSubmatch(what); m != nil {
		what = m[2]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		if m[1] != "" && yamlParser.MatchString(what) {
			line++
		}
	}
	if m := yamlAnchor.FindStringSubmatch(what); m != nil {
		return unknownAlias(t, m[1])
	}
	line = min(line, len(t.lines))
	at := t.span(line, 1+len(t.lines[line-1])-len(strings.TrimLeft(t.lines[line-1], " \t")))
	if exact, message, ok := second(t, raw); ok {
		at, what = exact, message
	}
	hint := "indent with spaces, close every bracket and quote, and put a space after each colon"
	if strings.HasPrefix(strings.TrimLeft(t.line(at), " "), "\t") {
		hint = "indent with spaces: YAML does not take tabs"
	}
	return t.diagnostic(at, CodeSyntax, "not YAML: "+what, hint)
}

// second asks the other library for the place of a syntax error; ok is false
// where it sees none.
func second(t *text, raw []byte) (at source.Span, what string, ok bool) {
	if len(raw) > maxLocate {
		return at, "", false
	}
	// A fault of a library that only places errors must not become ours.
	defer func() {
		if recover() != nil {
			at, what, ok = source.Span{}, "", false
		}
	}()
	_, err := parser.ParseBytes(raw, 0)
	var e locate.Error
	if !errors.As(err, &e) || e.GetToken() == nil || e.GetToken().Position == nil {
		return at, "", false
	}
	p := e.GetToken().Position
	if p.Line < 1 || p.Line > len(t.lines) || p.Column < 1 {
		return at, "", false
	}
	return t.span(p.Line, p.Column), e.GetMessage(), true
}

// unknownAlias places an alias without an anchor at its first occurrence.
func unknownAlias(t *text, name string) source.Diagnostic {
	at := source.Span{File: t.file, Line: 1, Col: 1}
	for n, line := range t.lines {
		if col := strings.Index(line, "*"+name); col >= 0 {
			at.Line, at.Col = n+1, col+1
			break
		}
	}
	return t.diagnostic(at, CodeAlias, fmt.Sprintf("anchors and aliases are not taken, and %s is neither", quote("*"+name)), "quote text that starts with & or *")
}
