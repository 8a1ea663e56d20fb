package demo

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// orderFields are what the document lets a client see of an order.
func orderFields() []string {
	return []string{"id", "customer_id", "status", "total", "currency", "note", "created_at"}
}

// listOrders lists those of a customer, by status. The weak twin puts the
// status into the statement.
func (a *API) listOrders(w http.ResponseWriter, r *http.Request) {
	limit, offset, err := a.page(r)
	if err != nil {
		a.fail(w, err)
		return
	}
	q := r.URL.Query()
	customer, err := strconv.ParseInt(q.Get("customer_id"), 10, 64)
	if err != nil {
		a.fail(w, wrong("parameter customer_id is not valid"))
		return
	}
	if !a.owns(r, customer) {
		a.missing(w)
		return
	}
	status, err := belted(q.Get("status"))
	if err != nil {
		a.fail(w, err)
		return
	}
	if a.sound && status != "" && !oneOf("draft", "paid", "shipped", "cancelled")(status) {
		a.fail(w, wrong("parameter status is not valid"))
		return
	}
	query, args := "SELECT * FROM orders WHERE customer_id = ?", []any{customer}
	switch {
	case status == "":
	case a.sound:
		query, args = query+" AND status = ?", append(args, status)
	default:
		query += " AND status = '" + status + "'"
	}
	recs, err := a.rows(r.Context(), query+" ORDER BY id LIMIT ? OFFSET ?", append(args, limit, offset)...)
	if err != nil {
		a.fail(w, err)
		return
	}
	for i := range recs {
		recs[i] = a.show(recs[i], orderFields()...)
	}
	a.reply(w, http.StatusOK, record{"items": recs, "limit": limit})
}

// createOrder adds one for the caller. The weak twin believes the prices and
// quantities that it is sent.
func (a *API) createOrder(w http.ResponseWriter, r *http.Request) {
	in, err := a.body(r, field{"customer_id", required, whole(1, 1e9)}, field{"note", optional, text(0, 200)},
		field{"items", required, func(v any) bool { l, ok := v.([]any); return ok && len(l) >= 1 && len(l) <= 20 }})
	if err != nil {
		a.fail(w, err)
		return
	}
	if n, _ := in["customer_id"].(float64); !a.owns(r, int64(n)) {
		a.missing(w)
		return
	}
	total, err := a.price(r, in)
	if err != nil {
		a.fail(w, err)
		return
	}
	if _, set := in["total"]; !set || a.sound {
		in["total"] = total
	}
	in["margin"], in["created_at"] = total/2, a.now().UTC().Format("2006-01-02T15:04:05Z")
	rec, err := a.insert(r.Context(), "orders", in)
	if rec != nil {
		w.Header().Set("Location", fmt.Sprintf("/orders/%v", rec["id"]))
	}
	a.give(w, http.StatusCreated, a.show(rec, orderFields()...), err)
}

// price adds up the items of an order, in cents.
func (a *API) price(r *http.Request, in record) (int64, error) {
	items, _ := in["items"].([]any)
	total := int64(0)
	for _, v := range items[:min(len(items), 20)] {
		item, _ := v.(map[string]any)
		if err := check(item, []field{{"sku", required, pattern(`[A-Z]{3}-[0-9]{4}`)}, {"quantity", required, whole(1, 100)}}); err != nil && a.sound {
			return 0, err
		}
		product, err := a.row(r.Context(), "SELECT price FROM products WHERE sku = ?", item["sku"])
		if err != nil {
			return 0, err
		}
		if product == nil {
			return 0, wrong("there is no such product")
		}
		n, _ := item["quantity"].(float64)
		total += product["price"].(int64) * int64(n)
	}
	return total, nil
}

// order is the order that the path names, if the caller may touch it; where
// not, it has answered and returns nil.
func (a *API) order(w http.ResponseWriter, r *http.Request) record {
	return a.owned(w, r, "orderId", "SELECT * FROM orders WHERE id = ?")
}

// owned is the row that query finds by the number called param in the path, if
// the caller may touch it; where not, it has answered and returns nil.
func (a *API) owned(w http.ResponseWriter, r *http.Request, param, query string) record {
	id, err := a.number(r, param)
	if err != nil {
		a.fail(w, err)
		return nil
	}
	rec, err := a.row(r.Context(), query, id)
	if err != nil {
		a.fail(w, err)
		return nil
	}
	if rec == nil || !a.owns(r, rec["customer_id"]) {
		a.missing(w)
		return nil
	}
	return rec
}

// getOrder shows one. The weak twin has a switch that nobody declared.
func (a *API) getOrder(w http.ResponseWriter, r *http.Request) {
	rec := a.order(w, r)
	if rec == nil {
		return
	}
	out := a.show(rec, orderFields()...)
	if !a.sound && r.URL.Query().Has("debug") {
		out["note"] = fmt.Sprintf("debug: SELECT * FROM orders WHERE id = %v; margin %v", rec["id"], rec["margin"])
	}
	a.reply(w, http.StatusOK, out)
}

// updateOrder changes note and status, and in the weak twin anything.
func (a *API) updateOrder(w http.ResponseWriter, r *http.Request) {
	rec := a.order(w, r)
	if rec == nil {
		return
	}
	in, err := a.body(r, field{"note", optional, text(0, 200)}, field{"status", optional, oneOf("draft", "paid")})
	if err != nil {
		a.fail(w, err)
		return
	}
	out, err := a.update(r.Context(), "orders", rec["id"], in)
	a.give(w, http.StatusOK, a.show(out, orderFields()...), err)
}

// replaceOrder is a method that nobody declared: it writes over the whole row.
func (a *API) replaceOrder(w http.ResponseWriter, r *http.Request) { a.updateOrder(w, r) }

// cancelOrder marks one as cancelled.
func (a *API) cancelOrder(w http.ResponseWriter, r *http.Request) {
	rec := a.order(w, r)
	if rec == nil {
		return
	}
	if _, err := a.update(r.Context(), "orders", rec["id"], record{"status": "cancelled"}); err != nil {
		a.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// orderEvents streams what happened to an order as server-sent events, and
// stays for `wait` seconds with a beat each second.
func (a *API) orderEvents(w http.ResponseWriter, r *http.Request) {
	rec := a.order(w, r)
	if rec == nil {
		return
	}
	wait := 0
	if s := r.URL.Query().Get("wait"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > maxStream {
			a.fail(w, wrong("parameter wait is not valid"))
			return
		}
		wait = n
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	steps := []string{"draft"}
	if s := fmt.Sprint(rec["status"]); s != "draft" {
		steps = append(steps, strings.TrimSpace(s))
	}
	for i, s := range steps {
		fmt.Fprintf(w, "id: %d\nevent: status\ndata: {\"order_id\":%v,\"status\":%q}\n\n", i+1, rec["id"], s)
	}
	beat := time.NewTicker(time.Second)
	defer beat.Stop()
	for ; wait > 0 && out.Flush() == nil; wait-- {
		select {
		case <-r.Context().Done():
			return
		case <-beat.C:
			fmt.Fprint(w, ": beat\n\n")
		}
	}
}
