package openapi

import (
	"strings"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/source"
)

// methods are the members of a path item that declare operations.
var methods = [...]string{"get", "put", "post", "delete", "options", "head", "patch", "trace"}

func isMethod(name string) bool {
	for _, m := range methods {
		if m == name {
			return true
		}
	}
	return false
}

// known remembers what the operations before have taken.
type known struct {
	templates map[string]string // erased template to the first template
	keys      map[string]bool
	ids       map[string]bool
}

// A place of operations: one path item under its template.
type item struct {
	spot
	template
	at     node // the path template in the document
	shared []*contract.Parameter
	usable bool // the shared parameters can be enforced
}

func (b *builder) paths(paths spot) {
	seen := known{templates: map[string]string{}, keys: map[string]bool{}, ids: map[string]bool{}}
	for k, v := range paths.members {
		if strings.HasPrefix(k.text(), "x-") {
			continue
		}
		t, ok := b.template(k)
		if !ok || b.stop {
			continue
		}
		b.pathItem(&item{spot: paths.under(k.text(), v), template: t, at: k}, &seen)
	}
}

func (b *builder) pathItem(it *item, seen *known) {
	if it.is(source.Null) {
		return
	}
	if !it.is(source.Object) {
		b.wrongType(it.node, "a path item", source.Object)
		return
	}
	own := it.spot
	resolved, ok := b.follow(it.spot)
	if !ok {
		return
	}
	it.spot = resolved
	if !it.is(source.Object) {
		b.wrongType(it.node, "a path item", source.Object)
		return
	}
	if first, ok := seen.templates[it.erased]; ok {
		b.warn(it.at, say(CodeSamePath, "give the operations one path item", "the template %q differs from %q in names only; where both declare a method, the first one counts", clip(it.path), clip(first)))
	} else {
		seen.templates[it.erased] = it.path
	}
	it.shared, it.usable = b.parameters(it.child("parameters"))
	b.operationsOf(it, it.spot, seen)
	if own.node != it.node {
		b.operationsOf(it, own, seen) // siblings of $ref declare operations too
	}
}

// operationsOf adds the operations among the members of s.
func (b *builder) operationsOf(it *item, s spot, seen *known) {
	for k, v := range s.members {
		name := k.text()
		if !b.spend(k) {
			return
		}
		switch {
		case isMethod(name):
			b.operation(it, method{strings.ToUpper(name), k, s.under(name, v)}, seen)
		case isMethod(strings.ToLower(name)) || name == "query" || name == "connect":
			b.warn(k, say(CodeMethod, "methods are written in small letters: "+strings.Join(methods[:], ", "), "%q is not a method of a path item; its operation is not served", clip(name)))
		}
	}
}

// A method is one operation of a path item.
type method struct {
	name string // upper case
	at   node   // its name in the document
	spot
}

func (b *builder) operation(it *item, m method, seen *known) {
	s := m.spot
	if s.is(source.Null) || !b.spend(s.node) {
		return
	}
	if !s.is(source.Object) {
		b.wrongType(s.node, "an operation", source.Object)
		return
	}
	o := &contract.Operation{Method: m.name, Path: it.path, Key: m.name + " " + it.erased, At: m.at.span(), PathAt: it.at.span()}
	if seen.keys[o.Key] {
		b.warn(m.at, say(CodeSamePath, "remove one of the two", "the operation %s is declared twice; the first one counts", clip(o.Key)))
		return
	}
	own, usable := b.parameters(s.child("parameters"))
	if !usable || !it.usable {
		b.warn(m.at, say(CodeParameter, "mend its parameters", "%s %s is not served, because a parameter of it cannot be read", m.name, clip(it.path)))
		return
	}
	seen.keys[o.Key] = true
	o.ID = b.operationID(s.get("operationId"), o, seen)
	o.Tags = b.texts(s.get("tags"), "tags")
	o.Summary, o.Description, o.Deprecated = prose(s.get("summary")), prose(s.get("description")), s.get("deprecated").isTrue()
	o.Parameters = b.placed(it, merged(it.shared, own), m.at)
	b.work += len(o.Parameters)
	if b.dialect == contract.Swagger20 {
		b.swaggerContent(o, s, it)
	} else {
		o.Body = b.body(s.child("requestBody"))
		o.Replies = b.replies(s.child("responses"))
		if o.Servers = b.servers(s); len(o.Servers) == 0 {
			o.Servers = b.servers(it.spot)
		}
	}
	if len(o.Replies) == 0 {
		b.warn(m.at, say(CodeReply, "declare the answers under responses", "%s %s declares no response, so no reply is within the contract", m.name, clip(it.path)))
	}
	b.security(o, s)
	o.Extensions = append(b.extensions(s.node), b.extensions(it.node)...)
	b.out.Operations = append(b.out.Operations, o)
}

// operationID returns a unique ID: the declared one, or method and path.
func (b *builder) operationID(n node, o *contract.Operation, seen *known) string {
	id := n.str()
	if n.ok() && id == "" {
		b.warn(n, say(CodeOperationID, "write a unique name", "the operationId is not a name; method and path stand in for it"))
	}
	if seen.ids[id] {
		b.warn(n, say(CodeOperationID, "give each operation its own", "the operationId %q is taken by another operation; method and path stand in for it here", clip(id)))
		id = ""
	}
	if id == "" {
		return o.Method + " " + o.Path
	}
	id = strings.Clone(id)
	seen.ids[id] = true
	return id
}

// merged joins the parameters of a path item and of an operation, which win.
func merged(shared, own []*contract.Parameter) []*contract.Parameter {
	if len(shared) == 0 {
		return own
	}
	mine := make(map[identity]bool, len(own))
	for _, p := range own {
		mine[identify(p)] = true
	}
	out := make([]*contract.Parameter, 0, len(shared)+len(own))
	for _, p := range shared {
		if !mine[identify(p)] {
			out = append(out, p)
		}
	}
	return append(out, own...)
}

// declares tells whether list holds the path parameter called name.
func declares(list []*contract.Parameter, name string) bool {
	for _, p := range list {
		if p.In == contract.InPath && p.Name == name {
			return true
		}
	}
	return false
}

// placed checks the path parameters against the template: one that has no
// place is left out, and a name that nothing declares becomes a required
// string.
func (b *builder) placed(it *item, list []*contract.Parameter, at node) []*contract.Parameter {
	out := make([]*contract.Parameter, 0, len(list)+len(it.names))
	for _, p := range list {
		if p.In == contract.InPath && !it.has(p.Name) {
			b.warn(at, say(CodePathParameter, "write {"+clip(p.Name)+"} into the path, or remove the parameter", "the path %q has no place for the path parameter %q, which is ignored", clip(it.path), clip(p.Name)))
			continue
		}
		out = append(out, p)
	}
	for _, name := range it.names {
		if declares(out, name) {
			continue
		}
		implied := &contract.Parameter{Name: name, In: contract.InPath, Required: true, Style: contract.Simple, At: it.at.span()}
		b.warn(it.at, say(CodePathParameter, "declare it with in: path, required: true and a schema", "the path parameter %q is not declared; any text is taken", clip(name)))
		implied.Schema = b.newSchema(spot{it.at, it.pointer}, contract.StringType)
		out = append(out, implied)
	}
	return out
}
