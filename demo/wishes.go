package demo

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// visited lets h answer those who bring a session: pages of the shop send its
// cookie and no key. The sound twin takes a key too, and nothing that a page of
// another site sent; the weak twin believes every cookie that is well formed,
// and does not ask who had it sent.
func (a *API) visited(h http.HandlerFunc) http.HandlerFunc {
	if a.sound {
		return a.known(func(w http.ResponseWriter, r *http.Request) {
			if from := r.Header.Get("Origin"); r.Method != http.MethodGet && from != "" && from != "https://"+r.Host {
				a.refuse(w, http.StatusForbidden, "forbidden", "pages of other sites may not do this")
				return
			}
			h(w, r)
		})
	}
	return a.keyInURL(func(w http.ResponseWriter, r *http.Request) {
		me, err := a.visitor(r)
		if err != nil {
			a.fail(w, err)
			return
		}
		if me.id == 0 {
			a.refuse(w, http.StatusUnauthorized, "unauthenticated", "a session is required")
			return
		}
		h(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, me)))
	})
}

// visitor is whom the weak twin takes a cookie to be of.
func (a *API) visitor(r *http.Request) (identity, error) {
	c, err := r.Cookie("session")
	if err != nil {
		return identity{}, nil //nolint:nilerr // there is none
	}
	text, _ := base64.StdEncoding.DecodeString(c.Value)                          //nolint:errcheck // what cannot be read names nobody
	id, _ := strconv.ParseInt(strings.TrimPrefix(string(text), "user="), 10, 64) //nolint:errcheck // nor does this
	rec, err := a.row(r.Context(), "SELECT id FROM customers WHERE id = ?", id)
	if err != nil || rec == nil {
		return identity{}, err
	}
	return identity{id: id}, nil
}

// createWish puts something on the visitor's list.
func (a *API) createWish(w http.ResponseWriter, r *http.Request) {
	in, err := a.body(r, field{"text", required, text(1, 80)})
	if err != nil {
		a.fail(w, err)
		return
	}
	rec, err := a.insert(r.Context(), "wishes", record{"customer_id": who(r).id, "text": in["text"]})
	if err != nil {
		a.fail(w, err)
		return
	}
	w.Header().Set("Location", fmt.Sprintf("/wishes/%v", rec["id"]))
	a.reply(w, http.StatusCreated, record{"id": rec["id"], "text": rec["text"]})
}

// wish is the wish that the path names, if the visitor may touch it; where
// not, it has answered and returns nil.
func (a *API) wish(w http.ResponseWriter, r *http.Request) record {
	return a.owned(w, r, "wishId", "SELECT * FROM wishes WHERE id = ?")
}

// getWish shows one. The weak twin writes JSON by hand: a quotation mark in
// the text ends it, and what follows are members of its own.
func (a *API) getWish(w http.ResponseWriter, r *http.Request) {
	rec := a.wish(w, r)
	switch {
	case rec == nil:
	case a.sound:
		a.reply(w, http.StatusOK, record{"id": rec["id"], "text": rec["text"]})
	default:
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":%v,"text":"%v"}`, rec["id"], rec["text"])
	}
}

// deleteWish drops one.
func (a *API) deleteWish(w http.ResponseWriter, r *http.Request) {
	rec := a.wish(w, r)
	if rec == nil {
		return
	}
	if _, err := a.exec(r.Context(), "DELETE FROM wishes WHERE id = ?", rec["id"]); err != nil {
		a.fail(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
