package gateway

import (
	"fmt"
	"testing"

	"github.com/sallyport/sallyport/internal/plan"
	"github.com/sallyport/sallyport/risk"
)

// BenchmarkGuards40 runs forty guards that let the exchange pass.
func BenchmarkGuards40(b *testing.B) {
	e := newExchange(&Gateway{})
	e.x.Reset(&e.facts)
	e.unit = &plan.Unit{}
	for i := range 40 {
		e.unit.Guards[risk.Head] = append(e.unit.Guards[risk.Head], plan.Bound{
			Risk: fmt.Sprint("risk-", i), Number: i, Guard: risk.GuardFunc(func(*risk.Exchange) *risk.Denial { return nil }),
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		if e.run(risk.Head) {
			b.Fatal("refused")
		}
	}
	if len(e.ev.Passed) != 40 {
		b.Fatal(e.ev.Passed)
	}
}
