package certs

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// acmeServer is an authority by RFC 8555 for one account and one identifier an
// order. It verifies each signature and nonce, and really validates: it calls
// the gateway at target for tls-alpn-01 (RFC 8737) and http-01.
type acmeServer struct {
	t         *testing.T
	ca        *issued
	url       string
	challenge string // the only type that is offered
	target    string // host:port that stands for the identifier
	refuse    string // an identifier that is refused

	mu      sync.Mutex
	nonces  map[string]bool
	account *ecdsa.PublicKey
	print   string // thumbprint of the account's key (RFC 7638)
	orders  []*acmeOrder
}

type acmeOrder struct {
	name  string
	state string // of the authorization: pending, valid, invalid
	chain []byte
}

func newACMEServer(t *testing.T, challenge, target string) *acmeServer {
	t.Helper()
	s := &acmeServer{t: t, ca: issue(t, nil, nil, asCA), challenge: challenge, target: target, nonces: map[string]bool{}}
	own := issue(t, s.ca, []string{"127.0.0.1"}, nil)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{own.cert.Raw}, PrivateKey: own.key}}})
	if err != nil {
		t.Fatal(err)
	}
	s.url = "https://" + ln.Addr().String()
	srv := &http.Server{Handler: s, ReadHeaderTimeout: time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return s
}

func (s *acmeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	nonce := fmt.Sprintf("nonce-%d", len(s.nonces))
	s.nonces[nonce] = true
	w.Header().Set("Replay-Nonce", nonce)
	switch r.URL.Path {
	case "/dir":
		s.reply(w, 200, map[string]any{"newNonce": s.url + "/nonce", "newAccount": s.url + "/account", "newOrder": s.url + "/order"})
		return
	case "/nonce":
		return
	}
	payload, err := s.open(r)
	if err != nil {
		s.problem(w, "malformed", err.Error())
		return
	}
	s.route(w, r, payload)
}

func (s *acmeServer) route(w http.ResponseWriter, r *http.Request, payload []byte) {
	var what string
	var n int
	if _, err := fmt.Sscanf(strings.ReplaceAll(r.URL.Path, "/", " "), "%s %d", &what, &n); err == nil && n >= len(s.orders) {
		s.problem(w, "malformed", "no such order")
		return
	}
	switch what {
	case "account":
		w.Header().Set("Location", s.url+"/account/me")
		s.reply(w, 201, map[string]any{"status": "valid"})
	case "order":
		if r.URL.Path != "/order" {
			s.reply(w, 200, s.order(n))
			return
		}
		s.newOrder(w, payload)
	case "authz":
		s.reply(w, 200, map[string]any{"status": s.orders[n].state, "identifier": identifier(s.orders[n].name), "challenges": []any{s.chal(n)}})
	case "chal":
		s.validate(r.Context(), s.orders[n])
		s.reply(w, 200, s.chal(n))
	case "finalize":
		s.finalize(w, n, payload)
	case "cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(s.orders[n].chain)
	default:
		s.problem(w, "malformed", "unknown path "+r.URL.Path)
	}
}

func (s *acmeServer) newOrder(w http.ResponseWriter, payload []byte) {
	var in struct {
		Identifiers []struct{ Type, Value string }
	}
	if err := json.Unmarshal(payload, &in); err != nil || len(in.Identifiers) != 1 || in.Identifiers[0].Type != "dns" {
		s.problem(w, "malformed", "one dns identifier is wanted")
		return
	}
	if in.Identifiers[0].Value == s.refuse {
		s.problem(w, "rejectedIdentifier", "not for us\x1b[31m")
		return
	}
	s.orders = append(s.orders, &acmeOrder{name: in.Identifiers[0].Value, state: "pending"})
	n := len(s.orders) - 1
	w.Header().Set("Location", fmt.Sprintf("%s/order/%d", s.url, n))
	s.reply(w, 201, s.order(n))
}

func (s *acmeServer) finalize(w http.ResponseWriter, n int, payload []byte) {
	var in struct{ CSR string }
	_ = json.Unmarshal(payload, &in)
	der, _ := base64.RawURLEncoding.DecodeString(in.CSR)
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil || csr.CheckSignature() != nil || len(csr.DNSNames) != 1 || csr.DNSNames[0] != s.orders[n].name || s.orders[n].state != "valid" {
		s.problem(w, "badCSR", fmt.Sprint(err))
		return
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(int64(n) + 1), DNSNames: csr.DNSNames, NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(90 * 24 * time.Hour)}
	leaf, err := x509.CreateCertificate(nil, tpl, s.ca.cert, csr.PublicKey, s.ca.key)
	if err != nil {
		s.problem(w, "serverInternal", err.Error())
		return
	}
	cert, _ := x509.ParseCertificate(leaf)
	s.orders[n].chain = certPEM(&issued{cert: cert}, s.ca)
	s.reply(w, 200, s.order(n))
}

func (s *acmeServer) order(n int) map[string]any {
	o := s.orders[n]
	out := map[string]any{"status": "pending", "identifiers": []any{identifier(o.name)},
		"authorizations": []string{fmt.Sprintf("%s/authz/%d", s.url, n)}, "finalize": fmt.Sprintf("%s/finalize/%d", s.url, n)}
	switch {
	case o.chain != nil:
		out["status"], out["certificate"] = "valid", fmt.Sprintf("%s/cert/%d", s.url, n)
	case o.state == "valid":
		out["status"] = "ready"
	case o.state == "invalid":
		out["status"] = "invalid"
	}
	return out
}

func (s *acmeServer) chal(n int) map[string]any {
	out := map[string]any{"type": s.challenge, "url": fmt.Sprintf("%s/chal/%d", s.url, n), "token": "the-token", "status": s.orders[n].state}
	if s.orders[n].state == "invalid" {
		out["error"] = map[string]any{"type": "urn:ietf:params:acme:error:unauthorized", "detail": "the challenge was not met"}
	}
	return out
}

func (s *acmeServer) validate(ctx context.Context, o *acmeOrder) {
	check := s.callHTTP
	if s.challenge == "tls-alpn-01" {
		check = s.callTLS
	}
	o.state = "valid"
	if err := check(ctx, o.name, "the-token."+s.print); err != nil {
		s.t.Logf("challenge for %s: %v", o.name, err)
		o.state = "invalid"
	}
}

// callTLS is the authority's side of RFC 8737, section 3.
func (s *acmeServer) callTLS(ctx context.Context, name, keyAuth string) error {
	d := tls.Dialer{Config: &tls.Config{ServerName: name, NextProtos: []string{acmeProtocol}, InsecureSkipVerify: true}} //nolint:gosec // as the RFC says
	conn, err := d.DialContext(ctx, "tcp", s.target)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	st := conn.(*tls.Conn).ConnectionState()
	sum := sha256.Sum256([]byte(keyAuth))
	want, err := asn1.Marshal(sum[:])
	if err != nil {
		return err
	}
	leaf := st.PeerCertificates[0]
	for _, e := range leaf.Extensions {
		if e.Id.String() == "1.3.6.1.5.5.7.1.31" && e.Critical && bytes.Equal(e.Value, want) && leaf.VerifyHostname(name) == nil && st.NegotiatedProtocol == acmeProtocol {
			return nil
		}
	}
	return errors.New("no certificate for the challenge")
}

// callHTTP is the authority's side of RFC 8555, section 8.3.
func (s *acmeServer) callHTTP(ctx context.Context, name, keyAuth string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.target+"/.well-known/acme-challenge/the-token", nil)
	if err != nil {
		return err
	}
	req.Host = name
	tr := &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{}).DialContext}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1024))
	if err != nil || strings.TrimSpace(string(body)) != keyAuth {
		return fmt.Errorf("got %q, %v", body, err)
	}
	return nil
}

// open verifies a request's JWS (RFC 7515, ES256 only) and returns its payload.
func (s *acmeServer) open(r *http.Request) ([]byte, error) {
	var in struct{ Protected, Payload, Signature string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&in); err != nil {
		return nil, err
	}
	var head struct {
		Alg, Nonce, URL, Kid string
		JWK                  struct{ Crv, Kty, X, Y string }
	}
	raw, _ := base64.RawURLEncoding.DecodeString(in.Protected)
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	if !s.nonces[head.Nonce] || head.URL != s.url+r.URL.Path || head.Alg != "ES256" {
		return nil, fmt.Errorf("bad nonce, url or alg: %+v", head)
	}
	s.nonces[head.Nonce] = false
	if head.Kid == "" {
		x, _ := base64.RawURLEncoding.DecodeString(head.JWK.X)
		y, _ := base64.RawURLEncoding.DecodeString(head.JWK.Y)
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			return nil, err
		}
		s.account = key
		sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":%q,"kty":%q,"x":%q,"y":%q}`, head.JWK.Crv, head.JWK.Kty, head.JWK.X, head.JWK.Y))
		s.print = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	sig, _ := base64.RawURLEncoding.DecodeString(in.Signature)
	sum := sha256.Sum256([]byte(in.Protected + "." + in.Payload))
	if s.account == nil || len(sig) != 64 || !ecdsa.Verify(s.account, sum[:], new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])) {
		return nil, errors.New("bad signature")
	}
	return base64.RawURLEncoding.DecodeString(in.Payload)
}

func identifier(name string) map[string]string {
	return map[string]string{"type": "dns", "value": name}
}

func (s *acmeServer) reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func (s *acmeServer) problem(w http.ResponseWriter, kind, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "urn:ietf:params:acme:error:" + kind, "detail": detail, "status": http.StatusForbidden})
}
