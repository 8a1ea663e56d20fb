package jsonx

// parser builds the nodes of one text. It keeps no stack: the open containers
// are the chain of parents. Its methods take the offset where they begin and
// give the one behind what they read, or stop after setting err; the offset is
// not a field, since in a register it is much faster.
type parser struct {
	src   []byte
	nodes []Node
	names *names
	depth int // containers that may still be opened
	most  int // nodes that there may be
	err   *Error
}

// stop is the offset after an error.
const stop = -1

// root is the parent of the outermost value.
const root = -1

func (p *parser) refuse(r Reason, at int) int {
	p.err = &Error{Reason: r, Offset: at}
	return stop
}

// run reads the whole text.
func (p *parser) run() error {
	if len(p.src) > maxBytes {
		p.refuse(Size, maxBytes)
		return p.err
	}
	if len(p.src) >= 3 && string(p.src[:3]) == "\xef\xbb\xbf" {
		p.refuse(ByteOrderMark, 0)
		return p.err
	}
	at := Skip(p.src, 0)
	if at == len(p.src) {
		p.refuse(Empty, at)
		return p.err
	}
	open, at := p.value(root, name{}, at)
	for open != root && at != stop {
		open, at = p.step(open, at)
	}
	if at == stop {
		return p.err
	}
	if at = Skip(p.src, at); at < len(p.src) {
		p.refuse(Trailing, at)
		return p.err
	}
	return nil
}

// peek is the byte at an offset; 0, which no grammar accepts, at the end.
func (p *parser) peek(at int) byte {
	if at < len(p.src) {
		return p.src[at]
	}
	return 0
}

// wrong is the error for a byte that cannot stand here.
func (p *parser) wrong(at int) int {
	if at >= len(p.src) {
		return p.refuse(Unfinished, at)
	}
	return p.refuse(Unexpected, at)
}

// step reads the next element or member of the open container, or its end, and
// tells which container is open then.
func (p *parser) step(open int32, at int) (int32, int) {
	at = Skip(p.src, at)
	c := &p.nodes[open]
	b := p.peek(at)
	if b == '}' && c.Kind == Object || b == ']' && c.Kind == Array {
		return p.close(open, at+1)
	}
	if c.Count > 0 {
		if b != ',' {
			return open, p.wrong(at)
		}
		at = Skip(p.src, at+1)
	}
	c.Count++
	if c.Kind == Array {
		return p.value(open, name{}, at)
	}
	return p.member(open, at)
}

// close ends a container and tells its parent.
func (p *parser) close(open int32, at int) (int32, int) {
	c := &p.nodes[open]
	c.End, c.After = int32(at), int32(len(p.nodes))
	p.depth++
	if c.Kind == Object && c.Count > 1 {
		if twice := p.names.duplicate(p.src, p.nodes, int(open)); twice >= 0 {
			return open, p.refuse(Duplicate, twice)
		}
	}
	return c.Parent, at
}

// member reads a name, its colon and its value.
func (p *parser) member(open int32, at int) (int32, int) {
	if p.peek(at) != '"' {
		return open, p.wrong(at)
	}
	end, escaped := p.text(at)
	if end == stop {
		return open, stop
	}
	key := name{start: int32(at + 1), end: int32(end - 1)}
	if escaped {
		key.flags = escapedKey
	}
	end = Skip(p.src, end)
	if p.peek(end) != ':' {
		return open, p.wrong(end)
	}
	return p.value(open, key, Skip(p.src, end+1))
}

// name is the place of a member name.
type name struct {
	start, end int32
	flags      flags
}

// value reads one value, of a container only the opening bracket, and tells
// which container is open then. The node is filled in where it lies: copying
// one that was just written stalls the processor.
func (p *parser) value(open int32, key name, at int) (int32, int) {
	index := int32(len(p.nodes))
	if len(p.nodes) >= p.most {
		return open, p.refuse(Nodes, at)
	}
	p.nodes = append(p.nodes, Node{})
	n := &p.nodes[index]
	n.Start, n.Parent, n.After = int32(at), open, index+1
	n.KeyStart, n.KeyEnd, n.flags = key.start, key.end, key.flags
	end := stop
	switch b := p.peek(at); b {
	case '{', '[':
		if p.depth == 0 {
			return open, p.refuse(Depth, at)
		}
		p.depth--
		n.Kind = Array
		if b == '{' {
			n.Kind = Object
		}
		return index, at + 1
	case '"':
		var escaped bool
		if end, escaped = p.text(at); escaped {
			n.flags |= escapedText
		}
		n.Kind = String
	case 't':
		n.Kind, end = True, p.literal("true", at)
	case 'f':
		n.Kind, end = False, p.literal("false", at)
	case 'n':
		n.Kind, end = Null, p.literal("null", at)
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		n.Kind, end = Number, p.number(at)
	default:
		end = p.wrong(at)
	}
	n.End = int32(end)
	return open, end
}

func (p *parser) literal(word string, at int) int {
	if len(p.src)-at < len(word) || string(p.src[at:at+len(word)]) != word {
		return p.refuse(BadLiteral, at)
	}
	return at + len(word)
}

// number reads a number.
func (p *parser) number(at int) int {
	end, ok := ScanNumber(p.src, at)
	if !ok {
		return p.refuse(BadNumber, at)
	}
	return end
}

// digits passes digits.
func digits(src []byte, at int) int {
	for at < len(src) && src[at]-'0' <= 9 {
		at++
	}
	return at
}
