package transport

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/contract"
	"github.com/sallyport/sallyport/risk"
	"github.com/sallyport/sallyport/source"
)

func TestWhatRefusalsSay(t *testing.T) {
	t.Parallel()
	for version, want := range map[uint16]*risk.Denial{
		0:      {Code: CodePlain, Status: 403, Title: "this API is served over TLS only", Reason: "the request came over plain HTTP", Close: true},
		0x0302: {Code: CodeOldTLS, Status: 403, Title: "this API needs TLS 1.2 or newer", Reason: "the connection uses a version of TLS before 1.2", Close: true},
	} {
		got := build(t, orders(risk.OfAPI)).Check(risk.NewExchange(&risk.Facts{Conn: risk.Conn{TLSVersion: version}, Env: env{}}, nil))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

// asked counts what is verified.
type asked struct {
	env
	n *int
}

func (a asked) Verify(c risk.Credential) (risk.Caller, risk.Verdict) {
	*a.n++
	return a.env.Verify(c)
}

func TestOnlyWhatLooksLikeAKeyOfOursIsVerified(t *testing.T) {
	t.Parallel()
	noPrefix := orders(risk.OfAPI)
	noPrefix.API.KeyPrefix = ""
	for name, c := range map[string]struct {
		site           *risk.Site
		field          risk.Field
		verdict        risk.Verdict
		asked, flagged int
	}{
		"an expired key":               {orders(risk.OfAPI), risk.Field{Name: "X-Api-Key", Value: "sp_live_good"}, risk.Expired, 1, 1},
		"two blanks after the scheme":  {orders(risk.OfAPI), risk.Field{Name: "Authorization", Value: "Bearer  sp_live_good"}, risk.Valid, 1, 1},
		"the scheme alone":             {orders(risk.OfAPI), risk.Field{Name: "Authorization", Value: "Bearer"}, risk.Valid, 0, 0},
		"a token of somebody else":     {orders(risk.OfAPI), risk.Field{Name: "Authorization", Value: "Bearer other"}, risk.Valid, 0, 0},
		"keys without a prefix":        {noPrefix, risk.Field{Name: "Authorization", Value: "Bearer sp_live_good"}, risk.Valid, 0, 0},
		"a request to no API":          {&risk.Site{Scope: risk.OfListener}, risk.Field{Name: "X-Api-Key", Value: "sp_live_good"}, risk.Valid, 0, 0},
		"an unknown key with a prefix": {orders(risk.OfAPI), risk.Field{Name: "X-Api-Key", Value: "sp_live_bad"}, risk.Valid, 1, 0},
	} {
		n := 0
		x := risk.NewExchange(&risk.Facts{Env: asked{env{c.verdict}, &n}, Request: risk.Request{Fields: risk.Fields{c.field}}}, nil)
		if build(t, c.site).Check(x) == nil || n != c.asked || len(x.Flags()) != c.flagged {
			t.Errorf("%s: verified %d times, flags %v", name, n, x.Flags())
		}
	}
}

func TestWhichServersAreElsewhere(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"http://api.example": true, "http://10.1.2.3": true, "http://[2001:db8::1]/": true, "http://localhost.example": true,
		"https://api.example": false, "http://localhost.": false, "http://api.localhost": false, "http://127.0.0.2": false, "http://[::1": false, "": false,
	} {
		if got := plain(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
	var got []string
	lint(&contract.Contract{Operations: []*contract.Operation{{Servers: []contract.Server{{URL: "http://u:p@api.example/v1?k=s"}}}}}, func(d source.Diagnostic) { got = append(got, d.Text) })
	if diff := cmp.Diff([]string{"the server http://api.example is reached without TLS"}, got); diff != "" {
		t.Error(diff)
	}
}

// reads makes a Target with these operations, each read by its own path.
func reads(send func(*risk.Attempt) (*risk.Seen, error), found *[]risk.Finding, ops ...*contract.Operation) *risk.Target {
	return &risk.Target{
		Contract: &contract.Contract{Operations: ops},
		Send:     func(_ context.Context, a *risk.Attempt) (*risk.Seen, error) { return send(a) },
		Lawful: func(op *contract.Operation) (*risk.Attempt, bool) {
			return &risk.Attempt{As: "alice", Method: op.Method, Path: op.Path}, op.Path != "/unknown"
		},
		Report: func(f risk.Finding) { *found = append(*found, f) },
	}
}

func TestTheFirstReadThatSucceedsIsCompared(t *testing.T) {
	t.Parallel()
	ops := []*contract.Operation{
		{Method: "POST", Path: "/made", Key: "POST /made"}, {Method: "GET", Path: "/unknown"}, {Method: "GET", Path: "/broken"}, {Method: "GET", Path: "/missing"},
		{Method: "GET", Path: "/early"}, {Method: "GET", Path: "/odd", Key: "GET /odd"},
	}
	var got []risk.Finding
	err := probe(t.Context(), reads(func(a *risk.Attempt) (*risk.Seen, error) {
		if a.Method != "GET" || a.As != "alice" {
			t.Errorf("sent %+v", a)
		}
		switch {
		case a.Path == "/broken":
			return nil, errors.New("reset")
		case a.Path == "/missing":
			return &risk.Seen{Status: 404, TLS: 0x0304}, nil
		case a.Path == "/early":
			return &risk.Seen{Status: 199, TLS: 0x0304}, nil
		case a.Plain:
			return &risk.Seen{Status: 299, Body: []byte("22")}, nil
		case a.TLS != 0:
			return &risk.Seen{Status: 299, Body: []byte("1")}, nil // in the clear all the same
		}
		return &risk.Seen{Status: 299, Body: []byte("1"), TLS: 0x0304}, nil
	}, &got, ops...))
	if err != nil || len(got) != 1 || got[0].Operation != "GET /odd" || got[0].Code != string(CodePlain) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestWhyThereWasNothingToCompare(t *testing.T) {
	t.Parallel()
	reset := errors.New("reset")
	var got []risk.Finding
	send := func(*risk.Attempt) (*risk.Seen, error) { return nil, reset }
	if err := probe(t.Context(), reads(send, &got, &contract.Operation{Method: "GET"})); !errors.Is(err, reset) || !errors.Is(err, errNoAnswer) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := probe(ctx, reads(send, &got, &contract.Operation{Method: "GET"})); err != context.Canceled { //nolint:errorlint // as it is
		t.Error(err)
	}
}
