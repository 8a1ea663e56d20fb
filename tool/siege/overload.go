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

// pin gives the gateway one processor and the rest of the siege another, so that
// more load does not take from what serves it. It returns how to undo that, and
// does nothing where there is no taskset or one processor.
func (g *gateway) pin(ctx context.Context, origin int) (undo func(), how string) {
	taskset := func(cpus string, pid int) error {
		return exec.CommandContext(ctx, "taskset", "-a", "-c", "-p", cpus, strconv.Itoa(pid)).Run() //nolint:wrapcheck // only whether
	}
	all := fmt.Sprintf("0-%d", runtime.NumCPU()-1)
	if runtime.NumCPU() < 2 || taskset("0", g.cmd.Process.Pid) != nil {
		return func() {}, "not pinned"
	}
	if taskset("1", os.Getpid()) != nil || taskset("1", origin) != nil {
		return func() {}, "half pinned"
	}
	return func() { _ = taskset(all, os.Getpid()) }, "gateway on processor 0, siege on 1"
}

// worked is how long the processors worked for the gateway.
func (g *gateway) worked() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.cmd.Process.Pid))
	_, after, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(after)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100 on Linux
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
// each other. The peak is measured again behind it, since virtual machines are
// not equally fast all the time; goodput is set against the mean of both.
func overload(ctx context.Context, o *options) error {
	url, origin, end, err := originProcess(ctx, "-origin")
	if err != nil {
		return err
	}
	defer end()
	g, err := newGatewayOf(ctx, o.bin, "apis:\n"+apiText("siege", "", url, ""))
	if err != nil {
		return err
	}
	defer g.stop()
	// Bodies whose check costs the gateway far more than it costs to send them:
	// else what sends would be overloaded first.
	bulk := "[" + strings.Repeat(`{"id":7,"note":"a cup of tea"},`, bulkOrders) + `{"id":7}]`
	client := g.rawPost("/bulk", bulk, g.key, 2*useful)
	defer client.close()
	alone := g.rawGet("/orders/7", g.key, 10*useful)
	defer alone.close()
	undo, how := g.pin(ctx, origin)
	defer undo()
	closed := begin(ctx, 32, client.ask)
	wait(ctx, 2*time.Second)
	began, count := g.worked(), closed.good.Load()
	peak := closed.rate(ctx, 4*time.Second)
	each := time.Duration(float64(g.worked()-began) / float64(max(1, closed.good.Load()-count)))
	closed.end()
	good := begin(ctx, 1, alone.ask)
	mob := pour(ctx, overTimes*peak, useful, client.ask)
	wait(ctx, time.Second)
	began, count = g.worked(), mob.good.Load()
	under := mob.rate(ctx, o.overload)
	over := time.Duration(float64(g.worked()-began) / float64(max(1, mob.good.Load()-count)))
	memory, descriptors := g.memory(), g.descriptors()
	mob.halt()
	after := recovers(ctx, client, peak)
	good.end()
	mob.end()
	before := peak
	closed = begin(ctx, 32, client.ask)
	wait(ctx, time.Second)
	later := closed.rate(ctx, 4*time.Second)
	closed.end()
	peak = (before + later) / 2
	offered := float64(mob.all()+mob.slow.Load()+mob.unsent.Load()) / (o.overload + time.Second).Seconds()
	fmt.Printf("overload  %s; the gateway works %v for an answer at the peak, and %v for one that is of use under overload\n", how, each.Round(time.Microsecond), over.Round(time.Microsecond))
	fmt.Printf("overload  peak %.0f a second before and %.0f after; of %.0f (%.1f times as many, %.0f %% not sent: %d under way) %.0f were served within %v (%.0f %%), %d too late, %d refused, %d failed; recovered after %v; the good client: %d answers, %d refused, p99 %v; %d MiB, %d descriptors\n",
		before, later, offered, offered/before, 100*float64(mob.unsent.Load())/(offered*(o.overload+time.Second).Seconds()), maxUnderWay, under, useful, 100*under/peak,
		mob.slow.Load(), mob.shed.Load(), mob.bad.Load(), after.Round(time.Millisecond), good.good.Load(), good.shed.Load(), good.percentile(0.99), memory>>20, descriptors)
	switch {
	case good.good.Load() == 0:
		return broke("the good client was not served: %s", good.first)
	case under < 0.9*peak:
		return broke("goodput fell to %.0f %% of the peak", 100*under/peak)
	case after > recoverTime:
		return broke("it recovered after %v", after)
	}
	return nil
}

// recovers is how long it takes until 90 % of the peak is served again in half
// a second.
func recovers(ctx context.Context, client *rawClient, peak float64) time.Duration {
	began := time.Now()
	l := begin(ctx, 32, client.ask)
	defer l.end()
	for time.Since(began) < 4*recoverTime && ctx.Err() == nil {
		if l.rate(ctx, 500*time.Millisecond) >= 0.9*peak {
			break
		}
	}
	return time.Since(began)
}
