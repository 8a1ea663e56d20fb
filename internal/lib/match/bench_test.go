package match

import (
	"fmt"
	"testing"
)

// api makes about n operations in the shape of a large real API, and one path
// for each.
func api(n int) ([]Route, []string) {
	shapes := []struct{ template, path string }{
		{"/repos/{owner}/{repo}/%s", "/repos/acme/rocket/%s"},
		{"/repos/{owner}/{repo}/%s/{id}", "/repos/acme/rocket/%s/12345"},
		{"/orgs/{org}/%s", "/orgs/acme/%s"},
		{"/orgs/{org}/%s/{id}/members/{user}", "/orgs/acme/%s/77/members/ada"},
		{"/%s", "/%s"},
		{"/%s/{id}", "/%s/4711"},
		{"/users/{user}/%s/{name}.{format}", "/users/ada/%s/report.json"},
		{"/v1/projects/{project}/%s/{id}:cancel", "/v1/projects/p1/%s/99:cancel"},
	}
	var routes []Route
	var paths []string
	for i := range n / 2 {
		s := shapes[i%len(shapes)]
		noun := fmt.Sprintf("resource-%d", i/len(shapes))
		routes = append(routes, Route{fmt.Sprintf(s.template, noun), "GET", 2 * i}, Route{fmt.Sprintf(s.template, noun), "POST", 2*i + 1})
		paths = append(paths, fmt.Sprintf(s.path, noun))
	}
	return routes, paths
}

func TestFindDoesNotAllocateAndFindsAll(t *testing.T) {
	routes, paths := api(10_000)
	r, conflicts := Build(routes)
	if len(conflicts) > 0 {
		t.Fatal(conflicts)
	}
	var m Match
	for i, path := range paths {
		if r.Find(path, "POST", &m) != Yes || m.Value != 2*i+1 {
			t.Fatalf("%s: %d", path, m.Value)
		}
	}
	i := 0
	if n := testing.AllocsPerRun(1000, func() { r.Find(paths[i%len(paths)], "GET", &m); i++ }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{200, 1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			routes, paths := api(n)
			r, _ := Build(routes)
			var m Match
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if r.Find(paths[i], "GET", &m) != Yes {
					b.Fatal(paths[i])
				}
				if i++; i == len(paths) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkBuild10000(b *testing.B) {
	routes, _ := api(10_000)
	for b.Loop() {
		Build(routes)
	}
}
