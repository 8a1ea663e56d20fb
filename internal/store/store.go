// Package store holds what all stores share: the errors that they tell the
// user. The interfaces live at their consumers, the stores in folders of
// their own, and storetest is the one suite that all of them pass.
package store

import "github.com/sallyport/sallyport/source"

// The codes of this package; each has a page.
const (
	CodeOpen     source.Code = "store/open"     // the file or its folder cannot be made or opened
	CodeReadOnly source.Code = "store/readonly" // it can be read only
	CodeExposed  source.Code = "store/exposed"  // others may write into the folder
	CodeForeign  source.Code = "store/foreign"  // a database of another program
	CodeNewer    source.Code = "store/newer"    // written by a newer version
	CodeCorrupt  source.Code = "store/corrupt"  // damaged
	CodeFull     source.Code = "store/full"     // no room on the disk
	CodeDisk     source.Code = "store/disk"     // the disk does not read, write or sync
	CodeBusy     source.Code = "store/busy"     // another process holds it too long
	CodeReplaced source.Code = "store/replaced" // removed or exchanged while open
)

// An Error tells the user what is wrong with a store and what to do next.
type Error struct {
	Code source.Code
	Text string // one lower-case sentence that names the file
	Hint string // the next step
	Err  error  // the private cause; may be nil
}

// Error is the code and the text; the hint stands apart.
func (e *Error) Error() string { return string(e.Code) + ": " + e.Text }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
