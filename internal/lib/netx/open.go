package netx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sallyport/sallyport/source"
)

// Open starts to listen on l without TLS; the caller wraps and closes the
// listener. What the operator can repair is a source.Diagnostic (port in use,
// privileged port, no such address, socket path); the rest is a plain error.
func (l Listen) Open(ctx context.Context) (net.Listener, error) {
	if l.Socket != "" {
		return l.openSocket(ctx)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", l.Address())
	if err != nil {
		return nil, l.explain(err)
	}
	return ln, nil
}

// explain turns the errors of bind(2) that an operator can act on into
// diagnostics.
func (l Listen) explain(err error) error {
	d := source.Diagnostic{Text: fmt.Sprintf("cannot listen on %s: ", l)}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		d.Code, d.Text = CodePortInUse, d.Text+"another process listens there"
		d.Hint = fmt.Sprintf("stop it (ss -ltnp 'sport = :%d' names it), or choose another port: --listen %s", l.Port, l.next())
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		high := l
		high.Port = 8443
		d.Code, d.Text = CodePrivilegedPort, d.Text+"ports below 1024 need a privilege"
		d.Hint = fmt.Sprintf("give CAP_NET_BIND_SERVICE (deploy/sallyport.service does), or choose a high port: --listen %s", high)
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EAFNOSUPPORT):
		d.Code, d.Text = CodeNoAddress, d.Text+"this machine does not have that address"
		d.Hint = "ip addr lists the addresses; write nothing before the colon to listen on all of them"
	default:
		return fmt.Errorf("listen on %s: %w", l, err)
	}
	return d
}

// next is l on a neighbouring port that needs no privilege.
func (l Listen) next() Listen {
	switch {
	case l.Port < 1024:
		l.Port = 8443
	case l.Port == 65535:
		l.Port--
	default:
		l.Port++
	}
	return l
}

const (
	// socketMode lets the group of the process connect, such as a web server
	// that was added to it; others cannot.
	socketMode = 0o660
	// socketProbe bounds the question whether somebody serves an old socket.
	socketProbe = time.Second
)

// openSocket makes the socket in a private folder, sets its mode there and
// then renames it to its place: nobody can connect before the mode is right,
// and a stale socket is replaced in one step.
func (l Listen) openSocket(ctx context.Context) (net.Listener, error) {
	if err := l.checkSocket(ctx); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(l.Socket), ".sp")
	if err != nil {
		return nil, l.socketDiagnostic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "unix", filepath.Join(dir, "s"))
	if err != nil {
		return nil, l.socketDiagnostic(err)
	}
	if u, ok := ln.(*net.UnixListener); ok {
		u.SetUnlinkOnClose(false) // it would unlink the name before the rename
	}
	if err = os.Chmod(filepath.Join(dir, "s"), socketMode); err == nil {
		err = os.Rename(filepath.Join(dir, "s"), l.Socket)
	}
	if err != nil {
		_ = ln.Close()
		return nil, l.socketDiagnostic(err)
	}
	made, err := os.Lstat(l.Socket)
	if err != nil {
		_ = ln.Close()
		return nil, l.socketDiagnostic(err)
	}
	return &socketListener{Listener: ln, path: l.Socket, made: made}, nil
}

// checkSocket refuses a path that is no socket, and one that answers.
func (l Listen) checkSocket(ctx context.Context) error {
	info, err := os.Lstat(l.Socket)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return l.socketDiagnostic(err)
	}
	if info.Mode()&os.ModeSocket == 0 {
		return source.Diagnostic{Code: CodeSocket, Text: fmt.Sprintf("cannot listen on %s: a file that is no socket lies there", l),
			Hint: "choose another path, or remove the file yourself"}
	}
	ctx, cancel := context.WithTimeout(ctx, socketProbe)
	defer cancel()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", l.Socket)
	if err != nil {
		return nil // nobody answers: a socket left by a process that died
	}
	_ = c.Close()
	return source.Diagnostic{Code: CodePortInUse, Text: fmt.Sprintf("cannot listen on %s: another process listens there", l),
		Hint: "stop it, or choose another path"}
}

func (l Listen) socketDiagnostic(err error) error {
	return source.Diagnostic{Code: CodeSocket, Text: fmt.Sprintf("cannot listen on %s: %v", l, err),
		Hint: fmt.Sprintf("make the folder %s writable for this user", filepath.Dir(l.Socket))}
}

// socketListener removes its name when it is closed.
type socketListener struct {
	net.Listener
	path string
	made os.FileInfo // the socket as it was made
}

// Addr is the path that clients use.
func (s *socketListener) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close stops to listen and removes the socket, unless another process has
// put its own in the same place.
func (s *socketListener) Close() error {
	err := s.Listener.Close()
	if now, e := os.Lstat(s.path); e == nil && os.SameFile(now, s.made) {
		_ = os.Remove(s.path)
	}
	return err
}
