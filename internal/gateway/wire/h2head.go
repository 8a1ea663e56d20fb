package wire

import (
	"errors"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// A draft is a head of HTTP/2 on its way into an Exchange.
type draft struct {
	x       *Exchange
	fault   *fault.Fault // the first one
	reset   bool         // of that: RFC 9113 section 8.1.1 has it a stream error
	seen    [otherPseudo]bool
	regular bool // a field that is no pseudo-header field was seen
	scheme  string
	host    string // of the field
	hosts   int
	lengths int
	length  string
	expect  string
	crumbs  []string
	cookie  int // where the first one stands in Fields
}

// forbids is a refusal of a head that says in private which rule it breaks.
func forbids(why string) *fault.Fault { return badPseudo.Because(errors.New(why)) }

// What RFC 9113 forbids in a head. The first lot resets the stream.
var (
	lateName     = forbids("a pseudo-header field behind another field")                 // section 8.3
	twiceName    = forbids("a pseudo-header field twice")                                // section 8.3
	strangeName  = forbids("a pseudo-header field that requests do not have")            // section 8.3
	upperName    = forbids("a field name is no token in lower case")                     // section 8.2.1
	missingName  = forbids("a pseudo-header field is missing")                           // section 8.3.1
	connectNames = forbids("CONNECT with more than :authority")                          // section 8.5
	badScheme    = forbids("a scheme other than https and http")                         // section 8.3.1
	ctlPseudo    = forbids("a control character in a pseudo-header field")               // section 8.2.1
	emptyPath    = badTarget.Because(errors.New("the path is empty"))                    // section 8.3.1
	barePath     = badTarget.Because(errors.New("the path does not begin with a slash")) // section 8.3.1

	connectionName = forbids("a field that belongs to connections of HTTP/1.1")                           // section 8.2.2
	otherTE        = forbids("TE is not trailers")                                                        // section 8.2.2
	blankValue     = forbids("white space around a value")                                                // section 8.2.1
	noAuthority    = noHost.Because(errors.New(":authority and Host are missing"))                        // section 8.3.1
	shortLength    = badLength.Because(errors.New("the stream ended before the body that was announced")) // section 8.1.1
)

// refuse notes the first fault.
func (h *draft) refuse(f *fault.Fault) {
	if h.fault == nil {
		h.fault = f
	}
}

// cut notes the first fault, which resets the stream.
func (h *draft) cut(f *fault.Fault) {
	if h.fault == nil {
		h.fault, h.reset = f, true
	}
}

// fill makes x of what was decoded, and judges it (RFC 9113 section 8). ended
// tells whether the stream ends with the head. Of a head that is refused x has
// what could be told of it.
func (d *decoder) fill(x *Exchange, ended bool, conf *Config) (f *fault.Fault, reset bool) {
	h := draft{x: x}
	text := string(d.text)
	for i := range d.list {
		p := &d.list[i]
		name, value := p.name, p.value
		if p.name1 > 0 {
			name = text[p.name0:p.name1]
		}
		if p.literal {
			value = text[p.value0:p.value1]
		}
		if p.sort >= methodField && p.sort <= otherPseudo {
			h.pseudo(p, value)
		} else {
			h.field(p, name, value)
		}
	}
	if d.over {
		h.fault, h.reset = bigHead, false
		if d.total <= d.bytes {
			h.fault = manyFields
		}
		return h.fault, h.reset
	}
	h.join()
	h.settle(ended, conf)
	return h.fault, h.reset
}

// pseudo takes a pseudo-header field (RFC 9113 section 8.3.1).
func (h *draft) pseudo(p *piece, value string) {
	switch {
	case p.sort == otherPseudo:
		h.cut(strangeName)
		return
	case h.seen[p.sort]:
		h.cut(twiceName)
		return
	case h.regular:
		h.cut(lateName)
	case p.flaw&flawValue != 0:
		h.cut(ctlPseudo)
	}
	h.seen[p.sort] = true
	switch p.sort {
	case methodField:
		h.x.Method = value
	case schemeField:
		h.scheme = value
	case authorityField:
		h.x.Host = value
		if p.flaw&flawBlank != 0 {
			h.refuse(blankValue)
		}
	case pathField:
		h.x.Target = value
	case plainField, otherPseudo, hostField, lengthField, cookieField, teField, expectField, connectionField: // are none
	}
}

// field takes any other field.
func (h *draft) field(p *piece, name, value string) {
	h.regular = true
	switch {
	case p.flaw&flawName != 0:
		h.cut(upperName)
		return
	case p.flaw&flawValue != 0:
		h.cut(ctlValue)
		return
	case p.flaw&flawBlank != 0:
		h.refuse(blankValue) // in HTTP/1.1 it would be another value
	}
	switch p.sort {
	case hostField:
		h.hosts++
		h.host = value
		return
	case connectionField:
		h.refuse(connectionName)
		return
	case teField:
		if value != "" && !risk.EqualFold(value, "trailers") {
			h.refuse(otherTE)
		}
	case lengthField:
		h.lengths++
		h.length = value
	case expectField:
		if h.expect != "" {
			h.expect += ","
		}
		h.expect += value
	case cookieField:
		if h.crumbs = append(h.crumbs, value); len(h.crumbs) > 1 {
			return
		}
		h.cookie = len(h.x.Fields)
	case plainField, methodField, schemeField, authorityField, pathField, otherPseudo:
	}
	h.x.Fields = append(h.x.Fields, risk.Field{Name: name, Value: value})
}

// join makes one field of all cookies (RFC 9113 section 8.2.3). Of those that are
// empty nothing stays: the field would end in a space.
func (h *draft) join() {
	if len(h.crumbs) > 1 {
		h.crumbs = slices.DeleteFunc(h.crumbs, func(s string) bool { return s == "" })
		h.x.Fields[h.cookie].Value = strings.Join(h.crumbs, "; ")
	}
}

// settle judges the head as a whole.
func (h *draft) settle(ended bool, conf *Config) {
	x := h.x
	switch connect := x.Method == "CONNECT"; {
	case !h.seen[methodField], !connect && !(h.seen[schemeField] && h.seen[pathField]):
		h.cut(missingName)
	case connect && (h.seen[schemeField] || h.seen[pathField]):
		h.cut(connectNames)
	case connect:
	case h.scheme != "https" && h.scheme != "http":
		h.cut(badScheme)
	case x.Target == "":
		h.cut(emptyPath)
	case x.Target[0] != '/' && x.Target != "*":
		h.cut(barePath)
	}
	h.settleHost()
	if h.fault != nil {
		return
	}
	if h.refuse(x.checkLine(conf)); h.fault != nil {
		return
	}
	h.settleBody(ended)
}

// settleHost holds :authority to Host (RFC 9113 section 8.3.1).
func (h *draft) settleHost() {
	switch {
	case h.hosts > 1:
		h.refuse(twoHosts)
	case h.seen[authorityField] && h.x.Host == "", !h.seen[authorityField] && h.host == "":
		h.refuse(noAuthority)
	case !h.seen[authorityField]:
		h.x.Host = h.host
	case h.hosts == 1 && !risk.EqualFold(h.host, h.x.Host):
		h.cut(otherHost)
	}
}

// checkLine judges what would be the request line.
func (x *Exchange) checkLine(conf *Config) *fault.Fault {
	switch {
	case notToken([]byte(x.Method)) >= 0:
		return badMethod
	case len(x.Method) > maxMethod || x.Method == "CONNECT":
		return longMethod
	case len(x.Target) > conf.MaxTarget:
		return longTarget
	case x.Target == "*" && x.Method != "OPTIONS":
		return badTarget
	}
	for i := range len(x.Target) {
		if x.Target[i] <= ' ' || x.Target[i] == 0x7f {
			return ctlTarget
		}
	}
	return nil
}

// settleBody finds out what body there is (RFC 9113 section 8.1.1).
func (h *draft) settleBody(ended bool) {
	x, n := h.x, int64(-1)
	switch {
	case h.lengths > 1:
		h.refuse(twoLengths)
		return
	case h.lengths == 1:
		var ok bool
		if n, ok = decimal(h.length); !ok {
			h.refuse(badLength)
			return
		}
	}
	if h.expect != "" && !risk.EqualFold(h.expect, "100-continue") {
		h.refuse(badWish)
		return
	}
	switch {
	case ended && n > 0:
		h.refuse(shortLength)
	case ended:
	default:
		x.Length = n
		x.Body = &Body{length: n, asked: h.expect != ""}
	}
}

// tooManyTrailers tells whether the fields behind a body are over their limit.
func (d *decoder) tooManyTrailers() bool {
	return d.over || d.total > maxTrailer || d.count > maxTrailers
}

// trailers judges the fields behind a body, which are dropped (RFC 9113 section
// 8.1).
func (d *decoder) trailers() bool {
	for i := range d.list {
		p := &d.list[i]
		if p.flaw != 0 || p.sort >= methodField && p.sort <= otherPseudo || p.sort == connectionField {
			return false
		}
	}
	return true
}
