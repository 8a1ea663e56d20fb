package match

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/internal/lib/canon"
	"github.com/sallyport/sallyport/internal/lib/fuzzloop"
)

// build makes a router of templates, all with GET; values are positions.
func build(t testing.TB, templates ...string) *Router {
	t.Helper()
	var routes []Route
	for i, template := range templates {
		routes = append(routes, Route{template, "GET", i})
	}
	r, conflicts := Build(routes)
	if len(conflicts) > 0 {
		t.Fatalf("conflicts: %v", conflicts)
	}
	return r
}

func TestTemplatesMatchAsOpenAPISays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name      string
		templates string // in this order
		path      string
		want      string // template and parameters, "" for none
	}{
		{"the root", "/", "/", "/"},
		{"the root is not the empty path", "/", "", ""},
		{"a path starts with a slash", "/a", "a", ""},
		{"a literal", "/a/b", "/a/b", "/a/b"},
		{"case counts", "/a", "/A", ""},
		{"a trailing slash counts", "/a", "/a/", ""},
		{"a template's trailing slash counts", "/a/", "/a", ""},
		{"both twins may exist", "/a /a/", "/a/", "/a/"},
		{"a parameter", "/a/{b}/c", "/a/x/c", "/a/{b}/c b=x"},
		{"a parameter is not empty", "/a/{b}", "/a/", ""},
		{"a parameter is not empty in the middle", "/a/{b}/c", "/a//c", ""},
		{"a parameter ends at a slash", "/a/{b}", "/a/x/y", ""},
		{"a parameter may be any text", "/{a}", "/é ü%{}", "/{a} a=é ü%{}"},
		{"a suffix", "/{name}.json", "/a.json", "/{name}.json name=a"},
		{"a suffix alone", "/{name}.json", "/.json", ""},
		{"a suffix twice", "/{name}.json", "/a.json.json", "/{name}.json name=a.json"},
		{"a prefix", "/v{x}", "/v1", "/v{x} x=1"},
		{"a prefix alone", "/v{x}", "/v", ""},
		{"prefix and suffix do not overlap", "/aba{x}ba", "/ababa", ""},
		{"two parameters", "/{a}-{b}", "/x-y", "/{a}-{b} a=x b=y"},
		{"the first is the shortest", "/{a}-{b}", "/x-y-z", "/{a}-{b} a=x b=y-z"},
		{"a separator at the start belongs to the parameter", "/{a}-{b}", "/--x", "/{a}-{b} a=- b=x"},
		{"two parameters need both", "/{a}-{b}", "/x-", ""},
		{"three parameters", "/{a}..{b}@{c}", "/1..2@3", "/{a}..{b}@{c} a=1 b=2 c=3"},
		{"parameters that touch", "/{a}{b}", "/xyz", "/{a}{b} a=x b=yz"},
		{"characters are not split", "/{a}{b}", "/éy", "/{a}{b} a=é b=y"},
		{"parameters that touch need a character each", "/{a}{b}", "/x", ""},
		{"a range", "/{a},{b}/{c}", "/1,2/3", "/{a},{b}/{c} a=1 b=2 c=3"},
		{"a verb after a colon", "/v1/{name}:cancel /v1/{name}", "/v1/x:cancel", "/v1/{name}:cancel name=x"},
		{"the verb is not there", "/v1/{name}:cancel /v1/{name}", "/v1/x:go", "/v1/{name} name=x:go"},
		{"concrete first", "/users/{id} /users/me", "/users/me", "/users/me"},
		{"templated else", "/users/{id} /users/me", "/users/my", "/users/{id} id=my"},
		{"backtracking", "/users/{id}/x /users/me/y", "/users/me/x", "/users/{id}/x id=me"},
		{"backtracking twice", "/a/b/c/d /a/{x}/c/e /{y}/b/{z}/f", "/a/b/c/f", "/{y}/b/{z}/f y=a z=c"},
		{"left before right", "/{a}/x /y/{b}", "/y/x", "/y/{b} b=x"},
		{"more literal text first", "/{id} /{name}.json /v{x}", "/v.json", "/{name}.json name=v"},
		{"a longer start first", "/a{x} /{x}a", "/aba", "/a{x} x=ba"},
		{"fewer parameters first", "/{a}-{b}x /{c}-x", "/a-bx", "/{a}-{b}x a=a b=b"},
		{"an encoded template is meant decoded", "/a%20b/{c}", "/a b/d", "/a%20b/{c} c=d"},
		{"an encoded slash is not a slash", "/a%2Fb", "/a/b", ""},
		{"a percent sign may be literal", "/100%/{a}", "/100%/x", "/100%/{a} a=x"},
		{"an encoded letter", "/%61%4A%4a", "/aJJ", "/%61%4A%4a"},
		{"what is no UTF-8 once decoded is literal", "/%FF{a}", "/%FFx", "/%FF{a} a=x"},
		{"a bad triplet is literal", "/%2g{a}", "/%2gx", "/%2g{a} a=x"},
		{"encoded braces are literal", "/%7B%7D-{a} /{b}-{a}", "/x-y", "/{b}-{a} b=x a=y"},
		{"encoded braces come first", "/{b}-{a} /%7B%7D-{a}", "/{}-y", "/%7B%7D-{a} a=y"},
		{"odd names", "/{proxy+}/{a.b}/{x-y}", "/1/2/3", "/{proxy+}/{a.b}/{x-y} proxy+=1 a.b=2 x-y=3"},
		{"matrix parameters stay", "/a/{x}", "/a/;x=1", "/a/{x} x=;x=1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			templates := strings.Fields(c.templates)
			for range 2 { // the order of the routes does not matter
				r := build(t, templates...)
				got := ""
				if a := ask(r, c.path, "GET"); a.Found == Yes {
					got = strings.Join(append([]string{templates[a.Value]}, a.Params...), " ")
				}
				if got != c.want {
					t.Errorf("%s gives %q, want %q", c.path, got, c.want)
				}
				slices.Reverse(templates)
			}
		})
	}
}

func TestCanonicalPathsMatchDecoded(t *testing.T) {
	t.Parallel()
	r := build(t, "/café au lait/{x},{y}", "/a%2Cb/{id}.json")
	for raw, want := range map[string][]string{
		"/caf%c3%a9%20au%20l%61it/1,2": {"x=1", "y=2"},
		"/a%2cb/%7e.json":              {"id=~"},
		"/a,b/x%20y.json":              {"id=x y"},
	} {
		c, err := canon.Path(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(r, c.Decoded, "GET"); !slices.Equal(got.Params, want) {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}

func TestMethodsAreJudgedAfterThePath(t *testing.T) {
	t.Parallel()
	r, conflicts := Build([]Route{
		{"/users/{id}", "GET", 1}, {"/users/{user}", "DELETE", 2}, {"/users/me", "PUT", 3}, {"/users/me", "PATCH", 4},
	})
	if len(conflicts) > 0 {
		t.Fatal(conflicts)
	}
	for _, c := range []struct {
		path, method string
		want         answer
	}{
		{"/users/7", "GET", answer{Yes, 1, []string{"id=7"}, []string{"DELETE", "GET"}}},
		{"/users/7", "DELETE", answer{Yes, 2, []string{"user=7"}, []string{"DELETE", "GET"}}},
		{"/users/7", "get", answer{NoMethod, 0, nil, []string{"DELETE", "GET"}}},
		{"/users/7", "", answer{NoMethod, 0, nil, []string{"DELETE", "GET"}}},
		{"/users/me", "GET", answer{NoMethod, 0, nil, []string{"PATCH", "PUT"}}},
		{"/users/me", "PATCH", answer{Yes, 4, nil, []string{"PATCH", "PUT"}}},
		{"/users", "GET", answer{}},
	} {
		if diff := cmp.Diff(c.want, ask(r, c.path, c.method)); diff != "" {
			t.Errorf("%s %s: %s", c.method, c.path, diff)
		}
	}
}

func TestConflictsNameBothRoutes(t *testing.T) {
	t.Parallel()
	a, b, c := Route{"/a/{x}", "GET", 1}, Route{"/a/{y}", "GET", 2}, Route{"/a/{y}", "POST", 3}
	r, conflicts := Build([]Route{a, b, c, a})
	if diff := cmp.Diff([]Conflict{{Same, a, b}, {Same, a, a}}, conflicts); diff != "" {
		t.Error(diff)
	}
	if got := ask(r, "/a/1", "GET"); got.Value != 1 {
		t.Errorf("the first route does not stay: %v", got)
	}
	for template, want := range map[string]Reason{
		"": Relative, "a/{b}": Relative, "{a}": Relative, "/{a": Braces, "/a}": Braces, "/{}": Braces, "/{a{b}}": Braces, "/{a/b}": Braces,
		"/}{": Braces, "/{a}/{a}": RepeatedName, "/{a}-{a}": RepeatedName,
	} {
		bad := Route{template, "GET", 0}
		_, conflicts := Build([]Route{bad})
		if diff := cmp.Diff([]Conflict{{want, bad, bad}}, conflicts); diff != "" {
			t.Errorf("%q: %s", template, diff)
		}
	}
}

func TestEraseKeepsAllButNames(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"": "", "/": "/", "/orders/{id}": "/orders/{}", "/{a}-{b}/c/{d}.json": "/{}-{}/c/{}.json", "/{a": "/{a", "/{a}/{b": "/{}/{b", "/a}": "/a}",
	} {
		if got := Erase(template); got != want {
			t.Errorf("Erase(%q) = %q, want %q", template, got, want)
		}
		if got := Erase(Erase(template)); got != want {
			t.Errorf("Erase(%q) is not idempotent", template)
		}
	}
}

func TestMoreThanSixteenParametersFitToo(t *testing.T) {
	t.Parallel()
	var template, path strings.Builder
	for i := range 40 {
		fmt.Fprintf(&template, "/{p%d}", i)
		fmt.Fprintf(&path, "/v%d", i)
	}
	r := build(t, template.String(), template.String()+"/x/{y}")
	var m Match
	for range 2 {
		if r.Find(path.String(), "GET", &m) != Yes || m.Len() != 40 {
			t.Fatalf("%d parameters", m.Len())
		}
		for i := range 40 {
			if got, ok := m.Param(fmt.Sprint("p", i)); !ok || got != fmt.Sprint("v", i) {
				t.Errorf("p%d = %q %v", i, got, ok)
			}
		}
	}
	if _, ok := m.Param("q"); ok {
		t.Error("there is no q")
	}
}

// someTemplates makes a lawful set over a small alphabet, so that templates
// meet often.
func someTemplates(rng *rand.Rand) naive {
	pieces := []string{"a", "b", "ab", "-", ".", "é"}
	seen := map[string]bool{}
	var routes naive
	for range 1 + rng.IntN(14) {
		template, params := "", 0
		for range 1 + rng.IntN(4) {
			template += "/"
			for range rng.IntN(4) {
				if rng.IntN(2) == 0 {
					template += pieces[rng.IntN(len(pieces))]
				} else {
					template += fmt.Sprintf("{p%d}", params)
					params++
				}
			}
		}
		method := []string{"GET", "POST"}[rng.IntN(2)]
		if key := method + Erase(template); !seen[key] {
			seen[key] = true
			routes = append(routes, Route{template, method, len(routes)})
		}
	}
	return routes
}

func somePath(rng *rand.Rand) string {
	pieces := []string{"a", "b", "ab", "-", ".", "é", "c"}
	path := ""
	for range 1 + rng.IntN(4) {
		path += "/"
		for range rng.IntN(5) {
			path += pieces[rng.IntN(len(pieces))]
		}
	}
	return path
}

// agree holds the router against the oracle.
func agree(t *testing.T, routes naive, path, method string) {
	t.Helper()
	r, conflicts := Build(routes)
	if len(conflicts) > 0 {
		t.Fatalf("%v: conflicts %v", routes, conflicts)
	}
	if diff := cmp.Diff(routes.find(path, method), ask(r, path, method)); diff != "" {
		t.Fatalf("%v\n%s %q\n%s", routes, method, path, diff)
	}
}

func TestTheRouterAnswersAsTheOracle(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same cases each time
	found := map[Found]int{}
	for range 4000 {
		routes := someTemplates(rng)
		for range 8 {
			path := somePath(rng)
			agree(t, routes, path, "GET")
			found[routes.find(path, "GET").Found]++
		}
	}
	if found[Yes] < 1000 || found[NoMethod] < 1000 || found[NoPath] < 1000 {
		t.Errorf("too few of some answer: %v", found)
	}
}

func FuzzFind(f *testing.F) {
	f.Add(uint64(1), "/a/b", "GET")
	f.Add(uint64(2), "/ab-é/a.", "POST")
	f.Add(uint64(3), "//a", "")
	fuzzloop.Run(f, func(t *testing.T, seed uint64, path, method string) {
		if len(path) > 100 || strings.Contains(path, hole) {
			return // the oracle is slow, and no canonical path holds a control
		}
		rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // the same cases each time
		agree(t, someTemplates(rng), path, method)
	})
}

func FuzzBuild(f *testing.F) {
	f.Add("/a/{b}", "/a/x")
	f.Add("/%7B{a}{b}%", "/{xy%")
	f.Add("/{a}{", "/")
	fuzzloop.Run(f, func(t *testing.T, template, path string) {
		r, conflicts := Build([]Route{{template, "GET", 7}, {"/{fallback}", "GET", 8}})
		a := ask(r, path, "GET")
		if a.Found == Yes && a.Value != 7 && a.Value != 8 || a.Found == NoMethod {
			t.Errorf("%q %q: %v, conflicts %v", template, path, a, conflicts)
		}
	})
}

func TestAHostilePathCannotMakeTheSearchExponential(t *testing.T) {
	t.Parallel()
	sets := map[string][]string{}
	for n := range 1 << 11 { // every choice of {p} or a at eleven segments, none ends with z
		var b strings.Builder
		for i := range 11 {
			if n>>i&1 == 0 {
				b.WriteString("/a")
			} else {
				fmt.Fprintf(&b, "/{p%d}", i)
			}
		}
		sets["binary"] = append(sets["binary"], b.String()+"/end")
	}
	for i := range 2000 {
		sets["patterns"] = append(sets["patterns"], fmt.Sprintf("/{a}%d{b}/end", i))
	}
	sets["one segment"] = []string{"/" + strings.Repeat("{x}a", 1)}
	var many strings.Builder
	for i := range 30 {
		fmt.Fprintf(&many, "{p%d}a", i)
	}
	sets["one segment"] = append(sets["one segment"], "/"+many.String()+"b")
	paths := []string{
		strings.Repeat("/a", 11) + "/z", strings.Repeat("/a", 4000), "/" + strings.Repeat("a", 8000), "/" + strings.Repeat("1", 8000) + "/z",
		"/" + strings.Repeat("aab", 2700) + "c", strings.Repeat("/", 8000),
	}
	for name, templates := range sets {
		r := build(t, templates...)
		for _, path := range paths {
			var m Match
			start := time.Now()
			r.Find(path, "GET", &m)
			if took := time.Since(start); took > 2*time.Second { // under 20 ms; exponential would not end
				t.Errorf("%s, %.20s...: %v", name, path, took)
			}
		}
	}
}
