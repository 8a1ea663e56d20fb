package canon

// FieldName tells whether s is a lawful field name: a token of RFC 9110
// section 5.6.2. The error is an *Error with Empty or Token.
func FieldName(s string) error {
	if s == "" {
		return refuse(Empty, 0)
	}
	for i := 0; i < len(s); i++ {
		if !TokenByte(s[i]) {
			return refuse(Token, i)
		}
	}
	return nil
}

// FieldValue tells whether s is a lawful field value of RFC 9110 section 5.5:
// visible characters, spaces, tabs and obs-text (bytes above 0x7F), without
// white space at either end. CR, LF, NUL and all other controls are refused
// (Control). The empty value is lawful.
func FieldValue(s string) error {
	for i := 0; i < len(s); i++ {
		if c := s[i]; ctl(c) && c != '\t' {
			return refuse(Control, i)
		}
	}
	return ends(s)
}

// FieldText is FieldValue without obs-text: a byte above 0x7F is NonASCII.
func FieldText(s string) error {
	for i := 0; i < len(s); i++ {
		if c := s[i]; ctl(c) && c != '\t' {
			return refuse(Control, i)
		} else if c > 0x7f {
			return refuse(NonASCII, i)
		}
	}
	return ends(s)
}

// ends refuses white space at either end, which the wire has to strip.
func ends(s string) error {
	blank := func(c byte) bool { return c == ' ' || c == '\t' }
	switch {
	case s == "":
		return nil
	case blank(s[0]):
		return refuse(Whitespace, 0)
	case blank(s[len(s)-1]):
		return refuse(Whitespace, len(s)-1)
	}
	return nil
}
