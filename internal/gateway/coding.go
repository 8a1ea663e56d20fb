package gateway

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
)

// maxRatio is how much larger a body may become by decoding. Text of an API
// rarely shrinks to less than a fiftieth; a bomb has a ratio of 1,000.
const maxRatio = 100

var (
	errCoding = errors.New("the content coding is not known")
	errBomb   = errors.New("the decoded body is out of proportion")
)

// decode undoes one content coding of a whole body (RFC 9110 section 8.4.1).
// The result is at most limit bytes and maxRatio times the input.
func decode(coding string, body []byte, limit int64) ([]byte, error) {
	r, err := decoder(strings.ToLower(strings.TrimSpace(coding)), body)
	if err != nil {
		return nil, err
	}
	limit = min(limit, int64(len(body))*maxRatio+4096)
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("decode %s: %w", coding, err)
	}
	if int64(len(out)) > limit {
		return nil, errBomb
	}
	return out, nil
}

func decoder(coding string, body []byte) (io.Reader, error) {
	in := bytes.NewReader(body)
	switch coding {
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("read gzip head: %w", err)
		}
		return r, nil
	case "deflate":
		// RFC 9110 means zlib; some servers send bare deflate.
		if r, err := zlib.NewReader(in); err == nil {
			return r, nil
		}
		return flate.NewReader(bytes.NewReader(body)), nil
	case "br":
		return brotli.NewReader(in), nil
	case "identity":
		return in, nil
	}
	return nil, errCoding
}
