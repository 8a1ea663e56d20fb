package gateway

import (
	"bytes"
	"time"

	"github.com/sallyport/sallyport/fault"
)

// A body of 1 MiB can have half a million values, and the table of them takes
// forty times the room of the text. Checks are work for a processor, so more of
// them at once than there are processors only take more room: those of bodies
// with many values take turns.
const (
	// manyValues is the number of values from which a check waits for its turn:
	// about 500 KiB of tables.
	manyValues = 8 << 10
	// turnTime is how long it waits. The longest check takes a tenth of it.
	turnTime = 5 * time.Second
)

// takeTurn waits until body may be checked. giveTurn must follow.
func (e *exchange) takeTurn(body []byte) *fault.Fault {
	if len(body) < 2*manyValues || values(body) < manyValues {
		return nil
	}
	late := time.NewTimer(turnTime)
	defer late.Stop()
	select {
	case e.g.turns <- struct{}{}:
		e.turn = true
		return nil
	case <-e.in.Context().Done():
		return clientGone
	case <-late.C:
		return overloaded
	}
}

// giveTurn lets the next body be checked. It may be called at any time.
func (e *exchange) giveTurn() {
	if e.turn {
		e.turn = false
		<-e.g.turns
	}
}

// values is no less than the number of values of a JSON text or of elements of
// an XML text.
func values(body []byte) int {
	n := 1
	for _, c := range [...]string{",", "[", "{", "<", "\n"} {
		n += bytes.Count(body, []byte(c))
	}
	return n
}
