package certs

import "fmt"

// A Kept is the fault of a new certificate that was not taken.
type Kept struct{ Cause error }

// Error says that the old certificate serves on, and why.
func (k *Kept) Error() string {
	return fmt.Sprintf("%s: the new certificate is not taken, the old one serves on: %v", CodeKept, k.Cause)
}

// Unwrap is the reason, usually a source.Diagnostic.
func (k *Kept) Unwrap() error { return k.Cause }

func kept(err error) error { return &Kept{err} }
