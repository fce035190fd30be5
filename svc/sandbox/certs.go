package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"time"

	"go.mau.fi/libsignal/ecc"
	"go.mau.fi/whatsmeow/proto/waCert"
	"go.mau.fi/whatsmeow/util/keys"
	"google.golang.org/protobuf/proto"
)

// hosts are the names that clients ask for. All of them are this server.
var hosts = []string{"web.whatsapp.com", "*.whatsapp.com", "*.whatsapp.net", "*.cdn.whatsapp.net", "mmg.whatsapp.net", "localhost"}

// secrets is who the server is. They live in the state file, so that clients set up against it stay valid.
type secrets struct {
	CA      []byte // PEM
	TLSCert []byte // PEM
	TLSKey  []byte // PEM
	Root    [32]byte
	Static  [32]byte
}

func newSecrets(now time.Time) (*secrets, error) {
	s := &secrets{Root: *keys.NewKeyPair().Priv, Static: *keys.NewKeyPair().Priv}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wamux sandbox CA"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(10, 0, 0),
		KeyUsage: x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, err
	}
	s.CA = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER})
	return s, s.addLeaf(ca, caKey)
}

func (s *secrets) addLeaf(ca *x509.Certificate, caKey *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "wamux sandbox"},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:    hosts, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	s.TLSCert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.TLSKey = pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	return nil
}

// tls must not offer HTTP/2: websockets need HTTP/1.1.
func (s *secrets) tls() (*tls.Config, error) {
	cert, err := tls.X509KeyPair(s.TLSCert, s.TLSKey)
	if err != nil {
		return nil, err
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}, nil
}

// root is the key that clients must trust.
func (s *secrets) root() *keys.KeyPair { return keys.NewKeyPairFromPrivateKey(s.Root) }

// static is the key the server proves to have in every handshake.
func (s *secrets) static() *keys.KeyPair { return keys.NewKeyPairFromPrivateKey(s.Static) }

// chain certifies the static key: root signs an intermediate, the intermediate signs the leaf.
func (s *secrets) chain(now time.Time) ([]byte, error) {
	intermediate := keys.NewKeyPair()
	middle, err := noiseCertificate(s.root(), 0, 1, intermediate.Pub[:], now)
	if err != nil {
		return nil, err
	}
	leaf, err := noiseCertificate(intermediate, 1, 2, s.static().Pub[:], now)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&waCert.CertChain{Leaf: leaf, Intermediate: middle})
}

func noiseCertificate(issuer *keys.KeyPair, issuerSerial, serial uint32, key []byte, now time.Time) (*waCert.CertChain_NoiseCertificate, error) {
	details, err := proto.Marshal(&waCert.CertChain_NoiseCertificate_Details{
		Serial: &serial, IssuerSerial: &issuerSerial, Key: key,
		NotBefore: proto.Uint64(uint64(now.Add(-24 * time.Hour).Unix())),
		NotAfter:  proto.Uint64(uint64(now.AddDate(1, 0, 0).Unix())),
	})
	if err != nil {
		return nil, err
	}
	signature := ecc.CalculateSignature(ecc.NewDjbECPrivateKey(*issuer.Priv), details)
	return &waCert.CertChain_NoiseCertificate{Details: details, Signature: signature[:]}, nil
}

// loadSecrets reads the server's secrets from the state file, or makes them.
func loadSecrets(db *state, now time.Time) (*secrets, error) {
	text, err := db.meta("secrets")
	if err != nil {
		return nil, err
	}
	s := new(secrets)
	if text != "" {
		return s, json.Unmarshal([]byte(text), s)
	}
	if s, err = newSecrets(now); err != nil {
		return nil, err
	}
	data, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return s, db.setMeta("secrets", string(data))
}
