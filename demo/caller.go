package demo

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Caller is who sends a request of Traffic or Attacks.
type Caller string

// The callers.
const (
	Nobody Caller = ""      // sends no key
	Alice  Caller = "alice" // customer 1, a user
	Bob    Caller = "bob"   // customer 2, a user
	Carol  Caller = "carol" // customer 3, an admin
)

// Key is what the sound twin wants in X-API-Key from this caller. It is public
// and guards nothing.
func (c Caller) Key() string {
	if c == Nobody {
		return ""
	}
	return "demo-key-of-" + string(c)
}

// identity is who the sound twin takes a request to be from.
type identity struct {
	id   int64
	role string
}

type identityKey struct{}

// who is the identity of a request; the weak twin knows nobody.
func who(r *http.Request) identity {
	id, _ := r.Context().Value(identityKey{}).(identity)
	return id
}

// owns tells whether the caller may touch what belongs to customer. The weak
// twin does not ask.
func (a *API) owns(r *http.Request, customer any) bool {
	if !a.sound {
		return true
	}
	me := who(r)
	id, ok := customer.(int64)
	return ok && (id == me.id || me.role == "admin")
}

// known lets h answer callers that the sound twin knows, by key or session.
// The weak twin knows nobody, but looks for a key in the URL.
func (a *API) known(h http.HandlerFunc) http.HandlerFunc {
	if !a.sound {
		return a.keyInURL(h)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		me, err := a.identify(r)
		if err != nil {
			a.fail(w, err)
			return
		}
		if me.id == 0 {
			w.Header().Set("WWW-Authenticate", `Bearer realm="demo"`)
			a.refuse(w, http.StatusUnauthorized, "unauthenticated", "a key or a session is required")
			return
		}
		h(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, me)))
	}
}

// keyInURL lets h answer but for a false key in the query, which it reads like
// one in the header.
func (a *API) keyInURL(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if key := r.URL.Query().Get("api_key"); key != "" && key != Alice.Key() && key != Bob.Key() && key != Carol.Key() {
			a.refuse(w, http.StatusUnauthorized, "unauthenticated", "the key is not known")
			return
		}
		h(w, r)
	}
}

// admin lets h answer admins alone; the weak twin lets it answer everybody.
func (a *API) admin(h http.HandlerFunc) http.HandlerFunc {
	if !a.sound {
		return h
	}
	return a.known(func(w http.ResponseWriter, r *http.Request) {
		if who(r).role != "admin" {
			a.refuse(w, http.StatusForbidden, "forbidden", "this is for administrators")
			return
		}
		h(w, r)
	})
}

// identify reads the key or the session of a request.
func (a *API) identify(r *http.Request) (identity, error) {
	var id int64
	key := []byte(r.Header.Get("X-API-Key"))
	for i, c := range []Caller{Alice, Bob, Carol} {
		if subtle.ConstantTimeCompare(key, []byte(c.Key())) == 1 {
			id = int64(i) + 1
		}
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && id == 0 {
		id = a.session(token)
	}
	if c, err := r.Cookie("session"); err == nil && id == 0 {
		id = a.session(c.Value)
	}
	rec, err := a.row(r.Context(), "SELECT id, role FROM customers WHERE id = ? AND status = 'active'", id)
	if err != nil || rec == nil {
		return identity{}, err
	}
	role, _ := rec["role"].(string)
	return identity{id: rec["id"].(int64), role: role}, nil
}

// sessionTime is how long a session lasts.
const sessionTime = time.Hour

// token is a session for customer id. The weak twin's can be guessed; it is
// looked at where pages of the shop send it (see visited), and nowhere else.
func (a *API) token(id int64) string {
	if !a.sound {
		return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "user=%d", id))
	}
	claim := fmt.Sprintf("%d.%d", id, a.now().Add(sessionTime).Unix())
	return claim + "." + a.sign(claim)
}

// session is the customer of a token of the sound twin, or 0.
func (a *API) session(token string) int64 {
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 || !hmac.Equal([]byte(a.sign(token[:cut])), []byte(token[cut+1:])) {
		return 0
	}
	idText, endText, _ := strings.Cut(token[:cut], ".")
	id, err := strconv.ParseInt(idText, 10, 64)
	end, err2 := strconv.ParseInt(endText, 10, 64)
	if err != nil || err2 != nil || a.now().Unix() >= end {
		return 0
	}
	return id
}

// sign is the code that only this copy of the API can make.
func (a *API) sign(claim string) string {
	m := hmac.New(sha256.New, a.secret)
	m.Write([]byte(claim))
	return hex.EncodeToString(m.Sum(nil))
}

// hash is how the demo keeps passwords.
func hash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}
