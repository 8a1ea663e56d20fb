package demo

import (
	"fmt"
	"net/http"
)

// customerFields are what the document lets a client see of a customer.
func customerFields() []string {
	return []string{"id", "name", "email", "phone", "role", "status", "created_at"}
}

const (
	phonePattern = `\+[0-9]{6,15}`
	taxPattern   = `[A-Z]{2}-[0-9]{3}-[0-9]{3}-[0-9]{3}`
)

// listCustomers lists summaries. The weak twin puts the search text into the
// statement.
func (a *API) listCustomers(w http.ResponseWriter, r *http.Request) {
	limit, offset, err := a.page(r)
	if err != nil {
		a.fail(w, err)
		return
	}
	q, err := belted(r.URL.Query().Get("q"))
	if err != nil {
		a.fail(w, err)
		return
	}
	var recs []record
	if a.sound {
		const query = `SELECT id, name, email, status FROM customers
			WHERE name LIKE '%' || ? || '%' AND (id = ? OR ? = 'admin') ORDER BY id LIMIT ? OFFSET ?`
		recs, err = a.rows(r.Context(), query, q, who(r).id, who(r).role, limit, offset)
	} else {
		recs, err = a.rows(r.Context(), fmt.Sprintf(
			"SELECT id, name, email, status FROM customers WHERE name LIKE '%%%s%%' ORDER BY id LIMIT %d OFFSET %d", q, limit, offset))
	}
	if err != nil {
		a.fail(w, err)
		return
	}
	a.reply(w, http.StatusOK, record{"items": recs, "limit": limit})
}

// createCustomer adds one. The weak twin binds every column that it is sent.
func (a *API) createCustomer(w http.ResponseWriter, r *http.Request) {
	in, err := a.body(r,
		field{"name", required, text(1, 80)}, field{"email", required, pattern(`[^@\s]{1,60}@[^@\s]{1,60}`)},
		field{"phone", optional, pattern(phonePattern)}, field{"tax_id", optional, pattern(taxPattern)},
		field{"password", required, text(8, 200)})
	if err != nil {
		a.fail(w, err)
		return
	}
	a.hashPassword(in)
	in["created_at"] = a.now().UTC().Format("2006-01-02T15:04:05Z")
	rec, err := a.insert(r.Context(), "customers", in)
	if rec != nil {
		w.Header().Set("Location", fmt.Sprintf("/customers/%v", rec["id"]))
	}
	a.give(w, http.StatusCreated, a.show(rec, customerFields()...), err)
}

// hashPassword replaces a password in rec by its hash.
func (a *API) hashPassword(rec record) {
	if p, ok := rec["password"].(string); ok {
		rec["password_hash"] = hash(p)
	}
	delete(rec, "password")
}

// customer is the customer that the path names, if the caller may touch it;
// where not, it has answered and returns nil.
func (a *API) customer(w http.ResponseWriter, r *http.Request) record {
	id, err := a.number(r, "customerId")
	if err != nil {
		a.fail(w, err)
		return nil
	}
	rec, err := a.row(r.Context(), "SELECT * FROM customers WHERE id = ?", id)
	if err != nil {
		a.fail(w, err)
		return nil
	}
	if rec == nil || !a.owns(r, rec["id"]) {
		a.missing(w)
		return nil
	}
	return rec
}

// getCustomer shows one; the weak twin shows the whole row.
func (a *API) getCustomer(w http.ResponseWriter, r *http.Request) {
	if rec := a.customer(w, r); rec != nil {
		a.reply(w, http.StatusOK, a.show(rec, customerFields()...))
	}
}

// updateCustomer changes contact data, and in the weak twin anything.
func (a *API) updateCustomer(w http.ResponseWriter, r *http.Request) {
	rec := a.customer(w, r)
	if rec == nil {
		return
	}
	in, err := a.body(r, field{"name", optional, text(1, 80)}, field{"phone", optional, pattern(phonePattern)},
		field{"tax_id", optional, pattern(taxPattern)})
	if err != nil {
		a.fail(w, err)
		return
	}
	out, err := a.update(r.Context(), "customers", rec["id"], in)
	a.give(w, http.StatusOK, a.show(out, customerFields()...), err)
}

// deleteCustomer removes one.
func (a *API) deleteCustomer(w http.ResponseWriter, r *http.Request) {
	rec := a.customer(w, r)
	if rec == nil {
		return
	}
	if _, err := a.exec(r.Context(), "DELETE FROM customers WHERE id = ?", rec["id"]); err != nil {
		a.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// setPassword replaces the password; the weak twin does not ask for the old one.
func (a *API) setPassword(w http.ResponseWriter, r *http.Request) {
	rec := a.customer(w, r)
	if rec == nil {
		return
	}
	in, err := a.body(r, field{"old_password", required, text(8, 200)}, field{"password", required, text(8, 200)})
	if err != nil {
		a.fail(w, err)
		return
	}
	old, _ := in["old_password"].(string)
	if a.sound && hash(old) != rec["password_hash"] {
		a.refuse(w, http.StatusForbidden, "forbidden", "the old password is wrong")
		return
	}
	a.hashPassword(in)
	if _, err := a.update(r.Context(), "customers", rec["id"], record{"password_hash": in["password_hash"]}); err != nil {
		a.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// adminCustomers lists all customers; the weak twin shows the whole rows.
func (a *API) adminCustomers(w http.ResponseWriter, r *http.Request) {
	limit, offset, err := a.page(r)
	if err != nil {
		a.fail(w, err)
		return
	}
	recs, err := a.rows(r.Context(), "SELECT * FROM customers ORDER BY id LIMIT ? OFFSET ?", limit, offset)
	if err != nil {
		a.fail(w, err)
		return
	}
	for i := range recs {
		recs[i] = a.show(recs[i], customerFields()...)
	}
	a.reply(w, http.StatusOK, record{"items": recs, "limit": limit})
}

// setRole makes administrators.
func (a *API) setRole(w http.ResponseWriter, r *http.Request) {
	rec := a.customer(w, r)
	if rec == nil {
		return
	}
	in, err := a.body(r, field{"role", required, oneOf("user", "support", "admin")})
	if err != nil {
		a.fail(w, err)
		return
	}
	out, err := a.update(r.Context(), "customers", rec["id"], record{"role": in["role"]})
	a.give(w, http.StatusOK, a.show(out, customerFields()...), err)
}
