package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// overTimes is how many times the peak is sent, by the clock.
	overTimes = 10
	// bulkOrders are in each body.
	bulkOrders = 1000
	// useful is how late an answer may be to be of use to a user.
	useful = time.Second
	// recoverTime is how soon the peak must be reached again.
	recoverTime = 5 * time.Second
)

// originProcess starts this program again with flags that make it an origin, so
// that what measures does not take its processor.
func originProcess(ctx context.Context, flags ...string) (url string, pid int, stop func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", 0, nil, fmt.Errorf("find this program: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, self, flags...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: slices.Contains(flags, "-bad")}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return "", 0, nil, fmt.Errorf("start an origin: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	end := func() {
		cancel()
		_ = cmd.Wait()
	}
	if err != nil {
		end()
		return "", 0, nil, fmt.Errorf("read the address of the origin: %w", err)
	}
	return strings.TrimSpace(line), cmd.Process.Pid, end, nil
}

// pin gives the gateways one processor and the rest of the siege another, so that
// more load does not take from what serves it. It returns how to undo that, and
// does nothing where there is no taskset or one processor.
func pin(ctx context.Context, origin int, gateways ...*gateway) (undo func(), how string) {
	taskset := func(cpus string, pid int) error {
		return exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", cpus, strconv.Itoa(pid)).Run() //nolint:wrapcheck // only whether
	}
	all := fmt.Sprintf("0-%d", runtime.NumCPU()-1)
	for _, g := range gateways {
		if runtime.NumCPU() < 2 || taskset("0", g.cmd.Process.Pid) != nil {
			return func() {}, "not pinned"
		}
	}
	if taskset("1", os.Getpid()) != nil || taskset("1", origin) != nil {
		return func() {}, "half pinned"
	}
	return func() { _ = taskset(all, os.Getpid()) }, "gateway on processor 0, siege on 1"
}

// serveOrigin is an origin as a process.
func serveOrigin(ctx context.Context) error {
	to, err := newOrigin()
	if err != nil {
		return err
	}
	defer to.close()
	fmt.Println(to.url)
	<-ctx.Done()
	return nil
}

// overload measures the peak with a few clients that wait for their answers,
// then sends ten times as much by the clock, as users do, who do not wait for
// each other. The peak is measured again behind it. A meter tells how fast the
// processor was each time, and goodput is set against the peak at that speed.
func overload(ctx context.Context, o *options) error {
	url, origin, end, err := originProcess(ctx, "-origin")
	if err != nil {
		return err
	}
	defer end()
	text := "apis:\n" + apiText("siege", "", url, "")
	g, err := newGatewayOf(ctx, o.bin, text)
	if err != nil {
		return err
	}
	defer g.stop()
	other, err := newGatewayOf(ctx, o.bin, text)
	if err != nil {
		return err
	}
	// Bodies whose check costs the gateway far more than it costs to send them:
	// else what sends would be overloaded first.
	bulk := "[" + strings.Repeat(`{"id":7,"note":"a cup of tea"},`, bulkOrders) + `{"id":7}]`
	client := g.rawPost("/bulk", bulk, g.key, 5*useful)
	defer client.close()
	alone := g.rawGet("/orders/7", g.key, 10*useful)
	defer alone.close()
	undo, how := pin(ctx, origin, g, other)
	defer undo()
	beside := other.rawPost("/bulk", bulk, other.key, 10*useful)
	defer beside.close()
	m := newMeter(ctx, other, beside.ask)
	defer m.close()

	before := g.peak(ctx, client, m)
	good := begin(ctx, 1, alone.ask)
	mob := pour(ctx, overTimes*before.rate, useful, client.ask)
	wait(ctx, time.Second)
	under := g.measure(ctx, &mob.load, m, o.overload)
	memory, descriptors := g.memory(), g.descriptors()
	mob.halt()
	after := recovers(ctx, g, client, m, before)
	good.end()
	mob.end()
	later := g.peak(ctx, client, m)
	share := (under.of(before) + under.of(later)) / 2
	sent := (o.overload + time.Second).Seconds()
	offered := float64(mob.all()+mob.slow.Load()+mob.unsent.Load()) / sent
	fmt.Printf("overload  %s; the gateway works %v for an answer at the peak before, %v for one that is of use under overload, %v at the peak after; the meter %v, %v, %v\n",
		how, before.span.each().Round(time.Microsecond), under.span.each().Round(time.Microsecond), later.span.each().Round(time.Microsecond),
		before.speed.Round(time.Microsecond), under.speed.Round(time.Microsecond), later.speed.Round(time.Microsecond))
	fmt.Printf("overload  peak %.0f a second before and %.0f after; of %.0f (%.1f times as many, %.0f %% not sent: %d under way) %.0f were served within %v (%.0f %%, and %.0f %% of the peak on a processor of the same speed), %d too late, %d refused, %d failed; recovered after %v; the good client: %d answers, %d refused, p99 %v; %d MiB, %d descriptors\n",
		before.rate, later.rate, offered, offered/before.rate, 100*float64(mob.unsent.Load())/(offered*sent), maxUnderWay, under.rate, useful, 200*under.rate/(before.rate+later.rate), 100*share,
		mob.slow.Load(), mob.shed.Load(), mob.bad.Load(), after.Round(time.Millisecond), good.good.Load(), good.shed.Load(), good.percentile(0.99), memory>>20, descriptors)
	switch {
	case good.good.Load() == 0:
		return broke("the good client was not served: %s", good.first)
	case share < 0.9:
		return broke("goodput fell to %.0f %% of the peak", 100*share)
	case after > recoverTime:
		return broke("it recovered after %v", after)
	}
	return nil
}

// A pace is that of a gateway over some time.
type pace struct {
	span
	rate  float64       // good answers a second
	speed time.Duration // that the processor worked for an answer of the meter
}

// of is the share that p's rate is of peak's, on a processor of the same speed.
func (p pace) of(peak pace) float64 {
	return p.rate / peak.rate * float64(p.speed) / float64(max(1, peak.speed))
}

// measure watches l for d.
func (g *gateway) measure(ctx context.Context, l *load, m *meter, d time.Duration) pace {
	mine, beside := g.soFar(l), m.soFar()
	rate := l.rate(ctx, d)
	return pace{span: g.soFar(l).minus(mine), rate: rate, speed: m.soFar().minus(beside).each()}
}

// peak is the pace with clients that wait for their answers.
func (g *gateway) peak(ctx context.Context, client *rawClient, m *meter) pace {
	closed := begin(ctx, 32, client.ask)
	defer closed.end()
	wait(ctx, 2*time.Second)
	return g.measure(ctx, closed, m, 4*time.Second)
}

// recovers is how long it takes until 90 % of the peak is served again in half
// a second.
func recovers(ctx context.Context, g *gateway, client *rawClient, m *meter, peak pace) time.Duration {
	began := time.Now()
	l := begin(ctx, 32, client.ask)
	defer l.end()
	for time.Since(began) < 4*recoverTime && ctx.Err() == nil {
		if g.measure(ctx, l, m, 500*time.Millisecond).of(peak) >= 0.9 {
			break
		}
	}
	return time.Since(began)
}
