package certs

import (
	"context"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// TestPebbleGivesACertificate runs the real thing: Let's Encrypt's own test
// authority, which validates by DNS, and http-01 or tls-alpn-01.
func TestPebbleGivesACertificate(t *testing.T) {
	t.Parallel()
	pebble, err := exec.LookPath("pebble")
	if err != nil {
		t.Skip("needs pebble: go install github.com/letsencrypt/pebble/v2/cmd/pebble@latest")
	}
	ln := listen(t)
	ca := issue(t, nil, nil, asCA)
	s := &acmeServer{t: t, ca: ca, url: fmt.Sprintf("https://127.0.0.1:%d", freePort(t))}
	httpPort := freePort(t)
	startPebble(t, pebble, s, [2]int{httpPort, ln.Addr().(*net.TCPAddr).Port})
	// A fifth of the nonces is refused on purpose; certmagic must cope.
	a, faults := openACME(t, s, ln, ACMEOptions{Names: []string{"api.acme.com"}, Dir: filepath.Join(t.TempDir(), "acme"), HTTPPort: httpPort})
	run(t, a)
	end := time.After(90 * time.Second)
	for len(a.Expiry()) == 0 {
		select {
		case err := <-faults:
			t.Fatal(err)
		case <-end:
			t.Fatal("no certificate in time")
		case <-time.After(50 * time.Millisecond):
		}
	}
	if got := a.Expiry()[0]; got.Names[0] != "api.acme.com" || time.Until(got.NotAfter) < 24*time.Hour {
		t.Errorf("got %+v", got)
	}
}

func startPebble(t *testing.T, pebble string, s *acmeServer, ports [2]int) {
	t.Helper()
	dir := t.TempDir()
	p := pairIn(t, dir, issue(t, s.ca, []string{"127.0.0.1"}, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }))
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": s.url[len("https://"):], "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		"certificate": p.Cert, "privateKey": p.Key, "httpPort": ports[0], "tlsPort": ports[1],
		"profiles": map[string]any{"default": map[string]any{"description": "default", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "config.json"), config)
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, pebble, "-config", filepath.Join(dir, "config.json"), "-dnsserver", nameServer(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	eventually(t, "pebble", func() bool {
		c, err := net.Dial("tcp", s.url[len("https://"):])
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// nameServer says over TCP, which is what pebble speaks, that each name is
// this machine, and returns its address.
func nameServer(t *testing.T) string {
	t.Helper()
	ln := listen(t)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.SetDeadline(time.Now().Add(time.Second))
			if err := resolve(c); err != nil {
				t.Logf("name server: %v", err)
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-done })
	return ln.Addr().String()
}

// resolve answers one question (RFC 1035, section 4.2.2).
func resolve(c net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	buf := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, buf); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(buf); err != nil || len(m.Questions) != 1 {
		return fmt.Errorf("%d questions: %w", len(m.Questions), err)
	}
	out := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
	if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
		out.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1},
			Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	}
	b, err := out.Pack()
	if err != nil {
		return err
	}
	_, err = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...))
	return err
}
