package jsonx

// parser builds the nodes of one text. It keeps no stack: the open containers
// are the chain of parents.
type parser struct {
	src   []byte
	nodes []Node
	names *names
	depth int // containers that may still be opened
	most  int // nodes that there may be
	at    int
}

func (p *parser) refuse(r Reason, at int) *Error { return &Error{Reason: r, Offset: at} }

// run reads the whole text. It returns *Error so that nil stays nil.
func (p *parser) run() error {
	if len(p.src) > maxBytes {
		return p.refuse(Size, maxBytes)
	}
	if len(p.src) >= 3 && string(p.src[:3]) == "\xef\xbb\xbf" {
		return p.refuse(ByteOrderMark, 0)
	}
	p.space()
	if p.at == len(p.src) {
		return p.refuse(Empty, p.at)
	}
	open := int32(-1)
	for first := true; first || open >= 0; first = false {
		next, err := p.step(open)
		if err != nil {
			return err
		}
		open = next
	}
	p.space()
	if p.at < len(p.src) {
		return p.refuse(Trailing, p.at)
	}
	return nil
}

// space skips the white space of RFC 8259 section 2.
func (p *parser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\n', '\r', '\t':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte behind white space; 0 (which no grammar accepts) at
// the end.
func (p *parser) peek() byte {
	p.space()
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

// wrong is the error for a byte that cannot stand here.
func (p *parser) wrong() *Error {
	if p.at >= len(p.src) {
		return p.refuse(Unfinished, p.at)
	}
	return p.refuse(Unexpected, p.at)
}

// step reads the next element or member of the open container, or its end, and
// returns the container that is open then. -1 is the text as a whole.
func (p *parser) step(open int32) (int32, *Error) {
	n := Node{Parent: open}
	if open >= 0 {
		c := &p.nodes[open]
		b := p.peek()
		if b == closing(c.Kind) {
			p.at++
			return p.close(open)
		}
		if c.Count > 0 {
			if b != ',' {
				return open, p.wrong()
			}
			p.at++
			b = p.peek()
		}
		if c.Kind == Object {
			if b != '"' {
				return open, p.wrong()
			}
			if err := p.member(&n); err != nil {
				return open, err
			}
		}
		c.Count++
	}
	return p.value(n)
}

func closing(k Kind) byte {
	if k == Object {
		return '}'
	}
	return ']'
}

// close ends a container and returns its parent.
func (p *parser) close(i int32) (int32, *Error) {
	c := &p.nodes[i]
	c.End, c.After = int32(p.at), int32(len(p.nodes))
	p.depth++
	if c.Kind == Object && c.Count > 1 {
		if at := p.names.duplicate(p.src, p.nodes, int(i)); at >= 0 {
			return i, p.refuse(Duplicate, at)
		}
	}
	return c.Parent, nil
}

// member reads a name and its colon.
func (p *parser) member(n *Node) *Error {
	start := p.at + 1
	escaped, err := p.text()
	if err != nil {
		return err
	}
	n.KeyStart, n.KeyEnd = int32(start), int32(p.at-1)
	if escaped {
		n.flags |= escapedKey
	}
	if p.peek() != ':' {
		return p.wrong()
	}
	p.at++
	return nil
}

// value reads one value, of a container only the opening bracket, and returns
// the container that is open then.
func (p *parser) value(n Node) (int32, *Error) {
	b := p.peek()
	index := int32(len(p.nodes))
	if len(p.nodes) >= p.most {
		return 0, p.refuse(Nodes, p.at)
	}
	n.Start, n.After = int32(p.at), index+1
	var err *Error
	switch b {
	case '{', '[':
		if p.depth == 0 {
			return 0, p.refuse(Depth, p.at)
		}
		p.depth--
		p.at++
		n.Kind = Array
		if b == '{' {
			n.Kind = Object
		}
		p.nodes = append(p.nodes, n)
		return index, nil
	case '"':
		n.Kind = String
		var escaped bool
		if escaped, err = p.text(); escaped {
			n.flags |= escapedText
		}
	case 't':
		n.Kind, err = True, p.literal("true")
	case 'f':
		n.Kind, err = False, p.literal("false")
	case 'n':
		n.Kind, err = Null, p.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		n.Kind, err = Number, p.number()
	default:
		err = p.wrong()
	}
	if err != nil {
		return 0, err
	}
	n.End = int32(p.at)
	p.nodes = append(p.nodes, n)
	return n.Parent, nil
}

func (p *parser) literal(word string) *Error {
	if len(p.src)-p.at < len(word) || string(p.src[p.at:p.at+len(word)]) != word {
		return p.refuse(BadLiteral, p.at)
	}
	p.at += len(word)
	return nil
}

// number reads a number of RFC 8259 section 6. What may follow it is for the
// caller to judge: "01" is a number and trailing data, which is refused too,
// but as a number, since that is what its writer meant.
func (p *parser) number() *Error {
	start := p.at
	if p.src[p.at] == '-' {
		p.at++
	}
	whole := p.at
	n := p.digits()
	if n == 0 || n > 1 && p.src[whole] == '0' {
		return p.refuse(BadNumber, start)
	}
	if p.at < len(p.src) && p.src[p.at] == '.' {
		p.at++
		if p.digits() == 0 {
			return p.refuse(BadNumber, start)
		}
	}
	if p.at < len(p.src) && p.src[p.at]|0x20 == 'e' {
		p.at++
		if p.at < len(p.src) && (p.src[p.at] == '+' || p.src[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return p.refuse(BadNumber, start)
		}
	}
	return nil
}

// digits skips digits and says how many there were.
func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.src) && p.src[p.at]-'0' <= 9 {
		p.at++
	}
	return p.at - start
}
