package ledger

import (
	"errors"
	"io"
	"path/filepath"
	"time"

	"github.com/sallyport/sallyport/internal/lib/clock"
)

// Durability says what a record has survived when Intent returns.
type Durability uint8

// The durabilities.
const (
	Kernel Durability = iota // the death of this process; power loss may take up to SignEvery
	Fsync                    // power loss too: Intent waits for the group commit
)

// Options say how a ledger is kept. Dir, Clock and Rand are required; every
// other zero value has the default that stands beside it.
type Options struct {
	Dir     string      // the folder of segments, heads and public key; made with mode 0700
	Secrets string      // the folder of sign.key, kek.key and subjects; Dir/secret
	Mirror  string      // a file that gets every head as well, to be copied off the machine; none
	Keys    Keys        // the table of subjects' keys; a KeyFile in Secrets
	Clock   clock.Clock // of heads, segments and retention
	Rand    io.Reader   // cryptographic randomness for keys and nonces

	SegmentBytes int64         // a segment ends before it grows past this; 64 MiB
	SegmentAge   time.Duration // or when its first record is this old; 24 h, so that retention has something to delete
	CommitEvery  time.Duration // how long a sealed event waits at most to be written; 20 ms
	SignEvery    time.Duration // a head is signed this often when something was written; 1 min
	Keep         time.Duration // segments whose last head is older are deleted; 400 days
	Wait         time.Duration // how long Intent waits behind others for a slow disk; 2 s
	QueueBytes   int           // bound of what waits to be written; 16 MiB
	IntentAge    time.Duration // an intent this old without its exchange is recorded as of unknown outcome; 24 h
	MaxOpen      int           // bound of intents without their exchange, but for those of the commit under way; 65,536
	Durability   Durability

	// OnFault is told when a part of the ledger fails and when it works again.
	// It is called from the goroutine that noticed and must not call back.
	OnFault func(Fault)

	volume volume // tests put a disk with faults here
	boot   boot   // tests have boots of their own
	check  int64  // bytes between two checkpoints; 4 MiB, or more where many intents are open
	ring   int    // bytes of one half of the ring of intents; 512 KiB, below 0 none
}

// A Part is what of the ledger a Fault is about.
type Part string

// The parts that can fail.
const (
	PartLog    Part = "log"    // records or heads cannot be written; Intent returns an error meanwhile
	PartMirror Part = "mirror" // the mirror does not take heads; the log goes on
	PartPast   Part = "past"   // recovery found a damaged segment; never comes back with nil
)

// A Fault says that a part of the ledger fails (Err), or works again (nil).
type Fault struct {
	Part Part
	Err  error
	Time time.Time
}

// withDefaults returns o complete, or says what is missing.
func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" || o.Clock == nil || o.Rand == nil {
		return o, errors.New("open the ledger: Dir, Clock and Rand are required")
	}
	def(&o.Secrets, filepath.Join(o.Dir, "secret"))
	def(&o.SegmentBytes, 64<<20)
	def(&o.SegmentAge, 24*time.Hour)
	def(&o.CommitEvery, 20*time.Millisecond)
	def(&o.SignEvery, time.Minute)
	def(&o.Keep, 400*24*time.Hour)
	def(&o.Wait, 2*time.Second)
	def(&o.QueueBytes, 16<<20)
	def(&o.IntentAge, 24*time.Hour)
	def(&o.MaxOpen, 1<<16)
	if o.OnFault == nil {
		o.OnFault = func(Fault) {}
	}
	if o.volume == nil {
		o.volume = system{}
	}
	def(&o.boot, thisBoot())
	def(&o.ring, 512<<10)
	return o, nil
}

func def[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
