package canon

import (
	"errors"
	"testing"
)

func reasonOf(t testing.TB, err error) Reason {
	t.Helper()
	var e *Error
	if err == nil {
		return ""
	}
	if !errors.As(err, &e) {
		t.Fatalf("%v is not an *Error", err)
	}
	return e.Reason
}

func TestACanonicalPathComesBackAsItIs(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"/", "/a", "/a/", "/a/b.c/~d_e-f", "/.well-known/x", "/a:b@c", "/a!$&'()*+,=", "/a..b", "/..a", "/a%20b", "/%C3%A9", "/100%25"} {
		c, err := Path(raw)
		if err != nil || c.Text != raw {
			t.Errorf("Path(%q) = %q, %v", raw, c.Text, err)
		}
	}
}
