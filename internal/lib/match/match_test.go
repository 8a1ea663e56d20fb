package match

import "testing"

func TestConcreteComesBeforeTemplatedWithFullBacktracking(t *testing.T) {
	t.Parallel()
	r, conflicts := Build([]Route{{"/users/{id}/x", "GET", 1}, {"/users/me/y", "GET", 2}, {"/users/{name}.json", "GET", 3}, {"/users/{id}", "GET", 4}})
	if len(conflicts) > 0 {
		t.Fatal(conflicts)
	}
	var m Match
	for path, want := range map[string]int{"/users/me/x": 1, "/users/me/y": 2, "/users/a.json": 3, "/users/.json": 4} {
		if got := r.Find(path, "GET", &m); got != Yes || m.Value != want {
			t.Errorf("%s: %v %d, want %d", path, got, m.Value, want)
		}
	}
}
