package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/source"
)

// maxQuoted bounds how much of the user's text a message repeats, in bytes.
const maxQuoted = 60

// tree turns raw into a Value, with the diagnostics of everything in it that
// strict YAML refuses. The Value is Absent where nothing can be read.
func tree(t *text, raw []byte) (source.Value, source.List) {
	var l source.List
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc, second yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return source.Value{Kind: source.Object, At: t.span(1, 1)}, nil
	case err != nil:
		l.Add(syntax(t, raw, err))
		return source.Value{}, l
	}
	switch err := dec.Decode(&second); {
	case err == nil:
		l.Add(t.diagnostic(t.span(second.Line, second.Column), CodeDocuments, "the file holds more than one document", "keep one, and remove the line ---"))
	case !errors.Is(err, io.EOF):
		l.Add(syntax(t, raw, err))
	}
	b := builder{t: t, l: &l}
	if len(doc.Content) == 0 {
		return source.Value{Kind: source.Object, At: t.span(1, 1)}, l
	}
	return b.value(doc.Content[0], 0), l
}

// builder turns nodes into values.
type builder struct {
	t *text
	l *source.List
}

func (b *builder) report(n *yaml.Node, code source.Code, what, hint string) {
	b.l.Add(b.t.diagnostic(b.t.span(n.Line, n.Column), code, what, hint))
}

// value converts n. What is refused becomes Absent, which the grammar passes
// over: it was reported here.
func (b *builder) value(n *yaml.Node, depth int) source.Value {
	at := b.t.span(n.Line, n.Column)
	switch {
	case depth > MaxDepth:
		b.report(n, CodeTooDeep, fmt.Sprintf("the policy is nested deeper than %d", MaxDepth), "")
		return source.Value{}
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		b.report(n, CodeAlias, "anchors and aliases are not taken", "write the value out where it is used, or quote text that starts with & or *")
		return source.Value{}
	case n.Style&yaml.TaggedStyle != 0:
		b.report(n, CodeTag, fmt.Sprintf("the tag %s is not taken", quote(n.Tag)), "remove it; quote what must be text")
		return source.Value{}
	}
	switch n.Kind {
	case yaml.MappingNode:
		return b.object(n, depth, at)
	case yaml.SequenceNode:
		v := source.Value{At: at, Kind: source.Array, Items: make([]source.Value, 0, len(n.Content))}
		for _, item := range n.Content {
			v.Items = append(v.Items, b.value(item, depth+1))
		}
		return v
	case yaml.ScalarNode:
		return b.scalar(n, at)
	case yaml.DocumentNode, yaml.AliasNode:
	}
	return source.Value{}
}

func (b *builder) object(n *yaml.Node, depth int, at source.Span) source.Value {
	v := source.Value{At: at, Kind: source.Object}
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		inner := b.value(n.Content[i+1], depth+1)
		switch {
		case k.Kind != yaml.ScalarNode || k.Anchor != "" || k.Style&yaml.TaggedStyle != 0:
			b.report(k, CodeKeyType, "a key must be plain text", "write the key as text, quoted if it holds special characters")
		case k.Value == "<<" && k.Style == 0:
			b.report(k, CodeMergeKey, "merge keys are not taken", "write the settings out; the gateway's and the API's are inherited anyway")
		case first[k.Value] != 0:
			b.report(k, CodeDuplicateKey, fmt.Sprintf("the key %s stands here twice, first in line %d", quote(k.Value), first[k.Value]), "keep one of the two")
		default:
			first[k.Value] = k.Line
			v.Members = append(v.Members, source.Member{Name: k.Value, NameAt: b.t.span(k.Line, k.Column), Value: inner})
		}
	}
	return v
}

// decimal is a number that YAML and JSON read the same way.
var decimal = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

func (b *builder) scalar(n *yaml.Node, at source.Span) source.Value {
	v := source.Value{At: at, Kind: source.String, Text: n.Value}
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return v
	}
	switch n.ShortTag() {
	case "!!null":
		return source.Value{At: at, Kind: source.Null}
	case "!!bool":
		v.Kind, v.Text = source.Bool, strings.ToLower(n.Value)
	case "!!int", "!!float":
		if !decimal.MatchString(n.Value) {
			b.report(n, CodeNumber, fmt.Sprintf("%s is a number that not every reader takes for the same", quote(n.Value)), "write it in plain decimal digits, or quote it if it is text")
			return source.Value{}
		}
		v.Kind = source.Number
	}
	return v
}

// quote repeats a piece of the user's text, bounded.
func quote(s string) string {
	if len(s) > maxQuoted {
		s = s[:maxQuoted] + "…"
	}
	return strconv.Quote(s)
}
