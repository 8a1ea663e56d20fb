package sallyport_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/sallyport/sallyport"
)

const document = `openapi: 3.0.3
info: {title: Things, version: "1"}
paths:
  /things:
    get:
      responses:
        "200":
          description: ok
          content: {application/json: {schema: {type: array, items: {type: string}}}}
`

func TestAnotherProgramRunsAGateway(t *testing.T) {
	t.Parallel()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`["a"]`))
	}))
	t.Cleanup(api.Close)
	file := filepath.Join(t.TempDir(), "openapi.yaml")
	if err := os.WriteFile(file, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	ready := make(chan sallyport.Running, 1)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- sallyport.Run(ctx, sallyport.Options{
			To: api.URL, OpenAPI: file, State: filepath.Join(t.TempDir(), "state"), Listen: "https://127.0.0.1:0", Admin: "127.0.0.1:0",
			PrintKey: true, Ready: func(r sallyport.Running) { ready <- r },
		})
	}()
	select {
	case err := <-done:
		t.Fatal(err)
	case r := <-ready:
		if with, without := status(t, r, r.Key), status(t, r, ""); with != http.StatusOK || without != http.StatusUnauthorized {
			t.Errorf("status %d with the key and %d without", with, without)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("stop: %v", err)
	}
}

// status calls the API through the gateway.
func status(t *testing.T, r sallyport.Running, key string) int {
	t.Helper()
	pem, err := os.ReadFile(r.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.Gateway[0]+"/things", nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("X-API-Key", key)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestAWrongConfigurationIsErrUsage(t *testing.T) {
	t.Parallel()
	state := filepath.Join(t.TempDir(), "state")
	err := sallyport.Run(t.Context(), sallyport.Options{To: "http://127.0.0.1:1", OpenAPI: filepath.Join(t.TempDir(), "missing.yaml"), State: state})
	if !errors.Is(err, sallyport.ErrUsage) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(state); !errors.Is(err, os.ErrNotExist) {
		t.Error("a wrong configuration made a state folder")
	}
}
