package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
)

// setHeaders is what the twins say with every reply: the weak one what it is
// made of, the sound one how to treat the reply.
func (a *API) setHeaders(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if a.sound {
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		if r.TLS != nil {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return
	}
	h.Set("Server", "orders-api/0.3.1 (go; sqlite 3.45)")
	h.Set("X-Powered-By", "Express 4.15.2")
	h.Set("X-Backend-Host", "orders-db-7.internal")
	h.Set("X-Seen-From", r.RemoteAddr)
	if from := r.Header.Get("X-Real-Ip") + r.Header.Get("Client-Ip"); from != "" {
		h.Set("X-Seen-From", from) // whoever wrote it
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// preflight answers OPTIONS: the weak twin allows whatever is asked for. It
// tells whether it did.
func (a *API) preflight(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodOptions {
		return false
	}
	if a.sound {
		a.refuse(w, http.StatusMethodNotAllowed, "method_not_allowed", "this method is not offered")
		return true
	}
	w.Header().Set("Access-Control-Allow-Methods", r.Header.Get("Access-Control-Request-Method"))
	w.Header().Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	w.WriteHeader(http.StatusNoContent)
	return true
}

// recoverPanic answers for a handler that panicked; the weak twin prints the
// stack.
func (a *API) recoverPanic(w http.ResponseWriter, r *http.Request) {
	p := recover()
	if p == nil {
		return
	}
	if a.sound {
		a.refuse(w, http.StatusInternalServerError, "internal", "something went wrong")
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "panic serving %s %s: %v\n\n%s", r.Method, r.URL, p, debug.Stack())
}

// reply writes v as JSON.
func (a *API) reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("write a reply: %v", err))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(body)
}

// refuse writes the error object of the document.
func (a *API) refuse(w http.ResponseWriter, status int, code, message string) {
	a.reply(w, status, record{"error": record{"code": code, "message": message}})
}

// fail answers for an error. The weak twin shows the SQL: with 400, as the
// document allows, where a constraint spoke; with 500 otherwise.
func (a *API) fail(w http.ResponseWriter, err error) {
	var in *inputError
	conflict := strings.Contains(err.Error(), "constraint failed")
	switch {
	case errors.As(err, &in):
		a.refuse(w, http.StatusBadRequest, "invalid", in.Error())
	case errors.Is(err, errFull):
		a.refuse(w, http.StatusServiceUnavailable, "full", err.Error())
	case conflict && a.sound:
		a.refuse(w, http.StatusBadRequest, "conflict", "a record with this value exists")
	case conflict:
		a.refuse(w, http.StatusBadRequest, "conflict", err.Error())
	case a.sound:
		a.refuse(w, http.StatusInternalServerError, "internal", "something went wrong")
	default:
		a.reply(w, http.StatusInternalServerError, record{"error": record{
			"code": "internal", "message": err.Error(), "stack": string(debug.Stack()), "file": "/srv/orders-api/store.go",
		}})
	}
}

// missing answers for an object that is not there, or not the caller's.
func (a *API) missing(w http.ResponseWriter) {
	a.refuse(w, http.StatusNotFound, "not_found", "there is no such object")
}

// give answers with one record or the lack of it, or for err. The weak twin
// shows every column.
func (a *API) give(w http.ResponseWriter, status int, rec record, err error) {
	switch {
	case err != nil:
		a.fail(w, err)
	case rec == nil:
		a.missing(w)
	default:
		a.reply(w, status, rec)
	}
}

// show is rec with the named fields alone; the weak twin leaves all of them.
func (a *API) show(rec record, names ...string) record {
	if rec == nil || !a.sound {
		return rec
	}
	out := record{}
	for _, n := range names {
		out[n] = rec[n]
	}
	return out
}
