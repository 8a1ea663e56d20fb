package upstream

import (
	"context"
	"time"

	"github.com/sallyport/sallyport/risk"
)

// askOperation is the lane of the gateway's own requests.
const askOperation = "sallyport"

// question asks a silent address for a sign of life. Where it gives none in
// half of the time that silence may last, connecting apart, and has answered
// nobody else meanwhile, its breaker opens.
func (a *address) question(ctx context.Context) {
	began := time.Now()
	wait := a.silence/2 + usualTimes*time.Duration(a.dialled.Load())
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	r := &Request{Method: "OPTIONS", Target: "*", Operation: askOperation, Head: wait, Idle: wait, Till: began.Add(wait), Fields: askFields()}
	if a.probe.Path != "" {
		r.Method, r.Target = "GET", a.probe.Path
	}
	a.asking.Add(1) // it is let in whatever waits, since it is the only one
	a.pending.Add(1)
	var p Response
	err := a.attempt(ctx, a.lane(askOperation), r, &p, pooled)
	if err == nil {
		_ = p.Body.Close() //nolint:errcheck // it has none
		return
	}
	if kind, _ := KindOf(err); kind == Late && a.set.ctx.Err() == nil && a.heard.Load() < began.UnixNano() {
		a.silenced.Store(true)
		a.health.trip(time.Now())
	}
}

func askFields() risk.Fields {
	return risk.Fields{{Name: "User-Agent", Value: "sallyport-health"}, {Name: "Accept", Value: "*/*"}}
}
