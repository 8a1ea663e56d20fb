package policy

import "github.com/sallyport/sallyport/source"

// Synthesise is the policy of `sallyport run --to URL --openapi FILE --listen
// URL` without a file: one API, called "api", at the place that its document
// names, with every default. An empty listen is DefaultListen. Diagnostics
// point at the flags.
func Synthesise(to, openapi, listen string) (*Policy, source.List) {
	r := &reader{}
	flag := func(key, name, text string) source.Member {
		at := source.Span{File: name}
		return source.Member{Name: key, NameAt: at, Value: source.Value{At: at, Kind: source.String, Text: text}}
	}
	whole := source.Span{File: "command line"}
	object := func(members ...source.Member) source.Value {
		return source.Value{At: whole, Kind: source.Object, Members: members}
	}
	member := func(key string, v source.Value) source.Member {
		return source.Member{Name: key, NameAt: whole, Value: v}
	}
	top := []source.Member{
		member("version", source.Value{At: whole, Kind: source.Number, Text: "1"}),
		member("apis", object(member("api", object(flag("upstream", "--to", to), flag("openapi", "--openapi", openapi))))),
	}
	if listen != "" {
		top = append(top, flag("listen", "--listen", listen))
	}
	p, ok := grammar(nil).read(r, object(top...))
	if !ok || r.failed > 0 {
		return nil, r.sorted()
	}
	p.defaults()
	return &p, r.sorted()
}
