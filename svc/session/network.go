package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"
)

// Network says where WhatsApp is.
type Network struct {
	Endpoint string // host:port dialled whatever host is asked for; "" means the real WhatsApp
	RootKey  []byte // 32 bytes that vouch for the Noise certificate of Endpoint
	CAPEM    []byte // the only authorities trusted for Endpoint's TLS
}

// simulated tells whether it is not the real WhatsApp.
func (n Network) simulated() bool { return n.Endpoint != "" }

// check returns a sentence about what is missing.
func (n Network) check() error {
	if n.simulated() && len(n.RootKey) != 32 {
		return errors.New("the root key of a simulated WhatsApp must be 32 bytes")
	}
	return nil
}

// Transport is the one way to WhatsApp, for all sessions. The caller closes its
// idle connections.
func (n Network) Transport() (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: 20 * time.Second, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     !n.simulated(),
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   8,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   15 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ExpectContinueTimeout: time.Second,
	}
	if n.simulated() {
		return t, n.redirect(t, dialer)
	}
	return t, nil
}

// redirect makes t go to the endpoint for every host, and trust nobody else.
func (n Network) redirect(t *http.Transport, dialer *net.Dialer) error {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(n.CAPEM) {
		return errors.New("the authority of a simulated WhatsApp must be a PEM certificate")
	}
	t.Proxy = nil
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, n.Endpoint)
	}
	return nil
}
