// Package app wires the parts into a running Sallyport. It is the only place
// that knows all of them.
package app
