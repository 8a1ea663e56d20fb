package demo

import "net/http"

// A Request is what to send: relative to the base URL of the API, the path
// already encoded. Header may be nil and must not be changed.
type Request struct {
	Method string
	Path   string
	Header http.Header
	Body   string
}

// A Step is one lawful request.
type Step struct {
	Name string
	As   Caller // whose key to send
	Request
	Want int // the class of the status: 2, 3 or 4
}

const (
	idempotencyKey = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed"
	formType       = "application/x-www-form-urlencoded"
)

func get(path string) Request { return Request{Method: http.MethodGet, Path: path} }

func send(method, path, body string) Request {
	return Request{Method: method, Path: path, Body: body, Header: http.Header{"Content-Type": {"application/json"}}}
}

// with is r with one more header field.
func (r Request) with(name, value string) Request {
	h := http.Header{}
	if r.Header != nil {
		h = r.Header.Clone()
	}
	h.Set(name, value)
	r.Header = h
	return r
}

// A page is where a browser says that a request comes from.
type page string

const (
	ownPage     page = "same-origin"
	foreignPage page = "cross-site"
)

// from is r as the browser of a customer sends it who logged in to the weak
// twin: alice reads the shop's own page, and bob the attacker's.
func (r Request) from(p page) Request {
	if p == foreignPage {
		return r.with("Cookie", "session=dXNlcj0y").with("Sec-Fetch-Site", string(p)).with("Origin", evil)
	}
	return r.with("Cookie", "session=dXNlcj0x").with("Sec-Fetch-Site", string(p))
}

// Traffic is the lawful use of the API: each operation of Document at least
// once, for a fresh copy, in this order. Attacks may follow it on the same
// copy.
func Traffic() []Step {
	return []Step{
		{"health", Nobody, get("/health"), 2},
		{"alice logs in", Alice, send("POST", "/login", `{"email":"alice@example.com","password":"alice-secret-1"}`), 2},
		{"alice logs in by form", Alice, Request{"POST", "/login/form", http.Header{"Content-Type": {formType}},
			"email=alice%40example.com&password=alice-secret-1"}, 2},
		{"alice goes on to her orders", Alice, get("/go?to=/orders"), 3},
		{"alice subscribes to news of tea", Alice, Request{"POST", "/newsletter", http.Header{"Content-Type": {formType}}, "topic=tea"}.from(ownPage), 2},
		{"alice wishes for a kettle", Alice, send("POST", "/wishes", `{"text":"a kettle"}`).from(ownPage), 2},
		{"alice reads her wish", Alice, get("/wishes/1").from(ownPage), 2},
		{"alice drops a wish", Alice, Request{Method: "DELETE", Path: "/wishes/3"}.from(ownPage), 2},
		{"alice finds herself", Alice, get("/customers?q=Alice&limit=10"), 2},
		{"alice reads her record", Alice, get("/customers/1"), 2},
		{"alice changes her phone number", Alice, send("PATCH", "/customers/1", `{"phone":"+4930999888"}`), 2},
		{"alice replaces her password", Alice, send("PUT", "/customers/1/password", `{"old_password":"alice-secret-1","password":"alice-secret-2"}`), 2},
		{"a customer joins", Carol, send("POST", "/customers",
			`{"name":"Erin O'Neil","email":"erin@example.com","tax_id":"IE-123-456-789","password":"erin-secret-1"}`), 2},
		{"alice lists her accounts", Alice, get("/customers/1/accounts"), 2},
		{"alice opens an account", Alice, send("POST", "/customers/1/accounts", `{"label":"holidays","currency":"EUR"}`), 2},
		{"alice reads her account", Alice, get("/accounts/acc_1001"), 2},
		{"alice renames it", Alice, send("PATCH", "/accounts/acc_1001", `{"label":"daily"}`), 2},
		{"alice pays bob", Alice, send("POST", "/accounts/acc_1001/transfers", `{"to":"acc_2001","amount":1500,"reference":"tea"}`).
			with("Idempotency-Key", idempotencyKey), 2},
		{"alice downloads her statement", Alice, get("/accounts/acc_1001/statement?month=2026-05"), 2},
		{"alice lists her drafts", Alice, get("/orders?customer_id=1&status=draft&limit=5"), 2},
		{"alice orders tea", Alice, send("POST", "/orders",
			`{"customer_id":1,"note":"no sugar","items":[{"sku":"TEA-0001","quantity":2},{"sku":"CUP-0002","quantity":1}]}`).
			with("X-Request-Id", "req-20260501-1"), 2},
		{"alice reads her order", Alice, get("/orders/41").with("X-Request-Id", "req-20260501-2"), 2},
		{"alice pays her order", Alice, send("PATCH", "/orders/43", `{"status":"paid","note":"by card"}`), 2},
		{"alice cancels her order", Alice, Request{Method: "DELETE", Path: "/orders/44"}, 2},
		{"alice follows her order", Alice, get("/orders/41/events?wait=1"), 2},
		{"alice asks for what is not there", Alice, get("/orders/4100"), 4},
		{"carol lists the customers", Carol, get("/admin/customers?limit=50"), 2},
		{"carol makes dave a supporter", Carol, send("PUT", "/admin/customers/4/role", `{"role":"support"}`), 2},
		{"carol removes dave", Carol, Request{Method: "DELETE", Path: "/customers/4"}, 2},
		{"alice logs out", Alice, Request{Method: "POST", Path: "/logout"}, 2},
	}
}
