// Package certs has the certificates of the gateway: where they come from
// (files, ACME, a local authority), how they are checked before they are used,
// and the TLS configurations of listeners and upstreams.
//
// A Source answers each handshake from a snapshot in memory. What goes wrong
// after the start never takes a certificate away: the old one serves on and
// the fault is reported.
package certs

import (
	"context"
	"crypto/tls"
	"time"

	"github.com/sallyport/sallyport/source"
)

// Codes of the diagnostics about certificates.
const (
	CodeUnreadable   source.Code = "cert/unreadable"
	CodeParse        source.Code = "cert/parse"
	CodeKeyEncrypted source.Code = "cert/key-encrypted"
	CodeMismatch     source.Code = "cert/mismatch"
	CodeExpired      source.Code = "cert/expired"
	CodeNotYetValid  source.Code = "cert/not-yet-valid"
	CodeName         source.Code = "cert/name"
	CodeWeak         source.Code = "cert/weak"
	CodeUsage        source.Code = "cert/usage"
	CodeChain        source.Code = "cert/chain"
	CodeCAFile       source.Code = "cert/ca-file"
	CodeLocalCA      source.Code = "cert/local-ca"
	CodeACMEName     source.Code = "cert/acme-name"
	CodeACMETerms    source.Code = "cert/acme-terms"
	CodeACMECA       source.Code = "cert/acme-ca"
	CodeACMEFailed   source.Code = "cert/acme-failed"
	CodeUnwritable   source.Code = "cert/unwritable"
	CodeKept         source.Code = "cert/kept"
)

// A Source holds certificates. Implementations are safe for concurrent use.
type Source interface {
	// Certificate answers a handshake. It returns nil and no error when no
	// certificate is for the name that the client asked for.
	Certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Expiry lists the certificates that are served now.
	Expiry() []Expiry
	// Run keeps the certificates fresh until ctx ends, and returns nil then.
	Run(ctx context.Context) error
}

// An Expiry says until when a certificate is good, for health and metrics.
type Expiry struct {
	Names    []string // DNS names and addresses, as the certificate has them
	NotAfter time.Time
	From     string // "acme", "local", or the path of the file
}

// A Report takes faults that happen after the start: the certificate that
// serves is kept, and somebody must be told. It must not block.
type Report func(error)

// tell calls r unless it is nil.
func (r Report) tell(err error) {
	if r != nil {
		r(err)
	}
}
