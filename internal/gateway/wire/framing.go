package wire

import (
	"strings"

	"github.com/sallyport/sallyport/fault"
	"github.com/sallyport/sallyport/risk"
)

// A wish is what the fields of a head say of the connection and the body.
type wish struct {
	hosts, lengths, codings int
	length, coding, expect  string
}

// frame reads what the head says of the host, the body and the connection (RFC
// 9112 sections 3.2, 6 and 9). It takes Host and Transfer-Encoding out of
// Fields.
func (x *Exchange) frame() *fault.Fault {
	var w wish
	kept := x.Fields[:0]
	for _, f := range x.Fields {
		switch f.Name {
		case "Host":
			w.hosts++
			x.Host = f.Value
			continue
		case "Transfer-Encoding":
			w.codings++
			w.coding = f.Value
			continue
		case "Content-Length":
			w.lengths++
			w.length = f.Value
		case "Expect":
			if w.expect != "" {
				w.expect += ","
			}
			w.expect += f.Value
		case "Connection":
			x.quit = x.quit || lists(f.Value, "close")
		}
		kept = append(kept, f)
	}
	clear(x.Fields[len(kept):])
	x.Fields = kept
	return x.settle(&w)
}

// settle decides on a wish.
func (x *Exchange) settle(w *wish) *fault.Fault {
	old := x.Proto == "HTTP/1.0"
	x.quit = x.quit || old
	switch {
	case w.hosts > 1:
		return twoHosts
	case x.Host == "" && (!old || w.hosts > 0):
		return noHost
	}
	if f := x.takeTarget(); f != nil {
		return f
	}
	if f := x.takeLength(w, old); f != nil {
		return f
	}
	if w.expect == "" || old { // RFC 9110 section 10.1.1: HTTP/1.0 has none
		return nil
	}
	if !risk.EqualFold(w.expect, "100-continue") {
		return badWish
	}
	if x.Body != nil {
		x.Body.asked = true
	}
	return nil
}

// takeLength finds out how long the body is (RFC 9112 section 6.3).
func (x *Exchange) takeLength(w *wish, old bool) *fault.Fault {
	switch {
	case w.codings > 0 && w.lengths > 0:
		return bothLengths
	case w.codings > 0 && old:
		return oldCoding
	case w.codings > 1:
		return twoCodings
	case w.codings == 1:
		if f := coding(w.coding); f != nil {
			return f
		}
		x.Length, x.Body = -1, &Body{chunked: true, left: -1}
	case w.lengths > 1:
		return twoLengths
	case w.lengths == 1:
		n, ok := decimal(w.length)
		if !ok {
			return badLength
		}
		if x.Length = n; n > 0 {
			x.Body = &Body{left: n}
		}
	}
	return nil
}

// coding tells why a Transfer-Encoding is not "chunked".
func coding(value string) *fault.Fault {
	if risk.EqualFold(value, "chunked") {
		return nil
	}
	list := strings.Split(value, ",")
	for i, c := range list {
		name, _, _ := strings.Cut(c, ";")
		name = strings.Trim(name, " \t")
		if last := i == len(list)-1; risk.EqualFold(name, "chunked") != last || name == "" || risk.EqualFold(name, "identity") {
			return badCoding
		}
	}
	if len(list) == 1 {
		return badCoding
	}
	return strange
}

// decimal reads a length of at most 18 digits, which fits.
func decimal(s string) (n int64, ok bool) {
	if s == "" || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		if !digit(s[i]) {
			return 0, false
		}
		n = 10*n + int64(s[i]-'0')
	}
	return n, true
}

// lists tells whether a list of tokens holds one of them, in any case.
func lists(value, name string) bool {
	for value != "" {
		var one string
		one, value, _ = strings.Cut(value, ",")
		if risk.EqualFold(strings.Trim(one, " \t"), name) {
			return true
		}
	}
	return false
}
