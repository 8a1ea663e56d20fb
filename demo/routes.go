package demo

import "net/http"

// routes is the router. The sound twin offers what the document declares; the
// weak one also old and internal paths, and some methods that nobody declared.
func (a *API) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /health", a.health)
	m.HandleFunc("POST /login", a.login)
	m.HandleFunc("POST /login/form", a.loginForm)
	m.HandleFunc("POST /logout", a.logout)
	m.HandleFunc("GET /go", a.redirect)
	m.HandleFunc("POST /newsletter", a.visited(a.subscribe))
	m.HandleFunc("POST /wishes", a.visited(a.createWish))
	m.HandleFunc("GET /wishes/{wishId}", a.visited(a.getWish))
	m.HandleFunc("DELETE /wishes/{wishId}", a.visited(a.deleteWish))

	m.HandleFunc("GET /customers", a.known(a.listCustomers))
	m.HandleFunc("POST /customers", a.known(a.createCustomer))
	m.HandleFunc("GET /customers/{customerId}", a.known(a.getCustomer))
	m.HandleFunc("PATCH /customers/{customerId}", a.known(a.updateCustomer))
	m.HandleFunc("DELETE /customers/{customerId}", a.known(a.deleteCustomer))
	m.HandleFunc("PUT /customers/{customerId}/password", a.known(a.setPassword))
	m.HandleFunc("GET /customers/{customerId}/accounts", a.known(a.listAccounts))
	m.HandleFunc("POST /customers/{customerId}/accounts", a.known(a.openAccount))

	m.HandleFunc("GET /accounts/{accountId}", a.known(a.getAccount))
	m.HandleFunc("PATCH /accounts/{accountId}", a.known(a.updateAccount))
	m.HandleFunc("POST /accounts/{accountId}/transfers", a.known(a.transfer))
	m.HandleFunc("GET /accounts/{accountId}/statement", a.known(a.statement))

	m.HandleFunc("GET /orders", a.known(a.listOrders))
	m.HandleFunc("POST /orders", a.known(a.createOrder))
	m.HandleFunc("GET /orders/{orderId}", a.known(a.getOrder))
	m.HandleFunc("PATCH /orders/{orderId}", a.known(a.updateOrder))
	m.HandleFunc("DELETE /orders/{orderId}", a.known(a.cancelOrder))
	m.HandleFunc("GET /orders/{orderId}/events", a.known(a.orderEvents))

	m.HandleFunc("GET /admin/customers", a.admin(a.adminCustomers))
	m.HandleFunc("PUT /admin/customers/{customerId}/role", a.admin(a.setRole))
	if !a.sound {
		m.HandleFunc("GET /internal/debug", a.debug)
		m.HandleFunc("GET /v0/customers/{customerId}", a.oldCustomer)
		m.HandleFunc("PUT /orders/{orderId}", a.replaceOrder)
		m.HandleFunc("GET /v1/orders/{orderId}", a.getOrder)
	}
	m.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { a.missing(w) })
	return m
}

// health says that the API is up.
func (a *API) health(w http.ResponseWriter, _ *http.Request) {
	a.reply(w, http.StatusOK, record{"status": "ok"})
}

// debug is the page that somebody forgot.
func (a *API) debug(w http.ResponseWriter, _ *http.Request) {
	a.reply(w, http.StatusOK, record{
		"env":     record{"DB_PASSWORD": "correct-horse-battery", "PAYMENT_KEY": "pk_demo_4eC39HqLyjWDarjtT1"},
		"version": "0.3.1", "schema": schema,
	})
}

// oldCustomer is the first version of the API, which nobody switched off.
func (a *API) oldCustomer(w http.ResponseWriter, r *http.Request) {
	id, err := a.number(r, "customerId")
	if err != nil {
		a.fail(w, err)
		return
	}
	rec, err := a.row(r.Context(), "SELECT * FROM customers WHERE id = ?", id)
	a.give(w, http.StatusOK, rec, err)
}
