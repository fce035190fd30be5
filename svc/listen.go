package svc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"wamux/api"
)

// noPort is the PORT of who wants the socket only.
const noPort = "off"

// listen opens the port and the socket, whichever are wanted, and tells commands where to find us.
func (a *App) listen(context.Context) (err error) {
	if a.Config.Port != noPort {
		address := net.JoinHostPort(a.Config.Host, a.Config.Port)
		if a.listener, err = net.Listen("tcp", address); err != nil {
			return listenError(address, err)
		}
	}
	if a.Config.Socket != "" {
		if a.socket, err = openSocket(a.Config.Socket); err != nil {
			return err
		}
	}
	a.api = api.New(a.apiOptions())
	a.server = &http.Server{
		Handler:           a.api,
		ReadHeaderTimeout: a.Config.HeaderTimeout,
		ReadTimeout:       5 * time.Minute, // a large upload over a slow line
		WriteTimeout:      2 * time.Minute, // above every wait of the API
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	return a.announce()
}

func listenError(address string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("this user may not listen on %s: choose a PORT above 1023", address)
	}
	return fmt.Errorf("%s can't be listened on: another program may have it; choose another PORT", address)
}

// socketMode lets the user and the group call.
const socketMode = 0o660

// openSocket listens on a Unix socket at path. One that nobody listens on any more, as a crash leaves it, is replaced; closing the
// listener removes it.
func openSocket(path string) (net.Listener, error) {
	if info, err := os.Lstat(path); err == nil {
		if err := abandoned(path, info.Mode()); err != nil {
			return nil, err
		}
		_ = os.Remove(path) // if that does not work, listening does not
	}
	listener, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, socketMode) // it was made with less
	}
	if err != nil {
		return nil, fmt.Errorf("LISTEN_SOCKET is %s, where no socket can be made: its folder must be there, this user must be allowed to write in it, and the path must be shorter than 100 bytes", path)
	}
	return listener, nil
}

// abandoned says why a file may not be replaced by a socket; nil for a socket that nobody listens on.
func abandoned(path string, mode fs.FileMode) error {
	if mode&fs.ModeSocket == 0 {
		return fmt.Errorf("LISTEN_SOCKET is %s, which is there and no socket: name another path", path)
	}
	conn, err := net.Dial("unix", path)
	switch {
	case err == nil:
		conn.Close()
		return fmt.Errorf("LISTEN_SOCKET is %s, on which another program listens: name another path", path)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, refusedByWindows), errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return fmt.Errorf("LISTEN_SOCKET is %s, a socket of which it cannot be told whether another program listens on it: name another path, or delete it if none does", path)
}

// refusedByWindows is WSAECONNREFUSED, which package syscall does not take for ECONNREFUSED. Elsewhere there is no such number.
const refusedByWindows = syscall.Errno(10061)

// announce tells commands how to reach us.
func (a *App) announce() error { return a.db.Announce(a.way()) }

// way is how this machine reaches us: by the port, with the pin of the certificate that it will meet, or by the socket.
func (a *App) way() string {
	if a.certificates != nil {
		return a.wayWith(a.certificates.pin())
	}
	return a.wayWith("")
}

// wayWith is way with the pin of a certificate, "" for none.
func (a *App) wayWith(pin string) string {
	if a.listener == nil {
		path, err := filepath.Abs(a.Config.Socket)
		if err != nil {
			path = a.Config.Socket
		}
		return socketScheme + path
	}
	url := a.scheme() + net.JoinHostPort(callable(a.Config.Host), a.port())
	if pin != "" {
		url += "#" + pin
	}
	return url
}

// callable is a host by which this machine reaches what listens on host.
func callable(host string) string {
	switch ip := net.ParseIP(host); {
	case !ip.IsUnspecified():
		return host
	case ip.To4() != nil:
		return "127.0.0.1"
	}
	return "::1"
}

func (a *App) scheme() string {
	if a.certificates != nil {
		return "https://"
	}
	return "http://"
}

func (a *App) port() string { return fmt.Sprint(a.listener.Addr().(*net.TCPAddr).Port) }

// URL is where the API is served, with the real port; with the socket alone, unix: and its path.
func (a *App) URL() string {
	if a.listener == nil {
		return socketScheme + a.Config.Socket
	}
	return a.scheme() + net.JoinHostPort(a.Config.Host, a.port())
}

// serveHTTP answers requests from now on. The channel gets why that ended.
func (a *App) serveHTTP() <-chan error {
	failed := make(chan error, 2)
	if a.listener != nil {
		go func() { failed <- a.server.Serve(a.secured(a.listener)) }()
	}
	if a.socket != nil {
		go func() { failed <- a.server.Serve(a.socket) }()
	}
	return failed
}

// secured speaks TLS on what l accepts, where there is a certificate.
func (a *App) secured(l net.Listener) net.Listener {
	if a.certificates == nil {
		return l
	}
	return tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: a.certificates.get, NextProtos: []string{"http/1.1"}})
}

// stay returns when ctx ends, which is no error, or something failed.
func stay(ctx context.Context, failed <-chan error) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

// stopServer closes port and socket.
func (a *App) stopServer() {
	if a.server != nil {
		inTime(lastGrace, func(ctx context.Context) {
			if a.server.Shutdown(ctx) != nil {
				a.server.Close() // who still reads an answer is cut off
			}
		})
	}
	for _, l := range []net.Listener{a.listener, a.socket} {
		if l != nil {
			l.Close()
		}
	}
}
