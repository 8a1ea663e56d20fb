package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// value copies n and all below it out of the file.
func (b *builder) value(n node) source.Value {
	v := source.Value{At: n.span(), Kind: n.kind()}
	if b.values++; b.values > MaxValues {
		b.halt(n, say(CodeTooLarge, "remove long examples", "enums, defaults, examples and extensions hold more than %d values", MaxValues))
		return v
	}
	switch v.Kind {
	case source.Absent, source.Null:
	case source.Bool, source.Number, source.String:
		v.Text = b.keep(n.text())
	case source.Array:
		v.Items = make([]source.Value, 0, n.count())
		for _, item := range n.items {
			v.Items = append(v.Items, b.value(item))
		}
	case source.Object:
		v.Members = make([]source.Member, 0, n.count())
		for k, item := range n.members {
			v.Members = append(v.Members, source.Member{Name: b.keep(k.text()), NameAt: k.span(), Value: b.value(item)})
		}
	}
	return v
}

const extensionPrefix = "x-sallyport-"

// extensions reads the extensions of n that the contract keeps.
func (b *builder) extensions(n node) contract.Extensions {
	var out contract.Extensions
	for k, v := range n.members {
		name := k.text()
		if !strings.HasPrefix(name, "x-") {
			continue
		}
		switch {
		case strings.HasPrefix(name, extensionPrefix):
			name = name[len(extensionPrefix):]
		case name != "x-sunset" && name != "x-owner" && name != "x-review-date":
			continue
		}
		out = append(out, source.Member{Name: b.keep(name), NameAt: k.span(), Value: b.value(v)})
	}
	return out
}

// texts reads an array of strings; other elements are reported and left out.
func (b *builder) texts(n node, what string) []string {
	var out []string
	for _, v := range b.want(n, what, source.Array).items {
		if !b.spend(v) {
			break
		}
		if !v.is(source.String) {
			b.warn(v, say(CodeWrongType, "write a string", "each element of %s must be a string", what))
			continue
		}
		out = append(out, b.keep(v.text()))
	}
	return out
}
