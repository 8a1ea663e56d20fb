package errors

// An undoer feeds the text of JSON strings to a reader with the escapes undone,
// as tally.escaped does, from pieces of any size.
type undoer struct {
	to  reader
	run int  // backslashes that were read
	u   bool // and a u behind them
	hex [4]byte
	n   int // digits in hex
}

// feed reads on with text.
func (d *undoer) feed(t *tally, text []byte) {
	for i := 0; i < len(text); i++ {
		if d.run == 0 {
			from := i
			for i < len(text) && text[i] != '\\' {
				i++
			}
			d.to.feed(t, text[from:i])
			if i == len(text) {
				return
			}
		}
		d.sign(t, text[i])
	}
}

// sign reads one byte.
func (d *undoer) sign(t *tally, c byte) {
	switch {
	case d.u:
		d.hex[d.n] = c
		if d.n++; d.n == len(d.hex) {
			d.code(t)
		}
	case c == '\\':
		d.run++
	case d.run == 0:
		d.to.feed(t, []byte{c})
	case c == 'u':
		d.u = true
	default:
		out, _, _ := unescape([]byte{c}, 0)
		d.letter(t, c, out)
	}
}

// letter ends an escape without digits: of c, which stands for out.
func (d *undoer) letter(t *tally, c, out byte) {
	if d.run > 1 && out != '"' {
		d.to.feed(t, []byte{'\\'})
	}
	if d.run%2 == 0 {
		out = c
	}
	d.run, d.u, d.n = 0, false, 0
	d.to.feed(t, []byte{out})
}

// code ends an escape of four digits; where they are none, they are text.
func (d *undoer) code(t *tally) {
	hex := d.hex
	out, _, code := unescape([]byte{'u', hex[0], hex[1], hex[2], hex[3]}, 0)
	if code {
		d.run, d.u, d.n = 0, false, 0
		d.to.feed(t, []byte{out})
		return
	}
	d.letter(t, 'u', out)
	d.feed(t, hex[:])
}

// end tells that the text has ended.
func (d *undoer) end(t *tally) {
	for d.u {
		hex, n := d.hex, d.n
		d.letter(t, 'u', 0xff)
		d.feed(t, hex[:n])
	}
	d.run = 0
}
