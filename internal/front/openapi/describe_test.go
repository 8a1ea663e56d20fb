package openapi

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// describe writes a contract as short lines, so that a golden file shows every
// part of it that a document decides.
func describe(c *contract.Contract) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s %s\n", c.Dialect, c.Title, c.Version)
	for _, s := range c.Servers {
		fmt.Fprintf(&b, "server %s\n", s.URL)
	}
	extensions(&b, c.Extensions)
	for _, s := range c.Schemes {
		fmt.Fprintf(&b, "scheme %s %s in=%s field=%s http=%s format=%s discovery=%s flows=%d\n", s.Name, s.Kind, s.In, s.Field, s.HTTP, s.BearerFormat, s.DiscoveryURL, len(s.Flows))
		for _, f := range s.Flows {
			fmt.Fprintf(&b, "  flow %s %s %s %v\n", f.Name, f.AuthorizationURL, f.TokenURL, f.Scopes)
		}
	}
	for _, o := range c.Operations {
		operation(&b, o)
	}
	for _, s := range c.Schemas {
		if s.Name != "" {
			fmt.Fprintf(&b, "schema %s = %s\n", s.Name, shape(s, 0))
		}
	}
	return b.String()
}

func extensions(b *strings.Builder, list contract.Extensions) {
	for _, e := range list {
		fmt.Fprintf(b, "  extension %s = %s\n", e.Name, literal(e.Value))
	}
}

func operation(b *strings.Builder, o *contract.Operation) {
	fmt.Fprintf(b, "%s %s id=%s key=%s at=%d:%d tags=%v deprecated=%v public=%v\n", o.Method, o.Path, o.ID, o.Key, o.At.Line, o.At.Col, o.Tags, o.Deprecated, o.Public())
	for _, r := range o.Security {
		var parts []string
		for _, p := range r.Parts {
			parts = append(parts, fmt.Sprintf("%s%v", p.Scheme.Name, p.Scopes))
		}
		fmt.Fprintf(b, "  security %s\n", strings.Join(parts, " and "))
	}
	for _, s := range o.Servers {
		fmt.Fprintf(b, "  server %s\n", s.URL)
	}
	extensions(b, o.Extensions)
	for _, p := range o.Parameters {
		parameter(b, p)
	}
	if o.Body != nil {
		fmt.Fprintf(b, "  body required=%v\n", o.Body.Required)
		media(b, o.Body.Media)
	}
	for _, r := range o.Replies {
		fmt.Fprintf(b, "  reply %d range=%v\n", r.Code, r.Range)
		for _, h := range r.Headers {
			parameter(b, h)
		}
		media(b, r.Media)
	}
}

func parameter(b *strings.Builder, p *contract.Parameter) {
	fmt.Fprintf(b, "  %s %s required=%v %s explode=%v", p.In, p.Name, p.Required, p.Style, p.Explode)
	if p.AllowReserved {
		b.WriteString(" reserved")
	}
	if p.AllowEmptyValue {
		b.WriteString(" empty")
	}
	if p.Content != nil {
		fmt.Fprintf(b, " content %s %s\n", p.Content.Type, shape(p.Content.Schema, 0))
		return
	}
	fmt.Fprintf(b, " %s\n", shape(p.Schema, 0))
}

func media(b *strings.Builder, list []*contract.Media) {
	for _, m := range list {
		fmt.Fprintf(b, "    %s %s\n", m.Type, shape(m.Schema, 0))
		for _, e := range m.Encoding {
			fmt.Fprintf(b, "      encoding %s type=%q %s explode=%v styled=%v headers=%d\n", e.Name, e.ContentType, e.Style, e.Explode, e.Styled, len(e.Headers))
		}
	}
}

func literal(v source.Value) string {
	switch v.Kind {
	case source.String:
		return fmt.Sprintf("%q", v.Text)
	case source.Array:
		var parts []string
		for _, i := range v.Items {
			parts = append(parts, literal(i))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case source.Object:
		var parts []string
		for _, m := range v.Members {
			parts = append(parts, m.Name+":"+literal(m.Value))
		}
		return "{" + strings.Join(parts, " ") + "}"
	case source.Null:
		return "null"
	case source.Absent, source.Bool, source.Number:
	}
	return v.Text
}

// shape writes a schema; named ones below the first level by their name. It is
// long because it leaves no keyword out.
func shape(s *contract.Schema, depth int) string {
	switch {
	case s == nil:
		return "-"
	case depth > 0 && s.Name != "":
		return s.Name
	case s.Never:
		return "never"
	case depth > 8:
		return "…"
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for word, t := range typeWords {
		if s.Types&t != 0 {
			out = append(out, word)
		}
	}
	sortTypes(out)
	one := func(name string, c *contract.Schema) {
		if c != nil {
			add("%s=%s", name, shape(c, depth+1))
		}
	}
	many := func(name string, list []*contract.Schema) {
		var parts []string
		for _, c := range list {
			parts = append(parts, shape(c, depth+1))
		}
		if len(parts) > 0 {
			add("%s=[%s]", name, strings.Join(parts, " "))
		}
	}
	text := func(name, v string) {
		if v != "" {
			add("%s=%s", name, v)
		}
	}
	count := func(name string, n int) {
		if n != contract.Unset {
			add("%s=%d", name, n)
		}
	}
	one("ref", s.Ref)
	text("format", s.Format)
	for _, e := range s.Enum {
		add("enum=%s", literal(e))
	}
	if s.Const != nil {
		add("const=%s", literal(*s.Const))
	}
	text("min", string(s.Minimum))
	text("max", string(s.Maximum))
	text("above", string(s.ExclusiveMinimum))
	text("below", string(s.ExclusiveMaximum))
	text("multiple", string(s.MultipleOf))
	count("minLength", s.MinLength)
	count("maxLength", s.MaxLength)
	text("pattern", s.Pattern)
	for _, p := range s.Properties {
		add("%s:%s", p.Name, shape(p.Schema, depth+1))
	}
	for _, p := range s.PatternProperties {
		add("/%s/:%s", p.Pattern, shape(p.Schema, depth+1))
	}
	one("additional", s.AdditionalProperties)
	if len(s.Required) > 0 {
		add("required=%v", s.Required)
	}
	count("minProperties", s.MinProperties)
	count("maxProperties", s.MaxProperties)
	one("items", s.Items)
	many("prefix", s.PrefixItems)
	count("minItems", s.MinItems)
	count("maxItems", s.MaxItems)
	if s.UniqueItems {
		add("unique")
	}
	if s.ReadOnly {
		add("readOnly")
	}
	if s.WriteOnly {
		add("writeOnly")
	}
	many("allOf", s.AllOf)
	many("anyOf", s.AnyOf)
	many("oneOf", s.OneOf)
	one("not", s.Not)
	if d := s.Discriminator; d != nil {
		var parts []string
		for _, m := range d.Mapping {
			parts = append(parts, m.Value+"->"+m.Schema.Name)
		}
		add("discriminator=%s(%s)", d.Property, strings.Join(parts, " "))
	}
	if s.Default != nil {
		add("default=%s", literal(*s.Default))
	}
	for _, e := range s.Examples {
		add("example=%s", literal(e))
	}
	if r := s.Rare; r != nil {
		one("if", r.If)
		one("then", r.Then)
		one("else", r.Else)
		one("names", r.PropertyNames)
		one("contains", r.Contains)
		count("minContains", r.MinContains)
		count("maxContains", r.MaxContains)
		one("unevaluatedProperties", r.UnevaluatedProperties)
		one("unevaluatedItems", r.UnevaluatedItems)
		one("contentSchema", r.ContentSchema)
		text("encoding", r.ContentEncoding)
		text("media", r.ContentMediaType)
		for _, d := range r.DependentRequired {
			add("%s needs %v", d.Name, d.Required)
		}
		for _, d := range r.DependentSchemas {
			add("%s implies %s", d.Name, shape(d.Schema, depth+1))
		}
	}
	for _, e := range s.Extensions {
		add("%s=%s", e.Name, literal(e.Value))
	}
	return "{" + strings.Join(out, " ") + "}"
}

func sortTypes(list []string) {
	for i := range list {
		for j := range i {
			if list[i] < list[j] {
				list[i], list[j] = list[j], list[i]
			}
		}
	}
}

func TestSoundDocumentsBecomeTheContractsThatTheGoldenFilesHold(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/sound/*.txtar")
	if err != nil || len(paths) < 15 {
		t.Fatalf("want at least 15 sound documents, got %d (%v)", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files, name := unpack(t, a)
			c, list := Load(t.Context(), name, Options{Reader: files, Root: "/"})
			if c == nil {
				t.Fatalf("no contract:\n%s", render(list))
			}
			for i, s := range c.Schemas {
				if s.ID != i || s.At.File == "" || s.Pointer == "" {
					t.Errorf("schema %d has ID %d, place %v, pointer %q", i, s.ID, s.At, s.Pointer)
				}
			}
			golden(t, path, a, describe(c)+render(list))
		})
	}
}
