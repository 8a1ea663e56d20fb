package main

import (
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/sallyport/sallyport/contract"
)

// A side is the direction of a message: members that are readOnly need not be
// there in requests, those that are writeOnly need not in replies.
type side uint8

const (
	ofRequest side = iota
	ofReply
)

// An oracle judges values by the schemas of one document with
// santhosh-tekuri/jsonschema. It reads the document itself, and shares nothing
// with the front end or the machine but the dialect that dialect.go states.
type oracle struct {
	root     any
	dialect  contract.Dialect
	compiler *jsonschema.Compiler
	numbers  map[view]int
	views    []view
	children map[string][]string // by pointer of a component: of the components that extend it
	loose    int                 // patterns that the oracle cannot compile, and does not check
	known    map[view]compiled
}

// A view is a schema of the document as one side sees it. off are the pointers
// of the discriminators that are already followed for the same value, each
// with a line feed behind it.
type view struct {
	pointer string
	side    side
	off     string
}

type compiled struct {
	schema *jsonschema.Schema
	err    error
}

// maxViews bounds the schemas of one document.
const maxViews = 30_000

var errForeign = errors.New("a keyword that the oracle is not asked about")

func newOracle(root any, dialect contract.Dialect) *oracle {
	o := &oracle{root: root, dialect: dialect, numbers: map[view]int{}, known: map[view]compiled{}}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(o)
	c.UseRegexpEngine(o.pattern)
	for word, check := range map[string]func(any) bool{
		"int32": within("-2147483648", "2147483647", true), "int64": within("-9223372036854775808", "9223372036854775807", true),
		"float":        within("-340282346638528859811704183484516925440", "340282346638528859811704183484516925440", false),
		"double":       within("-179769313486231570814527423731704356798070e267", "179769313486231570814527423731704356798070e267", false),
		"byte":         texts(base64Text),
		"uri-template": texts(uriTemplate),
		"uri":          texts(strictURI), "uri-reference": texts(strictURI, strictReference),
	} {
		c.RegisterFormat(&jsonschema.Format{Name: word, Validate: func(v any) error {
			if !check(v) {
				return errors.New("not of format " + word)
			}
			return nil
		}})
	}
	o.compiler = c
	o.extensions()
	return o
}

// within checks numbers between two bounds.
func within(from, to string, whole bool) func(any) bool {
	low, _ := new(big.Rat).SetString(from)
	high, _ := new(big.Rat).SetString(to)
	return func(v any) bool {
		n, ok := rational(v)
		return !ok || n.Cmp(low) >= 0 && n.Cmp(high) <= 0 && (!whole || n.IsInt())
	}
}

// The grammar of RFC 3986 appendix A, without IPvFuture. The oracle itself
// takes what net/url can parse, which is more.
var (
	strictURI       = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:` + behindScheme(`[A-Za-z0-9._~!$&'()*+,;=:@-]`) + `$`)
	strictReference = regexp.MustCompile(`^` + behindScheme(`[A-Za-z0-9._~!$&'()*+,;=@-]`) + `$`)
)

// uriTemplate is RFC 6570 section 2; the oracle's own refuses a literal that is
// no URI.
var uriTemplate = regexp.MustCompile(strings.ReplaceAll(
	`^(?:[^\x00-\x20"<>\\^\x60{|}%\x7f]|%[0-9A-Fa-f]{2}|\{[+#./;?&]?VARSPEC(?:,VARSPEC)*\})*$`, "VARSPEC",
	`(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2})(?:\.?(?:[A-Za-z0-9_]|%[0-9A-Fa-f]{2}))*(?::[1-9][0-9]{0,3}|\*)?`))

// behindScheme is what follows the scheme; first are the characters of the
// first segment, in which a relative reference has no colon.
func behindScheme(first string) string {
	const (
		triplet   = `%[0-9A-Fa-f]{2}`
		pchar     = `(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|` + triplet + `)`
		authority = `(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|` + triplet + `)*@)?(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|` + triplet + `)*)(?::[0-9]*)?`
		rest      = `(?:\?(?:` + pchar + `|[/?])*)?(?:#(?:` + pchar + `|[/?])*)?`
	)
	begin := `(?:` + first + `|` + triplet + `)`
	return `(?://` + authority + `(?:/` + pchar + `*)*|/(?:` + pchar + `+(?:/` + pchar + `*)*)?|` + begin + `+(?:/` + pchar + `*)*|)` + rest
}

// texts checks strings by patterns, of which one must match.
func texts(list ...*regexp.Regexp) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		return !ok || slices.ContainsFunc(list, func(re *regexp.Regexp) bool { return re.MatchString(s) })
	}
}

var base64Text = regexp.MustCompile(`^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$`)

// check is nil where v is valid by a schema.
func (o *oracle) check(at view, v any) error {
	s, err := o.compile(at)
	if err != nil {
		return err
	}
	return s.Validate(v)
}

// compile returns the oracle's form of a schema.
func (o *oracle) compile(at view) (*jsonschema.Schema, error) {
	if c, ok := o.known[at]; ok {
		return c.schema, c.err
	}
	var c compiled
	c.schema, c.err = o.compiler.Compile(o.url(at))
	o.known[at] = c
	return c.schema, c.err
}

// url names a view, as a resource of its own.
func (o *oracle) url(at view) string {
	n, ok := o.numbers[at]
	if !ok {
		n = len(o.views)
		o.numbers[at] = n
		o.views = append(o.views, at)
	}
	return "mem:///" + strconv.Itoa(n)
}

// Load is what the compiler calls for a resource.
func (o *oracle) Load(name string) (any, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(name, "mem:///"))
	if err != nil || n >= len(o.views) || n > maxViews {
		return nil, fmt.Errorf("%w: %s", errForeign, name)
	}
	at := o.views[n]
	node, ok := o.at(at.pointer)
	if !ok {
		return nil, fmt.Errorf("%w: nothing is at %s", errForeign, at.pointer)
	}
	r := reading{oracle: o, view: at}
	out := r.schema(node, at.pointer, at.off)
	if r.err != nil {
		return nil, r.err
	}
	return out, nil
}

// at is the value at a pointer of the document, "#/a/b".
func (o *oracle) at(pointer string) (any, bool) {
	v, ok := o.root, true
	rest, found := strings.CutPrefix(pointer, "#")
	if !found {
		return nil, false
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(rest, "/"), "/") {
		if rest == "" {
			break
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch x := v.(type) {
		case map[string]any:
			v, ok = x[part]
		case []any:
			n, err := strconv.Atoi(part)
			if ok = err == nil && n >= 0 && n < len(x); ok {
				v = x[n]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return v, true
}

// follow resolves the text of a reference; it is false where it leads out of
// the document.
func follow(ref string) (string, bool) {
	fragment, ok := strings.CutPrefix(ref, "#")
	if !ok || fragment != "" && fragment[0] != '/' {
		return "", false
	}
	text, err := url.PathUnescape(fragment)
	if err != nil {
		return "", false
	}
	return "#" + text, true
}

// pattern compiles what RE2 and ECMA-262 share, after the spellings that only
// the latter knows. What cannot be compiled matches everything: the machine
// says of such patterns that it does not check them.
func (o *oracle) pattern(text string) (jsonschema.Regexp, error) {
	re, err := regexp.Compile(plainRegexp(text))
	if err != nil {
		o.loose++
		return loosePattern(text), nil
	}
	return re, nil
}

type loosePattern string

// MatchString is always true.
func (loosePattern) MatchString(string) bool { return true }

// String is the pattern.
func (p loosePattern) String() string { return string(p) }

var unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

// plainRegexp spells a pattern as RE2 does.
func plainRegexp(p string) string { return unicodeEscape.ReplaceAllString(p, `\x{$1}`) }

// reason is the keyword that an error of the oracle names first.
func reason(err error) string {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return "none"
	}
	for len(v.Causes) > 0 {
		if _, group := v.ErrorKind.(*kind.OneOf); group {
			return "oneOf"
		}
		v = v.Causes[0]
	}
	path := v.ErrorKind.KeywordPath()
	if len(path) == 0 {
		return fmt.Sprintf("%T", v.ErrorKind)
	}
	return path[0]
}

// rational reads a number of a value.
func rational(v any) (*big.Rat, bool) {
	text, ok := v.(interface{ Float64() (float64, error) })
	if !ok {
		return nil, false
	}
	return new(big.Rat).SetString(fmt.Sprint(text))
}

// sortedKeys lists the names of an object.
func sortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
