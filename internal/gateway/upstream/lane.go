package upstream

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// A server that hangs answers nobody, and says so only when time is up: after
// half a minute, unless the policy says otherwise. So its silence is judged
// earlier, in two ways, and never by the time alone, since many operations are
// slow by nature:
//
//   - An exchange is overdue when its request went out whole and no head of any
//     reply of the same operation came since, for the longest of DefaultSilence
//     (the policy's breaker.silence) and four times what is usual there. What is
//     usual is the longest wait for a head, forgotten slowly. Where fewer than
//     learnedAfter answers are known, nobody can tell slow from hanging: it is a
//     third of the time that the policy gives the operation. Several overdue
//     exchanges in a row (breaker.failures) open the breaker of this operation at
//     this address; the others go on. The first answer closes it.
//   - Where as many are without an answer for DefaultSilence and the address has
//     answered nothing at all meanwhile, whatever the operation, it is asked: GET
//     of the path of its checks, or OPTIONS * (RFC 9110 section 9.3.7). Any head
//     is an answer, at whatever pace the operations are. Where none comes the
//     breaker of the address opens. The first answer to anything closes it.
//
// Uploads, bodies of replies and upgraded connections are no part of it: an
// exchange waits for a head or it does not. Nothing is sent again because of it.
const (
	// DefaultSilence is how long an address may be silent before that means
	// something, where the policy says nothing.
	DefaultSilence = 500 * time.Millisecond
	usualTimes     = 4
	unknownShare   = 3 // of the time for the head, where nothing is known
	learnedAfter   = 8 // answers
	forgets        = 64
	lanes          = 2048 // of one address
	probes         = 8    // places where the lane of an operation may be; where all are others', the last is shared
	askEvery       = time.Second
)

// A lane is what is known of one operation at one address.
type lane struct {
	operation string // whose it is

	health breaker      // opened by silence alone
	bodies cooldown     // for those that are of no use
	usual  atomic.Int64 // the longest wait for a head of late, in nanoseconds
	known  atomic.Int64 // answers, up to learnedAfter
	heard  atomic.Int64 // when the last head came, in Unix nanoseconds
}

// heads counts the head of a reply that came at now to what was sent then.
func (l *lane) heads(now, sent time.Time) {
	l.heard.Store(now.UnixNano())
	l.health.heal()
	if sent.IsZero() {
		return
	}
	took := now.Sub(sent)
	// Two that learn at once may lose one of both, which is as good.
	switch usual := l.usual.Load(); {
	case int64(took) > usual:
		l.usual.Store(int64(took))
	case int64(took) < usual/2:
		l.usual.Store(usual - (usual-int64(took))/forgets)
	}
	if l.known.Load() < learnedAfter {
		l.known.Add(1)
	}
}

// patience is how long a reply may take before the operation is overdue, and
// how long before that says something of the address.
func (l *lane) patience(silence, head time.Duration) (own, address time.Duration) {
	if l.known.Load() < learnedAfter {
		if head <= 0 {
			head = writeTime
		}
		return max(silence, head/unknownShare), silence
	}
	own = max(silence, usualTimes*time.Duration(l.usual.Load()))
	return own, own
}

// A hush is the silence of an address or a lane, as one exchange hears it.
type hush struct {
	after time.Duration
	told  int64 // when it was told last, in Unix nanoseconds
}

// listen tells whether the silence since sent and heard is to be told now, and
// otherwise when to listen again. It is told once for each silence.
func (h *hush) listen(now, sent, heard int64) (tell bool, next int64) {
	if h.told != 0 && h.told >= heard {
		return false, now + usualTimes*int64(h.after)
	}
	if since := max(sent, heard); now-since < int64(h.after) {
		return false, since + int64(h.after)
	}
	h.told = now
	return true, now + usualTimes*int64(h.after)
}

// A vigil is how one exchange listens to the silence of its address. It belongs
// to the goroutine that reads the head.
type vigil struct {
	end       *address
	lane      *lane
	own, wide hush
	next      int64 // when to listen again, in Unix nanoseconds; 0: not
}

// begin is called when the request has gone out whole.
func (v *vigil) begin(sent time.Time, head time.Duration) {
	v.own.after, v.wide.after = v.lane.patience(v.end.silence, head)
	v.next = sent.UnixNano() + int64(min(v.own.after, v.wide.after))
}

// listen is called at next.
func (v *vigil) listen(sent, now time.Time) {
	at, from := now.UnixNano(), sent.UnixNano()
	own, first := v.own.listen(at, from, v.lane.heard.Load())
	wide, second := v.wide.listen(at, from, v.end.heard.Load())
	v.next = min(first, second)
	if own {
		v.lane.health.late(now)
	}
	if wide {
		v.end.hushed(now)
	}
}

// lane is what is known of an operation here.
func (a *address) lane(operation string) *lane {
	var l *lane
	for k, h := uint64(0), maphash.String(a.set.seed, operation); k < probes; k++ {
		at := &a.lanes[(h+k)%lanes]
		if l = at.Load(); l == nil {
			at.CompareAndSwap(nil, &lane{operation: operation, health: breaker{conf: a.health.conf}, bodies: cooldown{conf: a.health.conf}})
			l = at.Load()
		}
		if l.operation == operation {
			break
		}
	}
	return l
}

// heads counts a head of a reply to what was sent then; the zero time: it came
// before the request had gone out, which says nothing of the pace.
func (a *address) heads(l *lane, sent time.Time) {
	now := time.Now()
	a.heard.Store(now.UnixNano())
	if a.quiet.Load() != 0 {
		a.quiet.Store(0)
	}
	if a.silenced.Load() && a.silenced.CompareAndSwap(true, false) {
		a.health.heal()
	}
	l.heads(now, sent)
}

// hushed counts an exchange to which the address is silent, and asks it where
// there were several in a row.
func (a *address) hushed(now time.Time) {
	if a.health.state(now) != Closed {
		if a.silenced.Load() {
			a.health.late(now) // the trial, if it was one
		}
		return
	}
	if int(a.quiet.Add(1)) < a.health.conf.most() {
		return
	}
	last := a.asked.Load()
	if now.UnixNano()-last < int64(askEvery) || !a.asked.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	a.set.start(a.question)
}

// shut counts the operations whose breaker is not closed, and how often those
// of all opened.
func (a *address) shut(now time.Time) (n int, opens int64) {
	for i := range a.lanes {
		l := a.lanes[i].Load()
		if l == nil {
			continue
		}
		opens += l.health.opens.Load() + l.bodies.opens.Load()
		if l.health.state(now) != Closed || !l.bodies.over(now) {
			n++
		}
	}
	return n, opens
}

// quietNow tells whether several exchanges in a row are without an answer.
func (a *address) quietNow() bool { return int(a.quiet.Load()) >= a.health.conf.most() }
