package demo

import (
	"net/http"
	"net/url"
	"path"
	"strings"
)

// settle brings a request into the form that the handlers see. The weak twin
// is as tolerant as the servers that others once put in front of it: it
// resolves a path after it cut parameters off its segments, takes underscores
// in names of fields for hyphens, and the last of several values. The sound
// twin refuses what can be read in two ways, and gives nil then.
func (a *API) settle(w http.ResponseWriter, r *http.Request) *http.Request {
	if a.sound {
		if !single(r) {
			a.refuse(w, http.StatusBadRequest, "invalid", "the request can be read in two ways")
			return nil
		}
		return r
	}
	if user := r.Header.Get("X_Forwarded_User"); user != "" {
		w.Header().Set("X-User", user) // a proxy that is long gone used to say who it was
	}
	out := r.Clone(r.Context())
	if strings.Contains(r.URL.Path, ";") {
		segments := strings.Split(r.URL.Path, "/")
		for i, s := range segments {
			segments[i], _, _ = strings.Cut(s, ";")
		}
		out.URL.Path, out.URL.RawPath = path.Clean("/"+strings.Join(segments, "/")), ""
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return out
	}
	for name, values := range query {
		query[name] = values[len(values)-1:]
	}
	out.URL.RawQuery = query.Encode()
	return out
}

// single tells whether nothing of a request comes twice, and its path has no
// parameters.
func single(r *http.Request) bool {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || strings.Contains(r.URL.Path, ";") {
		return false
	}
	for _, values := range query {
		if len(values) > 1 {
			return false
		}
	}
	return len(r.Header["X-Api-Key"]) <= 1 && len(r.Header["Authorization"]) <= 1 && len(r.Header["Content-Type"]) <= 1
}

// confusionAttacks mean one thing to those in front of the API and another one
// to the API.
func confusionAttacks() []Attack {
	return []Attack{
		{"climb out of an open path by a parameter", "path", Alice, false, get("/health/..;/internal/debug"), shows("DB_PASSWORD")},
		{"be somebody else by an underscore", "header", Alice, false, get("/health").with("X_Forwarded_User", "carol"), func(r reply) bool {
			return r.ok() && r.header.Get("X-User") == "carol"
		}},
		{"hide a page of a million behind a page of one", "parser", Alice, false, get("/customers?limit=1&limit=1000000"), shows(`"limit":1000000`)},
	}
}
