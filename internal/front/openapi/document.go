package openapi

import (
	"regexp"
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// A builder turns the files of a loader into one contract.
type builder struct {
	*loader
	doc      spot
	dialect  contract.Dialect
	out      *contract.Contract
	words    map[string]string // texts that the contract keeps, each once
	refs     map[target]resolved
	params   map[node]*contract.Parameter
	lists    map[node]parameterList
	media    map[node]*contract.Media
	schemes  map[string]*contract.Scheme
	queue    []job
	slab     []contract.Schema
	dynamics []dynamicUse      // that have no meaning yet
	scoped   bool              // some dynamic anchor has several meanings
	regexps  map[string]string // why a pattern cannot be enforced, "" if it can
	work     int
	values   int
	hints    int // near names that were looked for
	mapped   map[*contract.Discriminator]map[string]bool
	stop     bool // a limit was passed
}

func newBuilder(l *loader, root *file) *builder {
	return &builder{
		loader: l, doc: spot{node{root, 0}, "#"}, out: &contract.Contract{}, words: map[string]string{}, refs: map[target]resolved{},
		params: map[node]*contract.Parameter{}, lists: map[node]parameterList{}, media: map[node]*contract.Media{}, schemes: map[string]*contract.Scheme{}, regexps: map[string]string{},
	}
}

func (b *builder) warn(n node, p problem) { b.report.add(source.Warning, n, p) }
func (b *builder) fail(n node, p problem) { b.report.add(source.Error, n, p) }
func (b *builder) note(n node, p problem) { b.report.add(source.Info, n, p) }

// wrongType refuses n, which must be of another kind.
func (b *builder) wrongType(n node, what string, want source.Kind) {
	b.fail(n, say(CodeWrongType, "write "+article(want), "%s must be %s, not %s", what, article(want), article(n.kind())))
}

func article(k source.Kind) string {
	switch k {
	case source.Array, source.Object:
		return "an " + k.String()
	case source.Bool, source.Number, source.String:
		return "a " + k.String()
	case source.Absent, source.Null:
	}
	return k.String()
}

// want returns n where it is of kind k, and the zero node otherwise. A null
// counts as absent, as sloppy YAML has it; any other kind is an Error.
func (b *builder) want(n node, what string, k source.Kind) node {
	switch n.kind() {
	case k:
		return n
	case source.Absent, source.Null:
	default:
		b.wrongType(n, what, k)
	}
	return node{}
}

// spend counts work, and stops a document whose references multiply it.
func (b *builder) spend(n node) bool {
	if b.work++; b.work <= MaxWork && (b.work&1023 != 0 || b.ctx.Err() == nil) {
		return true
	}
	if err := b.ctx.Err(); err != nil {
		b.halt(n, say(CodeTooLarge, "give it more time, or split the API", "loading the document was ended: %s", err))
	} else {
		b.halt(n, say(CodeTooLarge, "split the API", "the document declares more than %d parts", MaxWork))
	}
	return false
}

// halt ends the building with an Error, once.
func (b *builder) halt(n node, p problem) {
	if !b.stop {
		b.stop = true
		b.fail(n, p)
	}
}

// keep returns a copy of s that does not hold the file in memory; equal texts
// share one copy.
func (b *builder) keep(s string) string {
	if s == "" {
		return ""
	}
	if w, ok := b.words[s]; ok {
		return w
	}
	w := strings.Clone(s)
	b.words[w] = w
	return w
}

// maxDescription bounds a description in the contract, in bytes.
const maxDescription = 4096

// prose returns a copy of a title, summary or description.
func prose(n node) string {
	s := n.str()
	if len(s) > maxDescription {
		s = strings.ToValidUTF8(s[:maxDescription], "")
	}
	return strings.Clone(s)
}

var knownVersion = regexp.MustCompile(`^3\.([01])(\.\d+)?(-[0-9A-Za-z.-]+)?$`)

// version finds the dialect, and reports false after an Error.
func (b *builder) version() bool {
	root := b.doc.node
	if !root.is(source.Object) {
		b.fail(root, say(CodeVersion, "is it the right file?", "an OpenAPI document is an object, not %s", article(root.kind())))
		return false
	}
	if v := root.get("openapi"); v.ok() {
		m := knownVersion.FindStringSubmatch(v.text())
		if m == nil {
			b.fail(v, say(CodeVersion, "OpenAPI 3.0, OpenAPI 3.1 and Swagger 2.0 are understood", "this version of OpenAPI is not known: %q", clip(v.text())))
			return false
		}
		b.dialect = contract.OpenAPI30
		if m[1] == "1" {
			b.dialect = contract.OpenAPI31
		}
		return true
	}
	v := root.get("swagger")
	if v.text() == "2.0" || v.is(source.Number) && v.text() == "2" {
		b.dialect = contract.Swagger20
		return true
	}
	if v.ok() {
		b.fail(v, say(CodeVersion, "convert it to OpenAPI 3", "this version of Swagger is not known: %q", clip(v.text())))
		return false
	}
	b.fail(root, say(CodeVersion, `an OpenAPI document says openapi: "3.1.0", or swagger: "2.0"`, "this is not an OpenAPI document: neither openapi nor swagger is there"))
	return false
}

// document builds the contract; nil after an Error that leaves nothing to build.
func (b *builder) document() *contract.Contract {
	if !b.version() {
		return nil
	}
	paths := b.doc.child("paths")
	if !paths.is(source.Object) {
		at := paths.node
		if !at.ok() {
			at = b.doc.node
		}
		b.fail(at, say(CodeNoPaths, "declare the operations under paths", "the document has no paths object, so it declares no operation"))
		return nil
	}
	info := b.want(b.doc.get("info"), "info", source.Object)
	c := b.out
	c.Title, c.Version, c.Dialect, c.At = prose(info.get("title")), strings.Clone(info.get("version").text()), b.dialect, b.doc.span()
	c.Extensions = b.extensions(b.doc.node)
	c.Servers = b.servers(b.doc)
	b.securitySchemes()
	b.components()
	b.paths(paths)
	if len(c.Operations) == 0 && !b.report.failed() {
		b.warn(paths.node, say(CodeNoPaths, "declare the operations under paths", "no operation of the document can be served: every request is refused"))
	}
	b.schemasOf()
	return c
}

// components enters every named schema first, so that it has its name and
// place wherever it is reached from.
func (b *builder) components() {
	at := b.doc.child("components").child("schemas")
	if b.dialect == contract.Swagger20 {
		at = b.doc.child("definitions")
	}
	named := b.want(at.node, "the schemas", source.Object)
	for k, v := range named.members {
		if strings.HasPrefix(k.text(), "x-") && !v.is(source.Object) {
			continue
		}
		b.schema(at.under(k.text(), v))
	}
}

// servers reads the servers of the document, a path item or an operation.
func (b *builder) servers(s spot) []contract.Server {
	if b.dialect == contract.Swagger20 {
		return b.swaggerServers()
	}
	var out []contract.Server
	for _, v := range b.want(s.get("servers"), "servers", source.Array).items {
		if !b.spend(v) {
			break
		}
		u := v.get("url")
		if !u.is(source.String) {
			b.warn(v, say(CodeServer, "write url: https://api.example.com", "this server has no url and is ignored"))
			continue
		}
		out = append(out, contract.Server{URL: b.serverURL(u, v.get("variables")), At: v.span()})
	}
	if len(out) == 0 && s.node == b.doc.node {
		out = append(out, contract.Server{URL: "/", At: s.span()})
	}
	return out
}

// maxURL bounds a server's URL after its variables are replaced, in bytes.
const maxURL = 8192

// serverURL replaces the variables of a server by their defaults.
func (b *builder) serverURL(u, variables node) string {
	text := u.text()
	var out strings.Builder
	for out.Len() <= maxURL {
		before, rest, open := strings.Cut(text, "{")
		out.WriteString(before)
		if !open {
			return strings.TrimSpace(out.String())
		}
		name, after, closed := strings.Cut(rest, "}")
		value := variables.get(name).get("default")
		if !closed || !value.ok() {
			b.warn(u, say(CodeServer, "declare it under variables with a default", "the server variable %q has no default", clip(name)))
			return strings.TrimSpace(out.String() + "{" + rest)
		}
		out.WriteString(value.text())
		text = after
	}
	b.warn(u, say(CodeServer, "shorten it", "the URL of the server is longer than %d bytes", maxURL))
	return ""
}
