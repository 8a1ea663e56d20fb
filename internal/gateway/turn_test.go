package gateway

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/internal/lib/jsonx"
)

func TestLargeBodiesTakeTurnsAndSmallOnesDoNotWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = io.Copy(rw, r.Body)
	}, nil, []*contract.Operation{taking(op("POST", "/a"), "application/json")})
	for range cap(w.gw.turns) {
		w.gw.turns <- struct{}{}
	}
	large := "[" + strings.Repeat("1,", manyValues) + "1]"
	done := make(chan string, 1)
	go func() {
		_, body := w.do(t, "POST", "/a", large)
		done <- body
	}()
	if _, body := w.do(t, "POST", "/a", "[1]"); body != "[1]" {
		t.Errorf("a small body waits: %s", body)
	}
	select {
	case <-done:
		t.Error("a large body did not wait")
	default:
	}
	for range cap(w.gw.turns) {
		<-w.gw.turns
	}
	if body := <-done; body != large {
		t.Errorf("a large body was refused: %.100s", body)
	}
	if n := len(w.gw.turns); n != 0 {
		t.Errorf("%d turns were not given back", n)
	}
}

func TestValuesAreNeverCountedTooLow(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`1`, `[]`, `[[],[]]`, `{"a":1}`, `{"a":{"b":[1,2,{"c":null}]}}`, `[1,[2,[3,[4]]]]`, `{"a":[],"b":{}}`} {
		var d jsonx.Doc
		if err := d.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if n := values([]byte(text)); n < d.Len() {
			t.Errorf("%s: %d, but it has %d", text, n, d.Len())
		}
	}
}
