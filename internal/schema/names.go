package schema

import "unicode/utf8"

// names finds the declared names of an object. Members mostly come in the
// order of the document, so the place behind the last hit is tried first.
type names struct {
	list []named
	by   map[string]int
}

type named struct {
	name  string
	to    *program // nil: only required
	plain bool     // in JSON the name stands for itself: if it is found between quotes, it is a name
}

// linear is how many names are compared one by one.
const linear = 8

// add enters name unless it is there.
func (n *names) add(name string, to *program) {
	if n.index(name) < 0 {
		n.list = append(n.list, named{name, to, standsForItself(name)})
	}
	if len(n.list) > linear {
		n.seal()
	}
}

// seal makes the table that find needs.
func (n *names) seal() {
	if len(n.list) <= linear {
		return
	}
	if n.by == nil {
		n.by = make(map[string]int, len(n.list))
	}
	for i := len(n.by); i < len(n.list); i++ {
		n.by[n.list[i].name] = i
	}
}

// index is the place of name, -1 where it is not declared.
func (n *names) index(name string) int { return n.find([]byte(name), 0) }

// find is index, with the place to try first.
func (n *names) find(name []byte, hint int) int {
	if hint < len(n.list) && n.list[hint].name == string(name) {
		return hint
	}
	if n.by != nil {
		if i, ok := n.by[string(name)]; ok {
			return i
		}
		return -1
	}
	for i := range n.list {
		if n.list[i].name == string(name) {
			return i
		}
	}
	return -1
}

// standsForItself tells whether name needs no escape and is UTF-8.
func standsForItself(name string) bool {
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(name)
}
