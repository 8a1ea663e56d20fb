package e2e

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// object is a JSON object.
type object = map[string]any

// document is an OpenAPI 3.0 document as plain JSON, with the oracle that says
// what is valid by it. It knows nothing of Sallyport.
type document struct {
	root   object
	ops    []operation
	oracle *oracle
}

// operation is one method of one path.
type operation struct {
	method, path string // as the document spells the path
	params       []param
	bodies       []media // by media type
	declared     bool    // whether it declares a body at all
}

// param is a parameter with the place of its schema in the document.
type param struct {
	name, in  string
	required  bool
	schema    object
	at        string
	proposals []any // examples of the document
}

// media is a body of one media type.
type media struct {
	name      string
	schema    object
	at        string
	proposals []any
}

func (o operation) String() string { return o.method + " " + o.path }

// hash is the same number for the same operation and salt, everywhere.
func (o operation) hash(salt string) uint64 {
	sum := sha256.Sum256([]byte(salt + o.String()))
	return binary.BigEndian.Uint64(sum[:])
}

// pick is a number below n, chosen by hash; n must be positive.
func (o operation) pick(salt string, n int) int { return int(o.hash(salt) % uint64(n)) }

// openDocument reads a document.
func openDocument(t *testing.T, file string) *document {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		t.Fatalf("read %s: %v", file, err)
	}
	root, ok := v.(object)
	if !ok {
		t.Fatalf("%s is not an object", file)
	}
	d := &document{root: root}
	for path, item := range root["paths"].(object) {
		d.addPath(path, item.(object))
	}
	slices.SortFunc(d.ops, func(a, b operation) int { return strings.Compare(a.String(), b.String()) })
	d.oracle = newOracle(t, root)
	return d
}

// addPath adds the operations of a path.
func (d *document) addPath(path string, item object) {
	for _, m := range []string{"get", "put", "post", "patch", "delete"} {
		spec, ok := item[m].(object)
		if !ok {
			continue
		}
		op := operation{method: strings.ToUpper(m), path: path}
		at := "#/paths/" + escape(path) + "/" + m
		op.params = append(d.paramsOf(spec["parameters"], at), d.paramsOf(item["parameters"], "#/paths/"+escape(path))...)
		if raw, ok := spec["requestBody"].(object); ok {
			op.declared = true
			body, at := d.follow(raw, at+"/requestBody")
			content, _ := body["content"].(object)
			for name, v := range content {
				m := v.(object)
				schema, _ := m["schema"].(object)
				op.bodies = append(op.bodies, media{name, schema, at + "/content/" + escape(name) + "/schema", d.examples(m)})
			}
			slices.SortFunc(op.bodies, func(a, b media) int { return strings.Compare(a.name, b.name) })
		}
		d.ops = append(d.ops, op)
	}
}

// paramsOf reads a list of parameters.
func (d *document) paramsOf(list any, at string) []param {
	var out []param
	items, _ := list.([]any)
	for i, v := range items {
		p, at := d.follow(v.(object), fmt.Sprintf("%s/parameters/%d", at, i))
		schema, _ := p["schema"].(object)
		required, _ := p["required"].(bool)
		out = append(out, param{p["name"].(string), p["in"].(string), required, schema, at + "/schema", d.examples(p)})
	}
	return out
}

// examples lists what the document proposes for a parameter or body.
func (d *document) examples(of object) []any {
	var out []any
	if v, ok := of["example"]; ok {
		out = append(out, v)
	}
	named, _ := of["examples"].(object)
	names := make([]string, 0, len(named))
	for n := range named {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		ex, _ := d.follow(named[n].(object), "")
		if v, ok := ex["value"]; ok {
			out = append(out, v)
		}
	}
	return out
}

// follow resolves local references, and says where what it found stands.
func (d *document) follow(o object, at string) (object, string) {
	for range 20 {
		ref, ok := o["$ref"].(string)
		if !ok {
			return o, at
		}
		at = ref
		o = d.at(ref)
	}
	return object{}, at
}

// at is the object at a local JSON pointer, empty where there is none.
func (d *document) at(ref string) object {
	var v any = d.root
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		o, _ := v.(object)
		v = o[strings.NewReplacer("~1", "/", "~0", "~").Replace(part)]
	}
	o, _ := v.(object)
	return o
}

// escape writes a name for a JSON pointer.
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// declares lists the operations whose templates match a path as it is sent,
// the most concrete template first.
func (d *document) declares(path string) []operation {
	var out []operation
	for _, o := range d.ops {
		if matches(o.path, path) {
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b operation) int { return strings.Compare(shape(a.path), shape(b.path)) })
	return out
}

// shape sorts concrete segments before templated ones.
func shape(template string) string {
	var b strings.Builder
	for _, seg := range strings.Split(template, "/") {
		if strings.Contains(seg, "{") {
			b.WriteByte('1')
		} else {
			b.WriteByte('0')
		}
	}
	return b.String()
}

// matches tells whether a template matches a path, segment by segment.
func matches(template, path string) bool {
	ts, ps := strings.Split(template, "/"), strings.Split(path, "/")
	if len(ts) != len(ps) {
		return false
	}
	for i := range ts {
		if !segment(ts[i], ps[i]) {
			return false
		}
	}
	return true
}

// segment matches one segment; each parameter takes at least one character.
func segment(t, p string) bool {
	open := strings.IndexByte(t, '{')
	if open < 0 {
		return t == p
	}
	if !strings.HasPrefix(p, t[:open]) {
		return false
	}
	rest := t[open+strings.IndexByte(t[open:], '}')+1:]
	for n := open + 1; n <= len(p); n++ {
		if segment(rest, p[n:]) {
			return true
		}
	}
	return false
}
