package policy

import (
	"time"

	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

// Limits of the policy's lists.
const (
	maxAPIs       = 1000
	maxOperations = 10000 // of one API
	maxTests      = 10000
	maxList       = 1000 // entries of any other list
)

// Limits of the settings. The longest time that an exchange may take bounds
// how long a client can hold a connection.
const (
	maxWait  = time.Hour
	maxBytes = 1 << 30
	maxKeep  = 3650 * day
)

// Forms of text.
const (
	textForm = `\S`
	urlForm  = `^https?://[^\s/?#@]+(/[^\s?#]*)?$`
)

func pathText(want string) shape[string] {
	return pattern{form: `^[^\s].*$`, want: want}.shape()
}

func reasonText() shape[string] {
	return pattern{form: textForm, want: "the reason, in words", limit: 500}.shape()
}

// grammar is the whole language.
func grammar(risks []risk.Risk) record[Policy] {
	s := settings(risks)
	own := []member[Policy]{
		given("version", versionShape(), func(p *Policy) *Given[int64] { return &p.Version }, "The version of this language: 1.").required(),
		part("listen", oneOrList(pattern{form: `^(https|http|unix)://\S+$`, want: "a URL such as https://localhost:8443, or unix:///path"}.shape(), maxList),
			func(p *Policy) *[]Text { return &p.Listen }, "Where clients connect. http:// only on loopback, a Unix socket, or behind trusted_proxies."),
		part("tls", tlsShape(), func(p *Policy) *TLS { return &p.TLS }, "Where certificates come from. Without it: a local CA in the state folder."),
		part("admin", adminShape(), func(p *Policy) *Admin { return &p.Admin }, "The admin plane: health and metrics."),
		part("trusted_proxies", list(pattern{form: `^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`, want: "an address or prefix such as 10.0.0.0/8"}.shape(), maxList),
			func(p *Policy) *[]Text { return &p.TrustedProxies }, "Proxies whose forwarding fields are believed. None unless listed."),
		given("state", pathText("a folder"), func(p *Policy) *Text { return &p.State }, "The folder of state: keys, audit log, local CA."),
		part("audit", auditShape(), func(p *Policy) *Audit { return &p.Audit }, "The audit log."),
		part("apis", apisShape(risks), func(p *Policy) *[]*API { return &p.APIs }, "The guarded APIs, by name."),
		part("tests", testsShape(), func(p *Policy) *[]Test { return &p.Tests }, "Requests and what must become of them; a failing test blocks a reload."),
	}
	return record[Policy]{
		doc:     "What Sallyport guards, and how. Everything is safe without a line; each line is a choice.",
		members: append(own, lift(s.gateway, func(p *Policy) *Settings { return &p.Settings })...),
		later:   []string{"egress", "portal", "alerts", "limits", "authorize", "fields", "meter", "detect", "identity"},
		astray: append(strays("an API, under apis", "owner", "review", "upstream", "openapi", "auth", "at", "operations", "upstream_tls", "health", "breaker"),
			strays("an operation, under operations of its API", "public")...),
		finish: checkPlaces,
	}
}

// lift makes members of T of those of a part of T.
func lift[T, V any](members []member[V], at func(*T) *V) []member[T] {
	out := make([]member[T], len(members))
	for i, m := range members {
		out[i] = member[T]{name: m.name, doc: m.doc, need: m.need, schema: m.schema,
			read:  func(r *reader, sm source.Member, into *T) bool { return m.read(r, sm, at(into)) },
			write: func(t *T) source.Value { return m.write(at(t)) }}
	}
	return out
}

func versionShape() shape[int64] {
	s := integer(Version, Version)
	read := s.read
	s.read = func(r *reader, v source.Value) (int64, bool) {
		if v.Kind == source.Number && v.Text != "1" {
			r.fail(v.At, CodeVersion, "this version reads version 1 of the policy, not "+quote(v.Text), "write version: 1")
			return 0, false
		}
		return read(r, v)
	}
	s.schema = func(*definitions) node { return node{"const": Version} }
	return s
}

func tlsShape() shape[TLS] {
	acme := record[ACME]{
		name: "acme", doc: "Certificates from a public CA (RFC 8555).",
		members: []member[ACME]{
			given("email", pattern{form: `^[^\s@]+@[^\s@]+$`, want: "an address such as ops@example.com"}.shape(), func(a *ACME) *Text { return &a.Email }, "Whom the CA warns."),
			given("ca", pattern{form: urlForm, want: "the URL of an ACME directory"}.shape(), func(a *ACME) *Text { return &a.CA }, "Directory of the CA. Without it: Let's Encrypt."),
			given("agree", agreeShape(), func(a *ACME) *Given[bool] { return &a.Agree }, "true: you agree to the terms of the CA.").required(),
		},
		finish: func(_ *reader, v source.Value, a *ACME) { a.At = v.At },
	}
	file := pathText("a file of PEM")
	return record[TLS]{
		name: "tls",
		members: []member[TLS]{
			given("cert", file, func(t *TLS) *Text { return &t.Cert }, "File with the certificate chain. Read again when it changes."),
			given("key", file, func(t *TLS) *Text { return &t.Key }, "File with the private key."),
			part("acme", acme.shape(), func(t *TLS) *ACME { return &t.ACME }, "Ask a public CA."),
		},
		together:  [][2]string{{"cert", "key"}},
		exclusive: [][2]string{{"acme", "cert"}, {"acme", "key"}},
		finish:    func(_ *reader, v source.Value, t *TLS) { t.At = v.At },
	}.shape()
}

func agreeShape() shape[bool] {
	s := boolean()
	read := s.read
	s.read = func(r *reader, v source.Value) (bool, bool) {
		b, ok := read(r, v)
		if ok && !b {
			r.fail(v.At, CodeBadValue, r.where()+" is false, but a CA issues nothing to those who do not agree to its terms", "write agree: true once you did, or remove acme")
			return false, false
		}
		return b, ok
	}
	s.schema = func(*definitions) node { return node{"const": true} }
	return s
}

func adminShape() shape[Admin] {
	return record[Admin]{name: "admin", later: []string{"cert", "key", "users", "url"}, members: []member[Admin]{
		given("bind", pattern{form: `^\S*:[0-9]{1,5}$`, want: "host:port, such as 127.0.0.1:9443"}.shape(), func(a *Admin) *Text { return &a.Bind }, "host:port; loopback unless named otherwise."),
	}}.shape()
}

func auditShape() shape[Audit] {
	return record[Audit]{name: "audit", later: []string{"sign", "export"}, members: []member[Audit]{
		given("keep", length(day, maxKeep), func(a *Audit) *Duration { return &a.Keep }, "How long records are kept. Without it: 400d."),
		given("durability", enum(Kernel, Fsync), func(a *Audit) *Given[Durability] { return &a.Durability }, "kernel survives a crash of the process, fsync a loss of power too. Without it: kernel."),
		given("mirror", pathText("a folder"), func(a *Audit) *Text { return &a.Mirror }, "Folder for copies of the signed heads, best on another machine."),
	}}.shape()
}
