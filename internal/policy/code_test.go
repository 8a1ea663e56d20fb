package policy

import (
	"regexp"
	"slices"
	"testing"
)

// TestEachCodeHasAPageAndACase holds that each code is explained, and that a
// case of this package makes it speak.
func TestEachCodeHasAPageAndACase(t *testing.T) {
	t.Parallel()
	page := string(mustRead(t, "../help/pages/policy.md"))
	seen := map[string]bool{}
	for _, file := range badFiles(t) {
		for _, c := range archived(t, file).Files {
			for _, m := range regexp.MustCompile(`(?m) (policy/[a-z-]+): `).FindAllStringSubmatch(string(c.Data), -1) {
				seen[m[1]] = true
			}
		}
	}
	elsewhere := []string{"policy/unreadable", "policy/too-large", "policy/encoding", "policy/unknown-operation", "policy/same-operation", "policy/unknown-variable", "policy/observe-open"}
	codes := regexp.MustCompile(`"(policy/[a-z-]+)"`).FindAllStringSubmatch(string(mustRead(t, "code.go")), -1)
	if len(codes) < 25 {
		t.Fatalf("only %d codes were found", len(codes))
	}
	for _, m := range codes {
		if !regexp.MustCompile(`(?m)^## ` + m[1] + `$`).MatchString(page) {
			t.Errorf("%s has no page", m[1])
		}
		if !seen[m[1]] && !slices.Contains(elsewhere, m[1]) {
			t.Errorf("no case shows %s", m[1])
		}
	}
}
