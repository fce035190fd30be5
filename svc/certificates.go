package svc

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificates is the certificate of the API, read again when its files change, so that a renewal needs no restart.
type certificates struct {
	certFile, keyFile string
	log               *slog.Logger
	changed           func(pin string) // called before another certificate is first shown to anybody, with its pin

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]stamp // of the files when they were read last
}

// stamp tells one state of a file from another.
type stamp struct {
	at   time.Time
	size int64
}

// openCertificates reads the files of the settings, where there are any. Its error is a sentence for people.
func (a *App) openCertificates(context.Context) error {
	if a.Config.CertFile == "" {
		return nil
	}
	c := &certificates{certFile: a.Config.CertFile, keyFile: a.Config.KeyFile, log: a.Log}
	if err := c.load(); err != nil {
		return err
	}
	a.certificates = c
	c.changed = func(pin string) {
		if err := a.db.Announce(a.wayWith(pin)); err != nil {
			a.Log.Warn("commands cannot be told of the new certificate", "error", err)
		}
	}
	return nil
}

// load reads both files. When they are wrong the certificate stays as it was.
func (c *certificates) load() error {
	c.seen = c.stamps()
	loaded, err := loadCertificate(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	if time.Now().After(loaded.Leaf.NotAfter) {
		c.log.Warn("the certificate in TLS_CERT_FILE has expired: clients will refuse it", "since", loaded.Leaf.NotAfter)
	}
	c.current = loaded
	return nil
}

func loadCertificate(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("TLS_CERT_FILE is %s, which can't be read: check that it is there and this user may open it", certFile)
	}
	key, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("TLS_KEY_FILE is %s, which can't be read: check that it is there and this user may open it", keyFile)
	}
	if !holdsCertificate(cert) {
		return nil, fmt.Errorf("TLS_CERT_FILE is %s, which holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", certFile)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("TLS_KEY_FILE is %s, which is not the private key of the certificate in TLS_CERT_FILE: it must be the one that belongs to it, in PEM and without a passphrase", keyFile)
	}
	return &pair, nil
}

// holdsCertificate tells whether the first certificate of a PEM file is one.
func holdsCertificate(text []byte) bool {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			_, err := x509.ParseCertificate(block.Bytes)
			return err == nil
		}
	}
	return false
}

func (c *certificates) stamps() (now [2]stamp) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			now[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return now
}

// get is asked at each handshake. A pair that is half written, or wrong, leaves the one before in use.
func (c *certificates) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew()
	return c.current, nil
}

// renew takes the files when they have changed. Commands are told of another certificate before it is shown to the first of them.
func (c *certificates) renew() {
	if c.stamps() == c.seen {
		return
	}
	before := c.pinned()
	if err := c.load(); err != nil {
		c.log.Warn("the new certificate cannot be used, the one before stays: "+err.Error(), "expires", c.current.Leaf.NotAfter)
		return
	}
	if c.pinned() != before {
		c.log.Info("another certificate is in use", "expires", c.current.Leaf.NotAfter)
		c.changed(c.pinned())
	}
}

// pin is by what commands know the certificate that the next of them will meet.
func (c *certificates) pin() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.renew()
	return c.pinned()
}

func (c *certificates) pinned() string { return pinOf(c.current.Leaf) }

func pinOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:])
}

// cover tells whether the certificate in use was made for a host, by name, wildcard or address.
func (c *certificates) cover(host string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current.Leaf.VerifyHostname(host) == nil
}
