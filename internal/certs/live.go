package certs

import (
	"crypto/tls"
	"errors"
	"slices"
	"sync/atomic"
)

// A Live is a configuration that a reload can replace while its listener stays
// open. Handshakes that have begun finish with the one that they started with.
// The zero Live refuses every handshake.
type Live struct{ current atomic.Pointer[tls.Config] }

// Set makes c, which comes from Config, the configuration of all handshakes
// from now on. Tickets of the one before are no longer taken, so that a client
// certificate which is no longer trusted cannot live on in a session.
func (l *Live) Set(c *tls.Config) { l.current.Store(c) }

// Config is what the listener gets; c, which comes from Config too, says which
// protocols a server around it must be ready for.
func (l *Live) Config(c *tls.Config) *tls.Config {
	outer := base()
	outer.NextProtos = slices.Clone(c.NextProtos)
	outer.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		if now := l.current.Load(); now != nil {
			return now, nil
		}
		return nil, errors.New("answer a handshake: no configuration is set")
	}
	return outer
}
