//go:build !unix

package sqlite

import "context"

// tasks are none here: nothing bounds how far the files of a process grow.
func tasks() map[string]func(context.Context, string) error { return nil }
