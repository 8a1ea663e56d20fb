package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// programs are what scripts run beside sallyport, in place of what a user has.
func programs() map[string]func() {
	return map[string]func(){
		"mklog":   func() { done(writeLog(os.Args[1])) },
		"reopen":  func() { done(reopen(os.Args[1])) },
		"backend": func() { done(backend(os.Args[1])) },
		"get":     func() { done(get(os.Args[1:])) },
		"idof":    func() { done(idOf(os.Stdin)) },
	}
}

func done(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// backend is an API on loopback: backend PORT. It runs until it is killed.
func backend(port string) error {
	s := &http.Server{Addr: "127.0.0.1:" + port, ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":1}`)
	})}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() { <-stop; _ = s.Close() }()
	if err := s.ListenAndServe(); err != http.ErrServerClosed { //nolint:errorlint // it is returned as it is
		return err
	}
	return nil
}

// get prints the status and the body of a URL: get CA URL [KEY].
func get(args []string) error {
	pem, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	req, err := http.NewRequest(http.MethodGet, args[1], http.NoBody)
	if err != nil {
		return err
	}
	if len(args) > 2 {
		req.Header.Set("X-Api-Key", strings.TrimSpace(args[2]))
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	fmt.Printf("%d %s\n", res.StatusCode, body)
	return err
}

// idOf prints the decision id in a problem document.
func idOf(r io.Reader) error {
	b, err := io.ReadAll(r)
	if m := regexp.MustCompile(`"urn:sallyport:decision:([0-9A-Z]+)"`).FindSubmatch(b); m != nil {
		fmt.Printf("%s\n", m[1])
		return err
	}
	return fmt.Errorf("no decision id in %q", b)
}

// freePort sets a variable to a port that was free a moment ago: freeport NAME.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport NAME")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(ln.Addr().String())
	ts.Check(err)
	ts.Check(ln.Close())
	ts.Setenv(args[0], port)
}

// await polls until a file matches a pattern, or, with a program, until what
// it prints does: await FILE PATTERN [PROGRAM ARG…]. What the program printed
// last is in FILE and stdout.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: await FILE PATTERN [PROGRAM ARG…]")
	}
	pattern := regexp.MustCompile("(?m)" + args[1])
	file := ts.MkAbs(args[0])
	var seen []byte
	poll, late := time.NewTicker(50*time.Millisecond), time.After(20*time.Second)
	defer poll.Stop()
	for {
		if len(args) > 2 {
			_ = ts.Exec(args[2], args[3:]...)
			seen = []byte(ts.ReadFile("stdout"))
		} else {
			seen, _ = os.ReadFile(file)
		}
		if pattern.Match(seen) {
			if len(args) > 2 {
				ts.Check(os.WriteFile(file, seen, 0o600))
			}
			return
		}
		select {
		case <-poll.C:
		case <-late:
			ts.Fatalf("%s does not match %s: %s", args[0], args[1], seen)
		}
	}
}
