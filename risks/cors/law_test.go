package cors

import (
	"testing"

	"github.com/sallyport/sallyport/internal/risktest"
	"github.com/sallyport/sallyport/risk"
)

// With listed origins the law holds as well, over the real gateway: strangers
// stay out and the list gets in.
func TestTheLawWithListedOrigins(t *testing.T) {
	t.Parallel()
	worlds, err := risktest.Worlds(t.Context(), "testdata")
	if err != nil || len(worlds) == 0 {
		t.Fatal(worlds, err)
	}
	const listed = "https://app.orders.example"
	r := Risk
	r.Params = Params{Origins: []string{listed}, Credentials: true, Expose: []string{"ETag"}}
	w := worlds[0]
	call := func(origin string, want risk.Fields) risktest.Call {
		return risktest.Call{
			Attempt: risk.Attempt{As: "alice", Method: "GET", Path: "/orders", Fields: risk.Fields{{Name: "Origin", Value: origin}}},
			Status:  200, Body: "[1,2]", Exact: true, Fields: want,
		}
	}
	w.Lawful = append(w.Lawful,
		call(listed, risk.Fields{
			{Name: "Access-Control-Allow-Origin", Value: listed}, {Name: "Access-Control-Allow-Credentials", Value: "true"},
			{Name: "Access-Control-Expose-Headers", Value: "ETag"}, {Name: "Vary", Value: "Origin"},
		}),
		call("https://evil.example", risk.Fields{{Name: "Access-Control-Allow-Origin"}, {Name: "Access-Control-Allow-Credentials"}, {Name: "Vary", Value: "Origin"}}),
		call("null", risk.Fields{{Name: "Access-Control-Allow-Origin"}}),
		call(listed+".evil.example", risk.Fields{{Name: "Access-Control-Allow-Origin"}}),
	)
	for _, breach := range w.Judge(t.Context(), r, []risk.Risk{r}) {
		t.Error(breach)
	}
}
