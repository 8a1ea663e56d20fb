package certs

import (
	"crypto/tls"
	"crypto/x509"
	"slices"
)

// acmeProtocol is the ALPN protocol of tls-alpn-01 (RFC 8737).
const acmeProtocol = "acme-tls/1"

// Options are what a listener's TLS needs.
type Options struct {
	Source Source
	// ClientCAs verifies client certificates: chain, time and the usage
	// clientAuth. nil asks clients for none; otherwise one that is given must
	// verify, and whether one is needed is decided for each operation.
	ClientCAs *x509.CertPool
	// Protocols are offered by ALPN; none means h2 and http/1.1.
	Protocols []string
}

// Config is the TLS configuration of a listener: TLS 1.2 and 1.3, suites with
// forward secrecy and AEAD only, X25519MLKEM768 preferred. A client that asks
// for a name which no certificate has is refused with unrecognized_name (RFC
// 6066, section 3); one that sends no name gets a certificate only where one
// names an IP address. Go never renegotiates as a server.
//
// Session tickets are bound to the server name, so that a session of one name
// never resumes under another one; their keys live in memory and rotate daily.
func Config(o Options) *tls.Config {
	protocols := o.Protocols
	if len(protocols) == 0 {
		protocols = []string{"h2", "http/1.1"}
	}
	if _, ok := o.Source.(*ACME); ok {
		protocols = append(slices.Clone(protocols), acmeProtocol)
	}
	c := base()
	c.NextProtos = protocols
	c.GetCertificate = o.Source.Certificate
	if o.ClientCAs != nil {
		c.ClientCAs, c.ClientAuth = o.ClientCAs, tls.VerifyClientCertIfGiven
	}
	bindTickets(c)
	return c
}

// base is what all our configurations share, towards clients and upstreams.
func base() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// TLS 1.3 suites are all sound and are not configurable.
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768, tls.X25519, tls.CurveP256, tls.CurveP384},
		Renegotiation:    tls.RenegotiateNever,
	}
}

// bindTickets puts the server name into each ticket and refuses to resume
// under another one. crypto/tls does not ask for a certificate when it
// resumes, so without this a ticket would open names that are refused.
func bindTickets(c *tls.Config) {
	const label = "sni:"
	c.WrapSession = func(cs tls.ConnectionState, ss *tls.SessionState) ([]byte, error) {
		ss.Extra = append(ss.Extra, []byte(label+cs.ServerName))
		return c.EncryptTicket(cs, ss)
	}
	c.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		ss, err := c.DecryptTicket(identity, cs)
		if err != nil || ss == nil {
			return nil, err
		}
		for _, extra := range ss.Extra {
			if string(extra) == label+cs.ServerName {
				return ss, nil
			}
		}
		return nil, nil // a full handshake follows
	}
}
