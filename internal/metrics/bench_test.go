package metrics

import (
	"testing"

	"github.com/sallyport/sallyport/event"
)

// BenchmarkExchange counts a usual exchange.
func BenchmarkExchange(b *testing.B) {
	m := New()
	e := event.Event{
		API: "orders", Method: "GET", Template: "/orders/{id}", Status: 200, Decision: event.Allow, Micros: 812, BytesOut: 1024,
		Upstream: event.Upstream{Called: true, Status: 200, Micros: 640}, Edits: []event.Edit{{Kind: "disclosure/remove-field"}},
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Exchange(&e)
	}
}
