package openapi

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/sallyport/sallyport/source"
)

// maxAliased bounds how many values aliases and merge keys may add to one
// file: an alias is read as a copy, and copies of copies grow without end.
const maxAliased = 1 << 20

// readYAML fills the cells of f from its text. The syntax tree, with its
// places, comes from the YAML library; what a scalar means is decided here, by
// the JSON-compatible core schema of YAML 1.2, so that `no` and `2020-01-01`
// stay texts. Duplicate names are broken; aliases are copied within bounds;
// merge keys (`<<`) are honoured, own names winning.
func readYAML(f *file) *broken {
	root, b := parseYAML(f)
	if b != nil {
		return b
	}
	if root == nil {
		return &broken{0, say(CodeSyntax, "is it the right file?", "the document is empty")}
	}
	r := &yamlReader{f: f, open: map[*yaml.Node]int{}}
	f.split()
	f.cells = make([]cell, 0, strings.Count(f.data, "\n")*2+16)
	r.value(root, 0)
	return r.err
}

// parseYAML runs the library. A panic of it is a broken file, not a crash.
func parseYAML(f *file) (root *yaml.Node, b *broken) {
	defer func() {
		if p := recover(); p != nil {
			root, b = nil, &broken{0, say(CodeSyntax, "write the document as plain YAML or as JSON", "the YAML cannot be read: %s", clip(fmt.Sprint(p)))}
		}
	}()
	d := yaml.NewDecoder(strings.NewReader(f.data))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if f.data == "" || err.Error() == "EOF" {
			return nil, nil
		}
		return nil, yamlError(f, err)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	var more yaml.Node
	if err := d.Decode(&more); err == nil {
		return nil, &broken{f.offset(more.Line, more.Column, nil), say(CodeSyntax, "keep one document in a file",
			"a second YAML document starts here")}
	} else if err.Error() != "EOF" {
		return nil, yamlError(f, err)
	}
	return doc.Content[0], nil
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// yamlError places an error of the library, which knows the line only.
func yamlError(f *file, err error) *broken {
	text, off := err.Error(), 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		text = text[len(m[0]):]
		if line, err := strconv.Atoi(m[1]); err == nil {
			off = f.offset(line, 1, nil)
			rest := f.data[off:]
			off += len(rest) - len(strings.TrimLeft(rest, " "))
		}
	}
	return &broken{min(off, len(f.data)), say(CodeSyntax, "check the indentation and the quotes on this line and the one before", "the YAML cannot be read: %s", clip(text))}
}

// A cursor remembers the last place on a line, so that turning the columns of
// one long line into offsets stays linear.
type cursor struct{ line, col, off int }

// offset turns a 1-based line and column in characters into an offset. c may
// be nil.
func (f *file) offset(line, col int, c *cursor) int {
	f.split()
	line = min(max(line, 1), len(f.starts))
	at, from := int(f.starts[line-1]), 1
	if c != nil && c.line == line && c.col <= col {
		at, from = c.off, c.col
	}
	for ; from < col && at < len(f.data) && f.data[at] != '\n'; from++ {
		_, size := utf8.DecodeRuneInString(f.data[at:])
		at += size
	}
	if c != nil {
		*c = cursor{line, from, at}
	}
	return at
}

type yamlReader struct {
	f       *file
	at      cursor
	open    map[*yaml.Node]int // anchored values around the current one, by how often they are being read
	aliased int                // depth of aliases around the current value
	copied  int                // cells that aliases added
	err     *broken
}

func (r *yamlReader) fail(n *yaml.Node, p problem) bool {
	r.err = &broken{r.f.offset(n.Line, n.Column, nil), p}
	return false
}

func (r *yamlReader) push(n *yaml.Node, k source.Kind) uint32 {
	c := &r.at
	if r.aliased > 0 {
		r.copied++
		c = nil
	}
	r.f.cells = append(r.f.cells, cell{off: uint32(r.f.offset(n.Line, n.Column, c)), size: 1, kind: k})
	return uint32(len(r.f.cells) - 1)
}

func (r *yamlReader) value(n *yaml.Node, depth int) bool {
	if depth > MaxDepth {
		return r.fail(n, say(CodeDepth, "flatten the document", "values are nested more than %d deep", MaxDepth))
	}
	if r.copied > maxAliased {
		return r.fail(n, say(CodeAlias, "write the values out, or refer to components with $ref", "aliases add more than %d values", maxAliased))
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.alias(n, func(target *yaml.Node) bool { return r.value(target, depth) })
	case yaml.MappingNode:
		return r.object(n, depth)
	case yaml.SequenceNode:
		i := r.push(n, source.Array)
		for _, item := range n.Content {
			if !r.value(item, depth+1) {
				return false
			}
		}
		r.end(i, len(n.Content))
		return true
	}
	kind, text := scalar(n)
	r.scalar(r.push(n, kind), text)
	return true
}

// alias runs use on what n stands for, and refuses a value within itself.
func (r *yamlReader) alias(n *yaml.Node, use func(*yaml.Node) bool) bool {
	target := n.Alias
	if target == nil || r.open[target] > 0 {
		return r.fail(n, say(CodeAlias, "a value cannot hold itself; refer to components with $ref", "the alias *%s stands inside its own anchor", clip(n.Value)))
	}
	r.open[target]++
	r.aliased++
	ok := use(target)
	r.aliased--
	r.open[target]--
	return ok
}

func (r *yamlReader) end(i uint32, n int) {
	c := &r.f.cells[i]
	c.n, c.size = uint32(n), uint32(len(r.f.cells))-i
}

// scalar keeps the text of the cell at i, aside where the file does not hold
// it as it stands.
func (r *yamlReader) scalar(i uint32, text string) {
	c := &r.f.cells[i]
	switch c.kind {
	case source.Bool:
		if text == "true" {
			c.n = 1
		}
	case source.Number, source.String:
		c.form, c.n = aside, uint32(len(r.f.texts))
		r.f.texts = append(r.f.texts, text)
	case source.Absent, source.Null, source.Array, source.Object:
	}
}

// object reads a mapping: its own names first, then those of merge keys that
// it does not have.
func (r *yamlReader) object(n *yaml.Node, depth int) bool {
	if n.Anchor != "" {
		r.open[n]++
		defer func() { r.open[n]-- }()
	}
	i := r.push(n, source.Object)
	count := 0
	var merges []*yaml.Node
	for k := 0; k+1 < len(n.Content); k += 2 {
		name, value := n.Content[k], n.Content[k+1]
		if name.Kind == yaml.AliasNode && name.Alias != nil {
			name = name.Alias
		}
		if name.Kind != yaml.ScalarNode {
			return r.fail(name, say(CodeSyntax, "names are texts", "a name in this object is a list or an object"))
		}
		if name.Value == "<<" && name.Style == 0 {
			merges = append(merges, value)
			continue
		}
		r.scalar(r.push(name, source.String), name.Value)
		if !r.value(value, depth+1) {
			return false
		}
		count++
	}
	r.end(i, count)
	if first, second, found := r.f.duplicate(i); found {
		r.err = duplicateName(first, second)
		return false
	}
	if len(merges) > 0 {
		return r.merge(i, merges, depth)
	}
	return true
}

// merge adds to the object at i the members of each merged mapping that it
// does not have yet.
func (r *yamlReader) merge(i uint32, merges []*yaml.Node, depth int) bool {
	have := map[string]bool{}
	for k := range (node{r.f, i}).members {
		have[k.text()] = true
	}
	add := func(m *yaml.Node) bool {
		if m.Kind != yaml.MappingNode {
			return r.fail(m, say(CodeAlias, "merge a mapping: <<: *name", "a merge key needs a mapping, or a list of mappings"))
		}
		for k := 0; k+1 < len(m.Content); k += 2 {
			name := m.Content[k]
			if name.Kind != yaml.ScalarNode || name.Value == "<<" {
				return r.fail(name, say(CodeAlias, "write the members out", "a merged mapping holds a merge key of its own, or a name that is no text"))
			}
			if have[name.Value] {
				continue
			}
			have[name.Value] = true
			r.scalar(r.push(name, source.String), name.Value)
			if !r.value(m.Content[k+1], depth+1) {
				return false
			}
		}
		return true
	}
	each := func(m *yaml.Node) bool {
		if m.Kind == yaml.AliasNode {
			return r.alias(m, add)
		}
		return add(m)
	}
	for _, m := range merges {
		list := []*yaml.Node{m}
		if m.Kind == yaml.SequenceNode {
			list = m.Content
		}
		for _, one := range list {
			if !each(one) {
				return false
			}
		}
	}
	r.end(i, len(have))
	return true
}

// scalar decides kind and text of a scalar by the core schema of YAML 1.2
// section 10.3; a number becomes a JSON literal. Infinity and "not a number"
// are texts, since JSON has neither.
func scalar(n *yaml.Node) (source.Kind, string) {
	quoted := n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	tagged := n.Style&yaml.TaggedStyle != 0
	if quoted && !tagged || tagged && n.Tag == "!!str" {
		return source.String, n.Value
	}
	switch n.Value {
	case "", "~", "null", "Null", "NULL":
		return source.Null, ""
	case "true", "True", "TRUE":
		return source.Bool, "true"
	case "false", "False", "FALSE":
		return source.Bool, "false"
	}
	if text, ok := yamlNumber(n.Value); ok {
		return source.Number, text
	}
	return source.String, n.Value
}

// yamlNumber turns a YAML 1.2 number into a JSON literal.
func yamlNumber(s string) (string, bool) {
	if s[0] != '-' && s[0] != '+' && s[0] != '.' && (s[0] < '0' || s[0] > '9') {
		return "", false
	}
	if numberLength(s) == len(s) {
		return s, true
	}
	for prefix, base := range map[string]int{"0x": 16, "0o": 8} {
		if digits, ok := strings.CutPrefix(s, prefix); ok {
			v, err := strconv.ParseUint(digits, base, 64)
			return strconv.FormatUint(v, 10), err == nil
		}
	}
	sign := ""
	switch s[0] {
	case '-':
		sign, s = "-", s[1:]
	case '+':
		s = s[1:]
	}
	if whole, rest, ok := strings.Cut(s, "."); ok && (rest == "" || rest[0] == 'e' || rest[0] == 'E') {
		s = whole + rest // "1." is 1
	}
	if strings.HasPrefix(s, ".") {
		s = "0" + s
	}
	trimmed := strings.TrimLeft(s, "0")
	if trimmed == "" || trimmed[0] < '0' || trimmed[0] > '9' {
		trimmed = "0" + trimmed
	}
	if s == "" || s[0] < '0' || s[0] > '9' || numberLength(trimmed) != len(trimmed) {
		return "", false
	}
	return sign + trimmed, true
}
