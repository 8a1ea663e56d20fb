package event

import (
	"bytes"
	"crypto/rand"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

func TestAnIDIsAULID(t *testing.T) {
	t.Parallel()
	// The example of github.com/ulid/spec: 01ARZ3NDEKTSV4RRFFQ69G5FAV.
	id, err := ParseID("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	if err != nil || id.String() != "01ARZ3NDEKTSV4RRFFQ69G5FAV" || id.Milli() != 1469922850259 {
		t.Errorf("%s %d %v", id, id.Milli(), err)
	}
	lower, err := ParseID("01arz3ndektsv4rrffq69g5fav")
	if err != nil || lower != id {
		t.Errorf("lower case reads as %s, %v", lower, err)
	}
	for _, bad := range []string{"", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "01ARZ3NDEKTSV4RRFFQ69G5FA", "01ARZ3NDEKTSV4RRFFQ69G5FAI", "01ARZ3NDEKTSV4RRFFQ69G5FA-"} {
		if _, err := ParseID(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestIDsDoNotCollideUnderConcurrency(t *testing.T) {
	t.Parallel()
	s := NewIDs(clock.Fixed(time.UnixMilli(1469922850259)), rand.Reader)
	var all sync.Map
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2000 {
				id, err := s.NewID()
				if _, twice := all.LoadOrStore(id, true); err != nil || twice || id.Milli() != 1469922850259 {
					t.Errorf("%s twice %t, %v", id, twice, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNoRandomnessNoID(t *testing.T) {
	t.Parallel()
	s := NewIDs(clock.System{}, iotest.TimeoutReader(bytes.NewReader(make([]byte, 10))))
	if _, err := s.NewID(); err == nil {
		t.Error("an id without randomness is given out")
	}
}
