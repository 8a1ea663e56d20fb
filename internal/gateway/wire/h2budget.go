package wire

// A kind is one of those of frames that are counted. A client that sends more
// of one kind than any use could have is cut off: such frames cost the server
// more than the client (RFC 9113 section 10.5). Heads are not counted: each
// opens a stream, of which there are maxStreams, or is one of the kinds.
type kind uint8

const (
	resets     kind = iota // of streams, by either side: CVE-2023-44487 and CVE-2025-8671
	settings               // each is to be acknowledged: CVE-2019-9515
	pings                  // each is to be answered: CVE-2019-9512
	priorities             // and frames of types that nobody knows: CVE-2019-9513
	windows                // CVE-2019-9511
	empties                // DATA and CONTINUATION without content: CVE-2019-9518
	strays                 // DATA and HEADERS of streams that were reset here
	kinds
)

// frameTime is the period of the budgets, in milliseconds. Browsers reset some
// ten streams when a page is left, and open windows once for each 32 KiB.
const frameTime = 10_000

// budgets are how many frames of each kind are taken in each period. Those of
// resets, pings and windows grow by what the client lets be done for it; see
// mux.earn.
func budgets() [kinds]int {
	return [kinds]int{resets: 200, settings: 20, pings: 50, priorities: 500, windows: 20_000, empties: 200, strays: 5_000}
}

// mostEarned bounds what is earned, in budgets.
const mostEarned = 20

// earnings keep what a client earned: budgets that are for idle connections
// must not cut off those that work hard. What is earned is bounded.
type earnings struct {
	streams int // that ended as they should
	bytes   int // of DATA that were sent; frames would not do: a client can have them as small as it likes (CVE-2019-9511)
}

// What a client has to take for one more window to be opened, and for one more
// PING. Libraries open two windows for each 4 KiB at most.
const (
	windowBytes = 2 << 10
	pingBytes   = 64 << 10
)

func (e *earnings) take(k kind) int {
	n := 0
	switch k {
	case resets: // a client that gives up every fifth request is none that floods
		n, e.streams = e.streams/4, e.streams%4
	case windows:
		n, e.bytes = e.bytes/windowBytes, e.bytes%windowBytes
	case pings: // clients measure the line with them
		n, e.bytes = e.bytes/pingBytes, e.bytes%pingBytes
	case settings, priorities, empties, strays, kinds:
	}
	return n
}

// A counter keeps the budgets of one connection.
type counter struct {
	since int64 // tick at which the period began
	begun bool
	left  [kinds]int
}

// spend takes one of a kind at a tick and reports whether there was one left.
// more says what was earned beside the budget.
func (c *counter) spend(k kind, tick int64, more func(kind) int) bool {
	if !c.begun || tick-c.since > frameTime {
		c.begun, c.since, c.left = true, tick, budgets()
	}
	if c.left[k] <= 0 {
		c.left[k] = min(more(k), mostEarned*budgets()[k])
	}
	c.left[k]--
	return c.left[k] >= 0
}
