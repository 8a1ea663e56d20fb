package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Errors of a measurement.
var (
	errAnswer = errors.New("it does not answer as it should")
	errLoad   = errors.New("not every request was answered with 200")
	errOutput = errors.New("what the generator printed cannot be read")
)

// connections is how many the generator keeps open.
const connections = 32

// prove asks each server one good request, and the gateways bad ones.
func (b *bench) prove(ctx context.Context, s *server, c *benchCase) error {
	good := order(2000)
	if got, err := ask(ctx, s, c, s.key, good); err != nil || got != http.StatusOK {
		return fmt.Errorf("%w: %d to a good request: %w\n%s", errAnswer, got, err, s.out.String())
	}
	kind := strings.TrimSuffix(s.kind, other)
	if kind == kindAll {
		if got, err := ask(ctx, s, c, "", good); err != nil || got != http.StatusUnauthorized {
			return fmt.Errorf("%w: %d without a key: %w", errAnswer, got, err)
		}
	}
	if kind != kindAll && kind != kindContract {
		return nil
	}
	bad := *c
	bad.post = true
	if got, err := ask(ctx, s, &bad, s.key, strings.Replace(good, `"quantity":2`, `"quantity":"2"`, 1)); err != nil || got != http.StatusBadRequest {
		return fmt.Errorf("%w: %d to a number as a text: %w", errAnswer, got, err)
	}
	return nil
}

// ask sends one request and returns the status.
func ask(ctx context.Context, s *server, c *benchCase, key, body string) (int, error) {
	method, target, from := http.MethodGet, s.url+"/orders/7", io.Reader(http.NoBody)
	if c.post {
		method, target, from = http.MethodPost, s.url+"/orders", strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, from)
	if err != nil {
		return 0, fmt.Errorf("make a request: %w", err)
	}
	if key != "" {
		req.Header.Set("X-API-Key", key)
	}
	if c.post {
		req.Header.Set("Content-Type", "application/json")
	}
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true, //nolint:gosec // our own certificate of today
	}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask: %w", err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}

// load runs the generator once, and tells what the server spent.
func (b *bench) load(ctx context.Context, s *server, c *benchCase, d time.Duration) (sample, error) {
	before := s.cpu()
	var requests, rate float64
	var err error
	if c.h2 {
		requests, rate, err = b.h2load(ctx, s, d)
	} else {
		requests, rate, err = b.wrk(ctx, s, c, d)
	}
	if err != nil {
		return sample{}, err
	}
	return sample{cpu: (s.cpu() - before).Seconds() * 1e6 / requests, rate: rate}, nil
}

func (b *bench) wrk(ctx context.Context, s *server, c *benchCase, d time.Duration) (requests, rate float64, err error) {
	script := filepath.Join(b.dir, "wrk.lua")
	text := fmt.Sprintf("wrk.headers[\"X-API-Key\"] = %q\n", s.key)
	target := s.url + "/orders/7"
	if c.post {
		target = s.url + "/orders"
		text += fmt.Sprintf("wrk.method = \"POST\"\nwrk.headers[\"Content-Type\"] = \"application/json\"\nwrk.body = %q\n", order(2000))
	}
	text += "done = function(s) io.write(string.format(\"bench %d %d %d %d %d %d\\n\", s.requests, s.duration, s.errors.status, s.errors.connect + s.errors.read, s.errors.write, s.errors.timeout)) end\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		return 0, 0, fmt.Errorf("write a script: %w", err)
	}
	out, err := exec.CommandContext(ctx, "taskset", "-c", "1", "wrk", "-t1", fmt.Sprint("-c", connections), fmt.Sprintf("-d%ds", max(1, int(d.Seconds()))), "-s", script, target).CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("wrk: %w\n%s", err, out)
	}
	_, line, _ := strings.Cut(string(out), "\nbench ")
	var micros, status, lost, unsent, late float64
	if _, err := fmt.Sscan(line, &requests, &micros, &status, &lost, &unsent, &late); err != nil || requests == 0 {
		return 0, 0, fmt.Errorf("%w: %w\n%s", errOutput, err, out)
	}
	if status+lost+unsent+late > 0 {
		return 0, 0, fmt.Errorf("%w: %s", errLoad, line)
	}
	return requests, requests / micros * 1e6, nil
}

var h2Done = regexp.MustCompile(`finished in [^,]+, ([0-9.]+) req/s[^\n]*\nrequests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded`)

func (b *bench) h2load(ctx context.Context, s *server, d time.Duration) (requests, rate float64, err error) {
	args := []string{"-c", "1", "h2load", "-t1", "-c8", "-m4", "-D", strconv.Itoa(max(1, int(d.Seconds()))), s.url + "/orders/7"}
	if s.key != "" {
		args = append(args, "-H", "x-api-key: "+s.key)
	}
	out, err := exec.CommandContext(ctx, "taskset", args...).CombinedOutput()
	if err != nil {
		return 0, 0, fmt.Errorf("h2load: %w\n%s", err, out)
	}
	m := h2Done.FindStringSubmatch(string(out))
	if m == nil {
		return 0, 0, fmt.Errorf("%w\n%s", errOutput, out)
	}
	rate, err1 := strconv.ParseFloat(m[1], 64)
	done, err2 := strconv.ParseFloat(m[2], 64)
	good, err3 := strconv.ParseFloat(m[3], 64)
	if err := errors.Join(err1, err2, err3); err != nil || done == 0 || good != done {
		return 0, 0, fmt.Errorf("%w: %w\n%s", errLoad, err, out)
	}
	return done, rate, nil
}

// tick is the unit of /proc/PID/stat on Linux: USER_HZ.
const tick = 10 * time.Millisecond

// cpu is the processor time of the server, user and system.
func (s *server) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(after)
	if len(f) < 13 {
		return 0
	}
	user, err1 := strconv.Atoi(f[11])
	system, err2 := strconv.Atoi(f[12])
	if err1 != nil || err2 != nil {
		return 0
	}
	return time.Duration(user+system) * tick
}

// peak is the largest resident set so far, in MiB.
func (s *server) peak() float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	f := strings.Fields(after)
	if len(f) == 0 {
		return 0
	}
	kib, err := strconv.ParseFloat(f[0], 64)
	if err != nil {
		return 0
	}
	return kib / 1024
}
