package demo

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// accountFields are what the document lets a client see of an account.
func accountFields() []string {
	return []string{"id", "customer_id", "label", "currency", "balance", "status"}
}

// listAccounts lists those of one customer.
func (a *API) listAccounts(w http.ResponseWriter, r *http.Request) {
	c := a.customer(w, r)
	if c == nil {
		return
	}
	recs, err := a.rows(r.Context(), "SELECT * FROM accounts WHERE customer_id = ? ORDER BY id", c["id"])
	if err != nil {
		a.fail(w, err)
		return
	}
	size, err := a.pageSize(r)
	if err != nil {
		a.fail(w, err)
		return
	}
	recs = recs[:min(len(recs), size)]
	for i := range recs {
		recs[i] = a.show(recs[i], accountFields()...)
	}
	a.reply(w, http.StatusOK, record{"items": recs, "page_size": size})
}

// maxPage is the largest page of the sound twin.
const maxPage = 100

// pageSize is how many elements a request asks for. The weak twin gives any
// number.
func (a *API) pageSize(r *http.Request) (int, error) {
	text := r.URL.Query().Get("page_size")
	if text == "" {
		return maxPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, wrong("parameter page_size is not valid")
	}
	if a.sound {
		n = min(n, maxPage)
	}
	return n, nil
}

// openAccount adds one; the weak twin opens it with any balance.
func (a *API) openAccount(w http.ResponseWriter, r *http.Request) {
	c := a.customer(w, r)
	if c == nil {
		return
	}
	in, err := a.body(r, field{"label", required, text(1, 40)}, field{"currency", required, oneOf("EUR", "GBP", "USD")})
	if err != nil {
		a.fail(w, err)
		return
	}
	last, err := a.row(r.Context(), "SELECT coalesce(max(CAST(substr(id, 5) AS INTEGER)), 1000) + 1 AS n FROM accounts")
	if err != nil {
		a.fail(w, err)
		return
	}
	in["id"], in["customer_id"] = fmt.Sprintf("acc_%04d", last["n"]), c["id"]
	rec, err := a.insert(r.Context(), "accounts", in)
	a.give(w, http.StatusCreated, a.show(rec, accountFields()...), err)
}

// account is the account that the path names, if the caller may touch it;
// where not, it has answered and returns nil.
func (a *API) account(w http.ResponseWriter, r *http.Request) record {
	rec, err := a.row(r.Context(), "SELECT * FROM accounts WHERE id = ?", r.PathValue("accountId"))
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

// getAccount shows one.
func (a *API) getAccount(w http.ResponseWriter, r *http.Request) {
	if rec := a.account(w, r); rec != nil {
		a.reply(w, http.StatusOK, a.show(rec, accountFields()...))
	}
}

// updateAccount changes the label, and in the weak twin the balance too.
func (a *API) updateAccount(w http.ResponseWriter, r *http.Request) {
	rec := a.account(w, r)
	if rec == nil {
		return
	}
	in, err := a.body(r, field{"label", optional, text(1, 40)}, field{"status", optional, oneOf("open", "frozen")})
	if err != nil {
		a.fail(w, err)
		return
	}
	out, err := a.update(r.Context(), "accounts", rec["id"], in)
	a.give(w, http.StatusOK, a.show(out, accountFields()...), err)
}

// transfer moves money between accounts. The weak twin takes negative amounts,
// and panics where the other account is not named by a text.
func (a *API) transfer(w http.ResponseWriter, r *http.Request) {
	from := a.account(w, r)
	if from == nil {
		return
	}
	in, err := a.body(r, field{"to", required, pattern(`acc_[0-9]{4}`)}, field{"amount", required, whole(1, 1e9)},
		field{"reference", optional, text(0, 140)})
	if err != nil {
		a.fail(w, err)
		return
	}
	if a.sound && !pattern(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)(r.Header.Get("Idempotency-Key")) {
		a.fail(w, wrong("header Idempotency-Key is not valid"))
		return
	}
	to, amount := in["to"].(string), int64(in["amount"].(float64))
	dest, err := a.row(r.Context(), "SELECT * FROM accounts WHERE id = ?", to)
	if err != nil {
		a.fail(w, err)
		return
	}
	if a.sound && dest == nil {
		a.missing(w)
		return
	}
	if a.sound && from["balance"].(int64) < amount {
		a.refuse(w, http.StatusConflict, "balance_too_low", "the balance is too low")
		return
	}
	_ = dest["id"].(string) // the weak twin has not checked that it exists
	const query = "UPDATE accounts SET balance = balance + CASE WHEN id = ? THEN -? ELSE ? END WHERE id IN (?, ?)"
	if _, err := a.exec(r.Context(), query, from["id"], amount, amount, from["id"], to); err != nil {
		a.fail(w, err)
		return
	}
	out, err := a.row(r.Context(), "SELECT id, balance FROM accounts WHERE id = ?", from["id"])
	a.give(w, http.StatusCreated, out, err)
}

// statement is a file of comma-separated values, sent as binary.
func (a *API) statement(w http.ResponseWriter, r *http.Request) {
	rec := a.account(w, r)
	if rec == nil {
		return
	}
	month := r.URL.Query().Get("month")
	if a.sound && !pattern(`20[0-9]{2}-(?:0[1-9]|1[0-2])`)(month) {
		a.fail(w, wrong("parameter month is not valid"))
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "account,month,currency,balance\r\n%v,%.20q,%v,%v\r\n", rec["id"], month, rec["currency"], rec["balance"])
	if !a.sound {
		fmt.Fprintf(&b, "risk_score,%v\r\n", rec["risk_score"])
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", `attachment; filename="statement.csv"`)
	w.Write([]byte(b.String()))
}
