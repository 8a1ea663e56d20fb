package ledger

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
)

// errTornHead is what eachHead wraps for a last line without its line break.
var errTornHead = errors.New("the last head is not whole")

// A headLine is one line of a heads file.
type headLine struct {
	head   Head
	hash   hash
	size   int // with the line break
	number int // of the line, from 1
	text   []byte
	err    error // the line is no head; head is not set
}

// verify checks the signature of a line that is a head.
func (l *headLine) verify(key ed25519.PublicKey) error {
	_, err := checkHead(l.text, key)
	return err
}

// eachLine calls do for each whole line of a file of heads.
func eachLine(name string, do func(headLine) error) error {
	return eachLineOf(name, math.MaxInt64, do)
}

// eachLineOf does so for the last tail bytes of the file; the first line there
// may be a part of one, and is then no head.
func eachLineOf(name string, tail int64, do func(headLine) error) error {
	f, err := openRead(name)
	if err != nil {
		return fmt.Errorf("read heads: %w", err)
	}
	defer f.Close() // read only
	from := int64(0)
	if info, err := f.Stat(); err == nil && info.Size() > tail {
		from = info.Size() - tail
	}
	return eachLineFrom(f, from, name, do)
}

// eachLineFrom does so for the lines of f from an offset on.
func eachLineFrom(f io.ReadSeeker, from int64, name string, do func(headLine) error) error {
	if _, err := f.Seek(from, io.SeekStart); err != nil {
		return fmt.Errorf("read heads: %w", err)
	}
	r := bufio.NewReaderSize(f, 2*maxHead)
	for n := 1; ; n++ {
		text, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			return nil
		case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
			return fmt.Errorf("%w: %s:%d", errTornHead, name, n)
		case err != nil:
			return fmt.Errorf("read heads: %w", err)
		}
		l := headLine{size: len(text), number: n, text: bytes.TrimSuffix(text, []byte("\n"))}
		l.hash = sha256.Sum256(l.text)
		if l.head, _, _, err = parseHead(l.text); err != nil {
			l.err = fmt.Errorf("%s:%d: %w", name, n, err)
		}
		if err := do(l); err != nil {
			return err
		}
	}
}
