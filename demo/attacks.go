package demo

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// An Attack is one unlawful request that works on the weak API.
type Attack struct {
	Name string
	// Risk is the id of the risk that stops it, such as authn; empty where none
	// of those that Sallyport knows does.
	Risk string
	As   Caller // whose key to send; Nobody for none
	// Plain says to send it in clear text to the port of the API, also where
	// the API speaks TLS.
	Plain bool
	Request
	succeeded func(reply) bool
}

// reply is what an attack is judged by.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// Succeeded tells whether a reply shows that the attack had its effect. It
// judges by what the reply contains, never by the status alone.
func (a Attack) Succeeded(status int, header http.Header, body []byte) bool {
	return a.succeeded(reply{status, header, body})
}

func (r reply) ok() bool { return r.status >= 200 && r.status < 300 }

// shows is met by a success whose body has all of these texts.
func shows(texts ...string) func(reply) bool {
	return func(r reply) bool {
		for _, t := range texts {
			if !bytes.Contains(r.body, []byte(t)) {
				return false
			}
		}
		return r.ok()
	}
}

// leaks is met by a reply of any status whose body matches.
func leaks(re string) func(reply) bool {
	c := regexp.MustCompile(re)
	return func(r reply) bool { return c.Match(r.body) }
}

// evil is where the attacker's pages come from.
const evil = "https://evil.example"

// Attacks are the unlawful requests, independent of each other. Each works on
// a fresh weak copy, and after Traffic and the others.
func Attacks() []Attack {
	var all []Attack
	for _, part := range [][]Attack{entryAttacks(), contractAttacks(), replyAttacks(), browserAttacks(), confusionAttacks(), logicAttacks()} {
		all = append(all, part...)
	}
	return all
}

// entryAttacks come in without TLS, without a key or by an unknown door.
func entryAttacks() []Attack {
	return []Attack{
		{"read an account in clear text", "transport", Alice, true, get("/accounts/acc_1001"), shows(`"balance":`)},
		{"send a password in clear text", "transport", Bob, true,
			send("POST", "/login", `{"email":"bob@example.com","password":"bob-secret-1"}`), shows(`"token":`)},
		{"list customers without a key", "authn", Nobody, false, get("/customers"), shows("bob@example.com")},
		{"become an administrator without a key", "authn", Nobody, false,
			send("PUT", "/admin/customers/2/role", `{"role":"admin"}`), shows(`"role":"admin"`)},
		{"send the key in the URL, which logs keep", "urlsecrets", Nobody, false,
			get("/orders/41?api_key=" + url.QueryEscape(Alice.Key())), shows(`"id":41`)},
		{"open the forgotten debug page", "undeclared", Alice, false, get("/internal/debug"), shows("DB_PASSWORD")},
		{"use the old version of the API", "undeclared", Alice, false, get("/v0/customers/2"), shows("password_hash")},
		{"use an operation after its end", "retired", Alice, false, get("/v1/orders/41"), shows(`"id":41`)},
		{"use a method that nobody declared", "methods", Alice, false,
			send("PUT", "/orders/42", `{"status":"shipped"}`), shows(`"id":42`, `"status":"shipped"`)},
		{"use a parameter that nobody declared", "undeclared", Alice, false, get("/orders/41?debug=1"), shows("SELECT * FROM orders")},
		{"send JSON as text, as a foreign page can", "undeclared", Alice, false,
			send("PATCH", "/accounts/acc_1002", `{"label":"csrf was here"}`).with("Content-Type", "text/plain"), shows("csrf was here")},
	}
}

// contractAttacks send what the document rules out.
func contractAttacks() []Attack {
	return []Attack{
		{"join as an administrator", "request", Carol, false, send("POST", "/customers",
			`{"name":"Mallory","email":"mallory@example.com","password":"mallory-secret","role":"admin"}`), shows(`"role":"admin"`)},
		{"open an account with a balance", "request", Alice, false, send("POST", "/customers/1/accounts",
			`{"label":"gift","currency":"EUR","balance":7777777}`), shows(`"balance":7777777`)},
		{"order minus ten pots", "request", Alice, false, send("POST", "/orders",
			`{"customer_id":1,"items":[{"sku":"POT-0003","quantity":-10}]}`), shows(`"total":-39000`)},
		{"pay a negative amount", "request", Alice, false, send("POST", "/accounts/acc_1002/transfers",
			`{"to":"acc_2001","amount":-40000}`).with("Idempotency-Key", idempotencyKey), shows(`"balance":`)},
		{"store a number as a name", "request", Alice, false, send("PATCH", "/customers/1", `{"name":12345}`), shows(`"name":12345`)},
		{"inject SQL through an enumeration", "request", Alice, false,
			get("/orders?customer_id=1&status=" + url.QueryEscape("x' OR id = '42")), shows("back door")},
		{"ask for a page of a million accounts", "consumption", Alice, false, get("/customers/1/accounts?page_size=1000000"), shows(`"page_size":1000000`)},
		{"ask for a page of a million", "request", Alice, false, get("/customers?limit=1000000"), shows(`"limit":1000000`)},
		{"put an expression where an id belongs", "request", Alice, false, get("/orders/41%20OR%201=1"), shows(`"id":41`)},
		{"redirect a browser to a foreign site", "request", Alice, false, get("/go?to=" + url.QueryEscape(evil+"/login")),
			func(r reply) bool {
				return r.status >= 300 && r.status < 400 && strings.HasPrefix(r.header.Get("Location"), evil)
			}},
	}
}

// replyAttacks are lawful requests whose replies say too much.
func replyAttacks() []Attack {
	return []Attack{
		{"read a password hash from a customer", "excessdata", Alice, false, get("/customers/1"), shows("password_hash")},
		{"read the internal notes", "excessdata", Alice, false, get("/customers/1"), shows("internal_notes")},
		{"read back a write-only tax number", "excessdata", Alice, false, get("/customers/1"), shows("tax_id")},
		{"read the risk score of an account", "excessdata", Alice, false, get("/accounts/acc_1001"), shows("risk_score")},
		{"read all password hashes as an administrator", "excessdata", Carol, false, get("/admin/customers"), shows("password_hash")},
		{"read a wish in JSON that two parsers read as two", "reply", Alice, false, get("/wishes/2").from(ownPage), shows(`"text":"a cup","text":"ten cups"`)},
		{"make it panic and read the stack", "errors", Alice, false, send("POST", "/accounts/acc_1001/transfers",
			`{"to":"acc_9999","amount":1}`).with("Idempotency-Key", idempotencyKey), leaks(`goroutine \d+|\.go:\d+`)},
		{"break the SQL and read the statement", "errors", Alice, false, get("/customers?q=%27"), leaks(`SELECT id, name`)},
		{"read SQL from a declared error", "errors", Carol, false, send("POST", "/customers",
			`{"name":"Bob Two","email":"bob@example.com","password":"bob-secret-2"}`), leaks(`INSERT INTO customers`)},
		{"read what the server is made of", "disclosure", Alice, false, get("/orders/41"), func(r reply) bool {
			return r.ok() && (r.header.Get("X-Powered-By") != "" || strings.Contains(r.header.Get("Server"), "sqlite"))
		}},
		{"learn the name of the database host", "disclosure", Alice, false, get("/orders/41"), func(r reply) bool {
			return r.ok() && r.header.Get("X-Backend-Host") != ""
		}},
		{"come from an address of one's choice", "forwarded", Alice, false, get("/orders/41").with("Client-Ip", "203.0.113.9"), func(r reply) bool {
			return r.ok() && r.header.Get("X-Seen-From") == "203.0.113.9"
		}},
		{"have a reply sniffed and framed", "headers", Alice, false, get("/orders/41"), func(r reply) bool {
			return r.ok() && r.header.Get("X-Content-Type-Options") != "nosniff"
		}},
		{"have an order kept by a cache", "caching", Alice, false, get("/orders/41"), func(r reply) bool {
			return r.ok() && !strings.Contains(r.header.Get("Cache-Control"), "no-store")
		}},
	}
}

// browserAttacks come from a page of the attacker in the browser of a user.
func browserAttacks() []Attack {
	open := func(r reply) bool {
		from := r.header.Get("Access-Control-Allow-Origin")
		return r.status < 400 && (from == evil || from == "null") && r.header.Get("Access-Control-Allow-Credentials") == "true"
	}
	preflight := Request{Method: http.MethodOptions, Path: "/customers/2"}
	return []Attack{
		{"have the login lead to a foreign site", "redirect", Alice, false, get("/go?to=/orders&then=" + url.QueryEscape(`/\evil.example/login`)),
			func(r reply) bool {
				return r.status >= 300 && r.status < 400 && r.header.Get("Location") == `/\evil.example/login`
			}},
		{"send a form from a foreign page", "csrf", Nobody, false,
			Request{"POST", "/newsletter", http.Header{"Content-Type": {formType}}, "topic=offers"}.from(foreignPage), shows(`"subscribed":"offers"`)},
		{"have a visitor of a foreign page make a wish", "csrf", Nobody, false,
			send("POST", "/wishes", `{"text":"all the silver"}`).with("Content-Type", "text/plain").from(foreignPage), shows(`"text":"all the silver"`)},
		{"read an order from a foreign page", "cors", Alice, false, get("/orders/41").with("Origin", evil), open},
		{"read an order from a sandboxed page", "cors", Alice, false, get("/orders/41").with("Origin", "null"), open},
		{"get leave to delete from a foreign page", "cors", Nobody, false,
			preflight.with("Origin", evil).with("Access-Control-Request-Method", "DELETE"), func(r reply) bool {
				return open(r) && strings.Contains(r.header.Get("Access-Control-Allow-Methods"), "DELETE")
			}},
		{"steal the session cookie", "cookies", Bob, false,
			send("POST", "/login", `{"email":"bob@example.com","password":"bob-secret-1"}`), func(r reply) bool {
				c := strings.ToLower(r.header.Get("Set-Cookie"))
				return strings.HasPrefix(c, "session=") && (!strings.Contains(c, "secure") || !strings.Contains(c, "httponly"))
			}},
	}
}

// logicAttacks are lawful by the document: only who sends them, or what the
// text means, makes them wrong.
func logicAttacks() []Attack {
	union := url.QueryEscape("x' UNION SELECT id, password_hash, email, status FROM customers --")
	return []Attack{
		{"read the order of another", "", Alice, false, get("/orders/42"), shows("key under the mat")},
		{"read the account of another", "", Alice, false, get("/accounts/acc_2001"), shows(`"customer_id":2`)},
		{"list the orders of another", "", Alice, false, get("/orders?customer_id=2"), shows(`"customer_id":2`)},
		{"pay from the account of another", "", Alice, false, send("POST", "/accounts/acc_2001/transfers",
			`{"to":"acc_1001","amount":100}`).with("Idempotency-Key", idempotencyKey), shows(`"id":"acc_2001"`)},
		{"do the work of an administrator", "bfla", Alice, false, send("PUT", "/admin/customers/1/role", `{"role":"admin"}`), shows(`"role":"admin"`)},
		{"raise one's own balance", "massassign", Alice, false, send("PATCH", "/accounts/acc_1001", `{"balance":99999999}`), shows(`"balance":99999999`)},
		{"set one's own price", "", Alice, false, send("PATCH", "/orders/43", `{"total":1}`), leaks(`"total":1[,}]`)},
		{"read the margin of an order", "", Alice, false, get("/orders/41"), shows("margin")},
		{"inject SQL through a search", "", Alice, false, get("/customers?q=" + union), leaks(`"name":"[0-9a-f]{64}"`)},
	}
}
