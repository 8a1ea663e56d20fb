package parser

import (
	"fmt"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// lint reports bodies that several parsers read, and bounds of numbers that
// only some parsers hold, once for each place in the text.
func lint(c *contract.Contract, report func(source.Diagnostic)) {
	seen := map[source.Span]bool{}
	for _, op := range c.Operations {
		if op.Body == nil || seen[op.Body.At] {
			continue
		}
		seen[op.Body.At] = true
		if a, b := formats(op.Body); b != "" {
			report(source.Diagnostic{
				At: op.Body.At, Severity: source.Warning, Code: CodeFormats,
				Text: fmt.Sprintf("%s %s takes the same body as %s and as %s: two parsers read it, and what one of them lets pass the other one may not mean", op.Method, op.Path, a, b),
				Hint: "keep one of them, JSON if in doubt",
			})
		}
	}
	for _, s := range c.Schemas {
		if wideFormat(s.Format) || s.Format == "double" || s.Format == "float" || !beyond(s) || seen[s.At] {
			continue
		}
		seen[s.At] = true
		report(source.Diagnostic{
			At: s.At, Severity: source.Warning, Code: CodeWide,
			Text: "a bound of this number is above 2^53, which many JSON parsers round",
			Hint: "write format: int64 where all sides read 64 bits, or use a string of digits, or a smaller bound",
		})
	}
}

// formats are two media types of a body that share a schema and are parsed
// differently.
func formats(b *contract.Body) (first, second string) {
	for i, m := range b.Media {
		for _, other := range b.Media[:i] {
			if m.Schema != nil && m.Schema == other.Schema && kind(m.Type) != "" && kind(other.Type) != "" && kind(m.Type) != kind(other.Type) {
				return other.Type, m.Type
			}
		}
	}
	return "", ""
}

// kind is the family of parsers that read a media type, or "".
func kind(media string) string {
	switch {
	case isJSON(media):
		return "json"
	case strings.HasSuffix(media, "/xml") || strings.HasSuffix(media, "+xml"):
		return "xml"
	case media == "application/x-www-form-urlencoded":
		return "form"
	case strings.HasSuffix(media, "yaml"):
		return "yaml"
	}
	return ""
}
