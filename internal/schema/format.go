package schema

import (
	"bytes"
	"net/netip"
	"unicode/utf8"

	"github.com/sallyport/sallyport/internal/lib/ecma"
)

// textFormat tells whether text has a format.
type textFormat func(text []byte) bool

// textFormats returns the check of a format of strings, nil for one that
// promises nothing (password, binary) or that nobody here knows.
func textFormats(word string) textFormat {
	switch word {
	case "date-time":
		return isDateTime
	case "date":
		return isDate
	case "time":
		return isTime
	case "duration":
		return isDuration
	case "email":
		return isEmail
	case "idn-email":
		return isIDNEmail
	case "hostname":
		return isHostname
	case "idn-hostname":
		return isIDNHostname
	case "ipv4":
		return isIPv4
	case "ipv6":
		return isIPv6
	case "uri":
		return isURI
	case "uri-reference":
		return isURIReference
	case "iri":
		return isIRI
	case "iri-reference":
		return isIRIReference
	case "uri-template":
		return isURITemplate
	case "uuid":
		return isUUID
	case "byte":
		return isBase64
	case "json-pointer":
		return isPointer
	case "relative-json-pointer":
		return isRelativePointer
	case "regex":
		return isPattern
	}
	return nil
}

// two reads two digits; -1 where there are none.
func two(s []byte) int {
	if len(s) < 2 || s[0]-'0' > 9 || s[1]-'0' > 9 {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}

// isDate is full-date of RFC 3339 section 5.6.
func isDate(s []byte) bool {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	century, year, month, day := two(s), two(s[2:]), two(s[5:]), two(s[8:])
	if century < 0 || year < 0 || month < 1 || month > 12 || day < 1 {
		return false
	}
	return day <= daysIn(century*100+year, month)
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// isDateTime is date-time of RFC 3339 section 5.6.
func isDateTime(s []byte) bool {
	return len(s) > 11 && s[10]|0x20 == 't' && isDate(s[:10]) && isTime(s[11:])
}

// isTime is full-time of RFC 3339 section 5.6. A second 60 is lawful where it
// is 23:59:60 in UTC.
func isTime(s []byte) bool {
	if len(s) < 9 || s[2] != ':' || s[5] != ':' {
		return false
	}
	hour, minute, second := two(s), two(s[3:]), two(s[6:])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 {
		return false
	}
	s = s[8:]
	if s[0] == '.' {
		n := countDigits(s[1:])
		if n == 0 {
			return false
		}
		s = s[1+n:]
	}
	offset, ok := zone(s)
	if second == 60 {
		at := (hour*60 + minute - offset + 24*60) % (24 * 60)
		return ok && at == 23*60+59
	}
	return ok
}

// zone reads time-offset, in minutes.
func zone(s []byte) (int, bool) {
	if len(s) == 1 && s[0]|0x20 == 'z' {
		return 0, true
	}
	if len(s) != 6 || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hour, minute := two(s[1:]), two(s[4:])
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 {
		return 0, false
	}
	if s[0] == '-' {
		return -hour*60 - minute, true
	}
	return hour*60 + minute, true
}

func countDigits(s []byte) int {
	n := 0
	for n < len(s) && s[n]-'0' <= 9 {
		n++
	}
	return n
}

// isDuration is duration of RFC 3339 appendix A.
func isDuration(s []byte) bool {
	if len(s) < 3 || s[0] != 'P' {
		return false
	}
	s = s[1:]
	if n := countDigits(s); n > 0 && n == len(s)-1 && s[n] == 'W' {
		return true
	}
	date, clock, timed := bytes.Cut(s, []byte("T"))
	if timed && len(clock) == 0 {
		return false
	}
	return units(date, "YMD") && units(clock, "HMS")
}

// units reads numbers, each with one of the units. The units stand in order,
// and none between the first and last may be left out.
func units(s []byte, order string) bool {
	last := -1
	for len(s) > 0 {
		n := countDigits(s)
		if n == 0 || n == len(s) {
			return false
		}
		at := bytes.IndexByte([]byte(order), s[n])
		if at < 0 || last >= 0 && at != last+1 {
			return false
		}
		last = at
		s = s[n+1:]
	}
	return true
}

func isEmail(s []byte) bool    { return mailbox(s, false) }
func isIDNEmail(s []byte) bool { return mailbox(s, true) }

// mailbox is Mailbox of RFC 5321 section 4.1.2, with the letters of RFC 6531
// where international is set.
func mailbox(s []byte, international bool) bool {
	at := bytes.LastIndexByte(s, '@')
	if at < 1 || at > 64 || len(s) > 254 {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if n := len(domain); n > 2 && domain[0] == '[' && domain[n-1] == ']' {
		domain = domain[1 : n-1]
		v6, ok := bytes.CutPrefix(domain, []byte("IPv6:"))
		if ok && !isIPv6(v6) || !ok && !isIPv4(domain) {
			return false
		}
	} else if !hostname(domain, international) {
		return false
	}
	if local[0] == '"' {
		return quoted(local, international)
	}
	return dotAtom(local, international)
}

func quoted(s []byte, international bool) bool {
	if len(s) < 3 || s[len(s)-1] != '"' {
		return false
	}
	s = s[1 : len(s)-1]
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] < ' ' || s[i] == 0x7f || s[i] > 0x7f && !international || s[i] == '"':
			return false
		case s[i] == '\\':
			if i++; i == len(s) {
				return false
			}
		}
	}
	return true
}

func dotAtom(s []byte, international bool) bool {
	dot := true
	for _, c := range s {
		switch {
		case c == '.':
			if dot {
				return false
			}
		case c >= 0x80:
			if !international {
				return false
			}
		case !letterOrDigit(c) && bytes.IndexByte([]byte("!#$%&'*+/=?^_`{|}~-"), c) < 0:
			return false
		}
		dot = c == '.'
	}
	return !dot
}

func letterOrDigit(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'z' }

func isHostname(s []byte) bool { return hostname(s, false) && alabels(s) }

// hostname is a host name of RFC 1123 section 2.1.
func hostname(s []byte, international bool) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	label := 0
	for i, c := range s {
		switch {
		case c == '.':
			if label == 0 || s[i-1] == '-' {
				return false
			}
			label = -1
		case c == '-':
			if label == 0 {
				return false
			}
		case c >= 0x80:
			if !international {
				return false
			}
		case !letterOrDigit(c):
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && s[len(s)-1] != '-'
}

// isIPv4 is dotted decimal without leading zeros (RFC 2673 section 3.2).
func isIPv4(s []byte) bool {
	for part := range 4 {
		n := countDigits(s)
		if n == 0 || n > 3 || n > 1 && s[0] == '0' || n == 3 && string(s[:3]) > "255" {
			return false
		}
		s = s[n:]
		if part == 3 {
			break
		}
		if len(s) == 0 || s[0] != '.' {
			return false
		}
		s = s[1:]
	}
	return len(s) == 0
}

// isIPv6 is an address of RFC 4291 section 2.2, without a zone.
func isIPv6(s []byte) bool {
	if len(s) < 2 || len(s) > 45 || bytes.IndexByte(s, ':') < 0 || bytes.IndexByte(s, '%') >= 0 {
		return false
	}
	a, err := netip.ParseAddr(string(s))
	return err == nil && a.Is6()
}

// isUUID is RFC 9562 section 4.
func isUUID(s []byte) bool {
	if len(s) != 36 {
		return false
	}
	for i, c := range s {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
			continue
		}
		if !hexDigit(c) {
			return false
		}
	}
	return true
}

func hexDigit(c byte) bool { return c-'0' <= 9 || c|0x20 >= 'a' && c|0x20 <= 'f' }

// isBase64 is base64 of RFC 4648 section 4, with its padding.
func isBase64(s []byte) bool {
	if len(s)%4 != 0 {
		return false
	}
	s = bytes.TrimSuffix(s, []byte("="))
	s = bytes.TrimSuffix(s, []byte("="))
	for _, c := range s {
		if !letterOrDigit(c) && c != '+' && c != '/' {
			return false
		}
	}
	return true
}

// isPointer is RFC 6901.
func isPointer(s []byte) bool {
	if len(s) > 0 && s[0] != '/' {
		return false
	}
	for i, c := range s {
		if c == '~' && (i+1 == len(s) || s[i+1] != '0' && s[i+1] != '1') {
			return false
		}
	}
	return utf8.Valid(s)
}

// isPattern is a pattern of ECMA-262, be it one that cannot be translated.
func isPattern(s []byte) bool { return ecma.Valid(string(s)) }
