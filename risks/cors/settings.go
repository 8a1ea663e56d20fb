package cors

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/internal/lib/canon"
)

// Bounds of what browsers are told to remember. Chromium keeps a preflight for
// at most two hours, Firefox for a day.
const (
	defaultAge = 10 * time.Minute
	maxAge     = 24 * time.Hour
)

// check refuses settings that are unsafe or mean nothing.
func (p *Params) check() error {
	for _, o := range p.Origins {
		if o == "*" {
			if p.Credentials {
				return errors.New(`origins holds "*", which must not be combined with credentials: list the origins`)
			}
			if len(p.Origins) > 1 {
				return errors.New(`origins holds "*" beside others: write "*" alone or list the origins`)
			}
			continue
		}
		if err := checkOrigin(o); err != nil {
			return fmt.Errorf("origin %q: %w", o, err)
		}
	}
	if len(p.Origins) == 0 && (p.Credentials || p.MaxAge != 0 || len(p.Expose) > 0) {
		return errors.New("credentials, max_age and expose mean nothing without origins")
	}
	if p.MaxAge < 0 || p.MaxAge > maxAge {
		return fmt.Errorf("max_age is %s: write at most 24h", p.MaxAge)
	}
	for _, name := range p.Expose {
		if canon.FieldName(name) != nil || name == "*" {
			return fmt.Errorf("expose names %q, which is no header field", name)
		}
	}
	return nil
}

// checkOrigin takes an origin exactly as browsers write it (RFC 6454 section
// 6.2): a scheme, a lower-case host, and a port only where it is not the
// default. Anything else would never match.
func checkOrigin(o string) error {
	scheme, rest, ok := strings.Cut(o, "://")
	if !ok || scheme != "https" && scheme != "http" {
		return errors.New("write https://host or https://host:port")
	}
	host, port, hasPort := rest, "", false
	if at := strings.LastIndexByte(rest, ':'); at >= 0 && !strings.HasSuffix(rest, "]") {
		host, port, hasPort = rest[:at], rest[at+1:], true
	}
	if err := checkHost(host); err != nil {
		return err
	}
	if !hasPort {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	switch {
	case err != nil || n == 0 || strconv.FormatUint(n, 10) != port:
		return fmt.Errorf("%q is no port", port)
	case scheme == "https" && n == 443, scheme == "http" && n == 80:
		return errors.New("browsers leave the default port out; so must this line")
	}
	return nil
}

func checkHost(host string) error {
	if in, ok := strings.CutPrefix(host, "["); ok {
		in, ok = strings.CutSuffix(in, "]")
		if a, err := netip.ParseAddr(in); !ok || err != nil || !a.Is6() || a.Zone() != "" || a.String() != in {
			return errors.New("write an IPv6 address in its short form, in brackets")
		}
		return nil
	}
	if host == "" {
		return errors.New("the host is missing")
	}
	for _, c := range []byte(host) {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_':
		case c >= 'A' && c <= 'Z':
			return errors.New("write the host in lower case")
		case c == '/':
			return errors.New("write no path, and no slash at the end")
		case c == '*':
			return errors.New("patterns are not possible: list the origins, or write * alone")
		case c >= 0x80:
			return errors.New("write the host in its ASCII form (xn--…)")
		default:
			return fmt.Errorf("%q cannot stand in a host", c)
		}
	}
	return nil
}
