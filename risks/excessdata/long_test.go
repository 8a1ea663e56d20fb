package excessdata_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestLongRepliesLeaveWithoutSecretsOrNotWhole(t *testing.T) {
	t.Parallel()
	user := `{"name":"a","pin":"` + secret + `","next":{"pin":"` + secret + `","name":"b"}, "hash" : ["` + secret + `"]}`
	lawful := `{"name":"a","next":{"name":"b"}}`
	n := 2 << 20 / len(user)
	list := func(one string) string { return "[" + strings.Repeat(one+",", n) + one + "]" }
	for name, c := range map[string]struct{ body, want string }{
		"users":                     {list(user), list(lawful)},
		"a value that breaks late":  {strings.TrimSuffix(list(user), "]") + `,{"name":5,"pin":"` + secret + `"}]`, strings.TrimSuffix(list(lawful), "]") + `,{"name":5}]`},
		"a user where none belongs": {strings.TrimSuffix(list(user), "]") + `,[` + user + `]]`, ""},
		"a name twice":              {strings.TrimSuffix(list(user), "]") + `,{"name":"a","pin":"x","pin":"` + secret + `"}]`, ""},
		"cut short":                 {strings.TrimSuffix(list(user), "]"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			front := guarded(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				_, _ = io.WriteString(w, c.body)
			}))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front+"/users", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("X-Api-Key", "sp_live_x")
			resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close() //nolint:errcheck // it was read
			body, err := io.ReadAll(resp.Body)
			switch {
			case strings.Contains(string(body), secret):
				t.Errorf("status %d shows the secret", resp.StatusCode)
			case c.want != "" && (err != nil || string(body) != c.want):
				t.Errorf("%v, %d bytes in place of %d", err, len(body), len(c.want))
			case c.want == "" && err == nil && resp.StatusCode < 500:
				t.Errorf("%d ended cleanly", resp.StatusCode)
			}
		})
	}
}
