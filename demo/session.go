package demo

import (
	"crypto/subtle"
	"net/http"
	"regexp"
)

// login takes e-mail address and password as JSON.
func (a *API) login(w http.ResponseWriter, r *http.Request) {
	in, err := a.body(r, field{"email", required, text(3, 120)}, field{"password", required, text(8, 200)})
	if err != nil {
		a.fail(w, err)
		return
	}
	email, _ := in["email"].(string)
	password, _ := in["password"].(string)
	a.openSession(w, r, email, password)
}

// loginForm takes them from an HTML form.
func (a *API) loginForm(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		a.fail(w, wrong("the form cannot be read"))
		return
	}
	a.openSession(w, r, r.PostForm.Get("email"), r.PostForm.Get("password"))
}

// openSession answers with a token and sets it as a cookie; the weak twin's
// cookie travels in the clear and is open to scripts.
func (a *API) openSession(w http.ResponseWriter, r *http.Request, email, password string) {
	rec, err := a.row(r.Context(), "SELECT id, password_hash FROM customers WHERE email = ? AND status = 'active'", email)
	if err != nil {
		a.fail(w, err)
		return
	}
	stored, _ := rec["password_hash"].(string)
	if rec == nil || subtle.ConstantTimeCompare([]byte(stored), []byte(hash(password))) != 1 {
		a.refuse(w, http.StatusUnauthorized, "unauthenticated", "e-mail address or password is wrong")
		return
	}
	token := a.token(rec["id"].(int64))
	c := &http.Cookie{Name: "session", Value: token, Path: "/"}
	if a.sound {
		c.Secure, c.HttpOnly, c.SameSite, c.MaxAge = true, true, http.SameSiteStrictMode, int(sessionTime.Seconds())
	}
	http.SetCookie(w, c)
	a.reply(w, http.StatusOK, record{"token": token, "expires_in": int(sessionTime.Seconds())})
}

// logout drops the cookie.
func (a *API) logout(w http.ResponseWriter, _ *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: "session", Path: "/", MaxAge: -1, Secure: a.sound, HttpOnly: a.sound})
	w.WriteHeader(http.StatusNoContent)
}

// subscribe puts the person whose cookie comes along on a list.
func (a *API) subscribe(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		a.fail(w, wrong("the form cannot be read"))
		return
	}
	a.reply(w, http.StatusOK, record{"subscribed": r.PostForm.Get("topic")})
}

var localPath = regexp.MustCompile(`^/(?:[A-Za-z0-9_-][A-Za-z0-9/_-]*)?$`)

// redirect sends the browser on; the weak twin sends it anywhere.
func (a *API) redirect(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	if to == "" || a.sound && !localPath.MatchString(to) {
		a.fail(w, wrong("parameter to is not a path of this site"))
		return
	}
	if next := r.URL.Query().Get("then"); next != "" {
		if a.sound && !localPath.MatchString(next) {
			a.fail(w, wrong("parameter then is not a path of this site"))
			return
		}
		to = next
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
}
