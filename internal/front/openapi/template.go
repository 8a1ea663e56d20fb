package openapi

import "strings"

// A template is a path with its parameters in braces.
type template struct {
	path   string   // as written: "/orders/{id}.json"
	erased string   // "/orders/{}.json"
	names  []string // "id"
}

func (t template) has(name string) bool {
	for _, n := range t.names {
		if n == name {
			return true
		}
	}
	return false
}

// maxPath bounds a path template, in bytes.
const maxPath = 4096

// template reads the path in k; false after a diagnostic where requests cannot
// be matched with it, so that its operations are not served.
func (b *builder) template(k node) (template, bool) {
	path := k.text()
	refuse := func(hint, format string, args ...any) (template, bool) {
		p := say(CodePath, hint, format, args...)
		p.text += "; its operations are not served"
		b.warn(k, p)
		return template{}, false
	}
	if len(path) > maxPath {
		return refuse("shorten it", "the path %q is longer than %d bytes", clip(path), maxPath)
	}
	if strings.ContainsAny(path, "?#") {
		return refuse("declare query parameters under parameters", "the path %q holds a query or fragment", clip(path))
	}
	if strings.Contains(path, "://") {
		return refuse("put the host into servers", "the path %q is a whole URL", clip(path))
	}
	if !strings.HasPrefix(path, "/") {
		b.warn(k, say(CodePath, "start it with a slash", "the path %q does not start with a slash; it is read as %q", clip(path), clip("/"+path)))
		path = "/" + path
	}
	t := template{path: strings.Clone(path)}
	var erased strings.Builder
	for rest := t.path; ; {
		before, after, open := strings.Cut(rest, "{")
		if strings.Contains(before, "}") {
			return refuse("write each parameter as {name}", "the path %q closes a brace that is not open", clip(path))
		}
		erased.WriteString(before)
		if !open {
			t.erased = erased.String()
			return t, true
		}
		name, tail, closed := strings.Cut(after, "}")
		switch {
		case !closed || name == "" || strings.ContainsAny(name, "{/"):
			return refuse("write each parameter as {name}", "the path %q has a brace without a name or an end", clip(path))
		case t.has(name):
			return refuse("give each parameter its own name", "the path %q holds the parameter %q twice", clip(path), clip(name))
		}
		erased.WriteString("{}")
		t.names = append(t.names, name)
		rest = tail
	}
}
