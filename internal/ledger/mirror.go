package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
)

// maxUnsent bounds the heads that wait for the mirror, in bytes: some two days.
const maxUnsent = 1 << 20

// mirror appends a head to the mirror. A mirror that does not take it gets it
// with the next one; it never stops the log.
func (d *disk) mirror(line []byte) {
	if d.opt.Mirror == "" {
		return
	}
	if len(d.unsent)+len(line) <= maxUnsent {
		d.unsent = append(d.unsent, line...)
	}
	err := d.send()
	was := d.away
	if d.away = err != nil; d.away == was {
		return
	}
	if err != nil {
		err = fmt.Errorf("write the mirror of the heads: %w", err)
	}
	d.opt.OnFault(Fault{Part: PartMirror, Err: err, Time: d.opt.Clock.Now()})
}

// send writes what waits for the mirror to its end, wherever that is now:
// whoever copies the file may also empty it.
func (d *disk) send() error {
	end, err := size(d.opt.Mirror)
	if err != nil {
		return err
	}
	f, err := d.opt.volume.open(d.opt.Mirror, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if !d.met {
		if end, err = wholeLines(f, end); err != nil {
			return errors.Join(err, f.Close())
		}
		d.met = true
	}
	n, err := f.WriteAt(d.unsent, end)
	d.unsent = append(d.unsent[:0], d.unsent[n:]...)
	return errors.Join(err, f.Sync(), f.Close())
}

// wholeLines cuts off the part of a line that a process left when it died, and
// returns where the file ends then.
func wholeLines(f file, end int64) (int64, error) {
	b := make([]byte, min(end, maxHead))
	if _, err := f.ReadAt(b, end-int64(len(b))); err != nil {
		return end, err
	}
	part := int64(len(b) - 1 - bytes.LastIndexByte(b, '\n'))
	if part == 0 || part == int64(len(b)) && end > part { // whole, or no file of ours
		return end, nil
	}
	return end - part, f.Truncate(end - part)
}
