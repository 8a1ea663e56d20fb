package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/sallyport/sallyport/source"
)

// A shape is one kind of value with its three uses: reading it, writing it
// back, and describing it as JSON Schema.
type shape[T any] struct {
	// read returns false where it reported why v is not taken.
	read func(r *reader, v source.Value) (T, bool)
	// write returns a Value that read takes for the same; Absent is left out.
	write  func(T) source.Value
	schema func(*definitions) node
}

// pattern is text of a regular expression that Go and ECMA-262 read alike. The
// zero limit is 4 KiB.
type pattern struct {
	form  string // anchored
	want  string // "a URL such as https://example.com"
	limit int
}

// maxString bounds one string of a policy, in bytes.
const maxString = 4096

func (p pattern) shape() shape[string] {
	limit := p.limit
	if limit == 0 {
		limit = maxString
	}
	form := sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(p.form) }) // most are for members that are not there
	return shape[string]{
		read: func(r *reader, v source.Value) (string, bool) {
			if (v.Kind == source.Number || v.Kind == source.Bool) && form().MatchString(v.Text) {
				r.fail(v.At, CodeWrongType, fmt.Sprintf("%s must be text, but YAML reads %s as a %s", r.where(), v.Text, v.Kind), fmt.Sprintf("write %q, with the quotes", v.Text))
				return "", false
			}
			if !r.is(v, source.String, p.want) {
				return "", false
			}
			if !form().MatchString(v.Text) {
				r.fail(v.At, CodeBadValue, fmt.Sprintf("%s is %s, but must be %s", r.where(), quote(v.Text), p.want), "")
				return "", false
			}
			if len(v.Text) > limit {
				r.fail(v.At, CodeOutOfRange, fmt.Sprintf("%s has %d bytes, over the limit of %d", r.where(), len(v.Text), limit), "")
				return "", false
			}
			return v.Text, true
		},
		write:  str,
		schema: func(*definitions) node { return node{"type": "string", "pattern": p.form} },
	}
}

// enum is text out of a fixed set.
func enum[T ~string](values ...T) shape[T] {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return shape[T]{
		read: func(r *reader, v source.Value) (T, bool) {
			if !r.is(v, source.String, oneOf(words)) {
				return "", false
			}
			if !slices.Contains(words, v.Text) {
				r.fail(v.At, CodeBadValue, fmt.Sprintf("%s is %s, but must be %s", r.where(), quote(v.Text), oneOf(words)), near(v.Text, words))
				return "", false
			}
			return T(v.Text), true
		},
		write:  func(t T) source.Value { return str(string(t)) },
		schema: func(*definitions) node { return node{"enum": words} },
	}
}

func boolean() shape[bool] {
	return shape[bool]{
		read: func(r *reader, v source.Value) (bool, bool) {
			return v.True(), r.is(v, source.Bool, "true or false")
		},
		write: func(b bool) source.Value {
			return source.Value{Kind: source.Bool, Text: strconv.FormatBool(b)}
		},
		schema: func(*definitions) node { return node{"type": "boolean"} },
	}
}

// integer is a whole number without a unit.
func integer(low, high int64) shape[int64] {
	return shape[int64]{
		read: func(r *reader, v source.Value) (int64, bool) {
			if !r.is(v, source.Number, "a whole number") {
				return 0, false
			}
			n, err := strconv.ParseInt(v.Text, 10, 64)
			if err != nil && strings.ContainsAny(v.Text, ".eE") {
				r.wrongType(v, "a whole number")
				return 0, false
			}
			if err != nil || n < low || n > high {
				r.fail(v.At, CodeOutOfRange, fmt.Sprintf("%s is %s, but must be from %d to %d", r.where(), v.Text, low, high), "")
				return 0, false
			}
			return n, true
		},
		write: func(n int64) source.Value {
			return source.Value{Kind: source.Number, Text: strconv.FormatInt(n, 10)}
		},
		schema: func(*definitions) node { return node{"type": "integer"} },
	}
}

// list is a list of s, at most limit long and at least one.
func list[T any](s shape[T], limit int) shape[[]Given[T]] {
	return shape[[]Given[T]]{
		read: func(r *reader, v source.Value) ([]Given[T], bool) {
			if !r.is(v, source.Array, "a list") {
				return nil, false
			}
			if len(v.Items) > limit {
				r.fail(v.At, CodeOutOfRange, fmt.Sprintf("%s has %d entries, over the limit of %d", r.where(), len(v.Items), limit), "")
				return nil, false
			}
			out, ok := make([]Given[T], 0, len(v.Items)), true
			for i, item := range v.Items {
				r.under(strconv.Itoa(i), func() {
					t, good := s.read(r, item)
					out, ok = append(out, Given[T]{t, item.At, true}), ok && good
				})
			}
			return out, ok
		},
		write: func(items []Given[T]) source.Value {
			v := source.Value{Kind: source.Array}
			for _, item := range items {
				v.Items = append(v.Items, s.write(item.Value))
			}
			if len(items) == 0 {
				return source.Value{}
			}
			return v
		},
		schema: func(d *definitions) node { return node{"type": "array", "items": s.schema(d)} },
	}
}

// oneOrList is s alone or a list of s that is not empty.
func oneOrList[T any](s shape[T], limit int) shape[[]Given[T]] {
	many := list(s, limit)
	return shape[[]Given[T]]{
		read: func(r *reader, v source.Value) ([]Given[T], bool) {
			if v.Kind != source.Array {
				t, ok := s.read(r, v)
				return []Given[T]{{t, v.At, true}}, ok
			}
			if len(v.Items) == 0 {
				r.fail(v.At, CodeBadValue, r.where()+" is an empty list", "remove the line, or name at least one")
				return nil, false
			}
			return many.read(r, v)
		},
		write: func(items []Given[T]) source.Value {
			if len(items) != 1 {
				return many.write(items)
			}
			if !items[0].Set {
				return source.Value{}
			}
			return s.write(items[0].Value)
		},
		schema: func(d *definitions) node {
			items := many.schema(d)
			items["minItems"] = 1
			return node{"anyOf": []node{s.schema(d), items}}
		},
	}
}

// str is text as a Value; "" is Absent.
func str(s string) source.Value {
	if s == "" {
		return source.Value{}
	}
	return source.Value{Kind: source.String, Text: s}
}

// oneOf lists words for a message: "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// near is the hint for a word that was meant, or "".
func near(word string, candidates []string) string {
	if c := source.Near(word, candidates); c != "" {
		return fmt.Sprintf("did you mean %s?", c)
	}
	return ""
}
