package policy

import (
	"bytes"
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Format writes p as a policy file, without comments and defaults, that Parse
// reads as the same policy. Documents and pinned ends are not written.
func Format(p *Policy, risks []risk.Risk) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(yamlOf(grammar(risks).write(*p))); err != nil {
		return nil, fmt.Errorf("write the policy: %w", err)
	}
	if err := enc.Close(); err != nil {
		return nil, fmt.Errorf("write the policy: %w", err)
	}
	return out.Bytes(), nil
}

// yamlOf is v as a node of the YAML library.
func yamlOf(v source.Value) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: v.Text}
	switch v.Kind {
	case source.Absent, source.Null:
		n.Tag, n.Value = "!!null", "null"
	case source.Bool:
		n.Tag = "!!bool"
	case source.Number:
		n.Tag = "!!int"
		if bytes.ContainsAny([]byte(v.Text), ".eE") {
			n.Tag = "!!float"
		}
	case source.String:
		n.Tag = "!!str"
		if source := (yaml.Node{Kind: yaml.ScalarNode, Value: v.Text}); source.ShortTag() != "!!str" {
			n.Style = yaml.DoubleQuotedStyle
		}
	case source.Array:
		n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
		for _, item := range v.Items {
			n.Content = append(n.Content, yamlOf(item))
		}
	case source.Object:
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
		for _, m := range v.Members {
			n.Content = append(n.Content, yamlOf(source.Value{Kind: source.String, Text: m.Name}), yamlOf(m.Value))
		}
	}
	return n
}

// JSON writes v as JSON (RFC 8259), the members in their order: the body of a
// test's request.
func JSON(v source.Value) []byte { return appendJSON(nil, v) }

func appendJSON(b []byte, v source.Value) []byte {
	switch v.Kind {
	case source.Absent, source.Null:
		return append(b, "null"...)
	case source.Bool, source.Number:
		return append(b, v.Text...)
	case source.String:
		return appendString(b, v.Text)
	case source.Array:
		b = append(b, '[')
		for i, item := range v.Items {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, item)
		}
		return append(b, ']')
	case source.Object:
		b = append(b, '{')
		for i, m := range v.Members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, m.Name), ':')
			b = appendJSON(b, m.Value)
		}
		return append(b, '}')
	}
	return b
}

// appendString quotes s; text of a policy is valid UTF-8.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < 0x20:
			b = append(b, `\u00`...)
			if r < 0x10 {
				b = append(b, '0')
			}
			b = strconv.AppendInt(b, int64(r), 16)
		default:
			b = append(b, string(r)...)
		}
	}
	return append(b, '"')
}
