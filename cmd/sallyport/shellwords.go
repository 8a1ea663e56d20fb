package main

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A splitter cuts a command line into words as a POSIX shell does, and bash
// its $'…'. It expands and runs nothing: where a shell would put in the value
// of a variable, or the output of a command, it stops with an error.
type splitter struct {
	text  string
	at    int
	word  strings.Builder
	open  bool // a word has begun, be it empty
	words []string
}

// shellWords returns the words of the one command in text, up to a pipe. Its
// errors are misuses.
func shellWords(text string) ([]string, error) {
	s := &splitter{text: strings.ReplaceAll(text, "\r\n", "\n")}
	for s.at < len(s.text) {
		end, err := s.step()
		if err != nil {
			return nil, err
		}
		if end {
			break
		}
	}
	s.finish()
	return s.words, nil
}

// finish ends the word that is open.
func (s *splitter) finish() {
	if s.open {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.open = false
}

// put adds text to the word.
func (s *splitter) put(text string) {
	s.word.WriteString(text)
	s.open = true
}

// rest is what is not read yet.
func (s *splitter) rest() string { return s.text[s.at:] }

// step reads one character or one quoted part. It tells whether the command
// ends there.
func (s *splitter) step() (end bool, err error) {
	switch c := s.text[s.at]; c {
	case ' ', '\t':
		s.finish()
	case '\n', ';':
		s.finish()
		s.at++
		return s.newline()
	case '|':
		if strings.HasPrefix(s.rest(), "||") {
			return false, oneCommand()
		}
		return true, nil // what reads curl's output changes nothing about the request
	case '&', '<', '>', '(', ')':
		return false, wrong("quote a URL that holds &, and leave out redirections", "an unquoted %c ends the curl command for a shell", c)
	case '#':
		if !s.open {
			s.at += strings.IndexByte(s.rest()+"\n", '\n')
			return false, nil
		}
		s.put("#")
	case '\'':
		return false, s.single()
	case '"':
		s.at++
		return false, s.double()
	case '`':
		return false, expands("a command in backticks")
	case '$':
		return false, s.dollar()
	case '\\':
		s.at++
		if s.at == len(s.text) {
			return false, nil
		}
		if s.text[s.at] != '\n' {
			s.put(s.text[s.at : s.at+1])
		}
	default:
		s.put(s.text[s.at : s.at+1])
	}
	s.at++
	return false, nil
}

// newline ends the command, when there was one. Nothing may follow it.
func (s *splitter) newline() (end bool, err error) {
	if len(s.words) == 0 {
		return false, nil
	}
	for line := range strings.SplitSeq(s.rest(), "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return false, oneCommand()
		}
	}
	return true, nil
}

func oneCommand() error {
	return wrong("give one curl command; a line that goes on ends in \\", "there is more than one command")
}

func expands(what string) error {
	return wrong("write its value; or leave the credential out and say --as SUBJECT", "%s is not expanded: nothing in the text is executed", what)
}

func (s *splitter) single() error {
	part, _, ok := strings.Cut(s.text[s.at+1:], "'")
	if !ok {
		return unclosed()
	}
	s.put(part)
	s.at += len(part) + 2
	return nil
}

func unclosed() error { return wrong("copy the whole command", "a quote is not closed") }

// double reads the rest of a part in double quotes.
func (s *splitter) double() error {
	s.open = true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case '"':
			s.at++
			return nil
		case '`':
			return expands("a command in backticks")
		case '$':
			if s.names() {
				return expands("a variable or command after $")
			}
			s.put("$")
		case '\\':
			if s.at++; s.at == len(s.text) {
				return unclosed()
			}
			switch c := s.text[s.at]; c {
			case '\n':
			case '"', '\\', '$', '`':
				s.put(string(rune(c)))
			default:
				s.put(s.text[s.at-1 : s.at+1])
			}
		default:
			s.put(s.text[s.at : s.at+1])
		}
	}
	return unclosed()
}

// names tells whether the $ here begins the name of something.
func (s *splitter) names() bool {
	if s.at+1 == len(s.text) {
		return false
	}
	c := s.text[s.at+1]
	return c == '{' || c == '(' || c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("@*#?-$!", c) >= 0
}

// dollar reads what follows an unquoted $.
func (s *splitter) dollar() error {
	switch {
	case strings.HasPrefix(s.rest(), "$'"):
		s.at += 2
		return s.ansi()
	case strings.HasPrefix(s.rest(), `$"`):
		s.at += 2
		return s.double()
	case s.names():
		return expands("a variable or command after $")
	}
	if s.at++; !s.open && len(s.words) == 0 && s.at < len(s.text) && s.text[s.at] == ' ' {
		return nil // the prompt that was copied with the command
	}
	s.put("$")
	return nil
}

// ansi reads the rest of $'…', which browsers write for what is not printable.
func (s *splitter) ansi() error {
	s.open = true
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch c {
		case '\'':
			return nil
		case '\\':
			if s.at == len(s.text) {
				return unclosed()
			}
			s.escape()
		default:
			s.put(string([]byte{c}))
		}
	}
	return unclosed()
}

// escape reads one escape of ansi, behind the backslash.
func (s *splitter) escape() {
	c := s.text[s.at]
	s.at++
	if i := strings.IndexByte("abefnrtvE", c); i >= 0 {
		s.put("\a\b\x1b\f\n\r\t\v\x1b"[i : i+1])
		return
	}
	switch {
	case c == 'x':
		if n, ok := s.digits(16, 2); ok {
			s.put(string([]byte{byte(n)}))
			return
		}
	case c == 'u' || c == 'U':
		if n, ok := s.digits(16, map[byte]int{'u': 4, 'U': 8}[c]); ok && n <= utf8.MaxRune {
			s.put(string(rune(n))) //nolint:gosec // checked
			return
		}
	case '0' <= c && c <= '7':
		s.at--
		n, _ := s.digits(8, 3)
		s.put(string([]byte{byte(n)}))
		return
	case strings.IndexByte(`\'"?`, c) >= 0:
		s.put(string([]byte{c}))
		return
	}
	s.put("\\" + string([]byte{c}))
}

// digits reads a number of up to most digits.
func (s *splitter) digits(base, most int) (uint64, bool) {
	set := "0123456789abcdefABCDEF"
	if base == 8 {
		set = "01234567"
	}
	n := 0
	for n < most && s.at+n < len(s.text) && strings.IndexByte(set, s.text[s.at+n]) >= 0 {
		n++
	}
	v, err := strconv.ParseUint(s.text[s.at:s.at+n], base, 64)
	s.at += n
	return v, err == nil
}
