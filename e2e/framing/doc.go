// Package framing sends generated requests, most of them malformed, through
// the gateway to five kinds of back ends, and judges the bytes that reach
// them: nothing malformed may be forwarded, and nobody may take one request
// for two.
//
// # Limits
//
// Back ends are tested in the versions that the machine has. Cases that need
// seconds, such as heads that come too slowly, are tested where the clock can
// be moved.
package framing
