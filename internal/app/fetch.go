package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The bounds of fetching a document.
const (
	fetchTime  = 30 * time.Second
	fetchBytes = 64 << 20
	fetchHops  = 3
)

var (
	errFetchStatus = errors.New("the server did not send the document")
	errFetchSize   = errors.New("the document is over 64 MiB")
	errFetchHost   = errors.New("the document moved to another host")
)

// fetch returns a document from a URL. It follows redirects on the same host
// only, so that a document cannot send us elsewhere.
func fetch(ctx context.Context, url string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("fetch the document: %w", err)
	}
	req.Header.Set("Accept", "application/json, application/yaml, */*;q=0.1")
	client := http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > fetchHops || r.URL.Host != via[0].URL.Host || r.URL.Scheme != via[0].URL.Scheme {
			return errFetchHost
		}
		return nil
	}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch the document: %w", err)
	}
	defer resp.Body.Close() //nolint:errcheck // it was read
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch the document: status %d: %w", resp.StatusCode, errFetchStatus)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, fetchBytes+1))
	if err != nil {
		return nil, fmt.Errorf("fetch the document: %w", err)
	}
	if len(data) > fetchBytes {
		return nil, errFetchSize
	}
	return data, nil
}
