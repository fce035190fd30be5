package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Keys are the identities that open values, and the recipients to whom new
// values are sealed: that of the first identity, and those for recovery.
type Keys struct {
	identities []age.Identity
	recipients []age.Recipient
	names      []string // the recipients as text
	own        string   // the first identity as text
}

// maxKeyFile bounds what is read of a file that should be a few lines.
const maxKeyFile = 1 << 16

// maxWork bounds what a passphrase may cost to check: 2^22 is some 20 seconds.
const maxWork = 22

// ErrPassphrase says that the passphrase of a protected identity is wrong.
var ErrPassphrase = errors.New("the passphrase is wrong")

// Parse reads an identity file: one or more lines of AGE-SECRET-KEY-…, of which
// the first counts for what is sealed from now on. extra are recipients for
// recovery, age1…. Its errors are sentences without any part of the file.
func Parse(text []byte, extra []string) (*Keys, error) {
	identities, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil || len(identities) == 0 {
		return nil, errors.New("it holds no age identity, which is a line that begins with AGE-SECRET-KEY-")
	}
	k := &Keys{identities: identities}
	if err := k.seeTo(identities[0]); err != nil {
		return nil, err
	}
	for _, name := range extra {
		if err := k.add(name); err != nil {
			return nil, err
		}
	}
	if _, err := age.Encrypt(io.Discard, k.recipients...); err != nil {
		return nil, errors.New("a hybrid (post-quantum) key and an ordinary one cannot share a value: the recovery recipients must be of the identity's kind")
	}
	return k, nil
}

// seeTo makes an identity the one to whom values are sealed.
func (k *Keys) seeTo(i age.Identity) error {
	switch i := i.(type) {
	case *age.X25519Identity:
		k.recipients, k.names, k.own = []age.Recipient{i.Recipient()}, []string{i.Recipient().String()}, i.String()
	case *age.HybridIdentity:
		k.recipients, k.names, k.own = []age.Recipient{i.Recipient()}, []string{i.Recipient().String()}, i.String()
	default:
		return errors.New("it holds an identity of a kind that wamux does not know")
	}
	return nil
}

// add adds a recipient, unless it is there already.
func (k *Keys) add(name string) error {
	if slices.Contains(k.names, name) {
		return nil
	}
	r, err := recipient(name)
	if err != nil {
		return err
	}
	k.recipients, k.names = append(k.recipients, r), append(k.names, name)
	return nil
}

func recipient(name string) (age.Recipient, error) {
	list, err := age.ParseRecipients(strings.NewReader(name))
	if err != nil || len(list) != 1 {
		return nil, errors.New("a recipient must be one word that begins with age1")
	}
	return list[0], nil
}

// Recipients returns to whom values are sealed, age1…, the own one first.
func (k *Keys) Recipients() []string { return slices.Clone(k.names) }

// Generate makes a new identity and returns its line, AGE-SECRET-KEY-….
// hybrid also withstands a quantum computer, and costs 1,5 KB more a value.
func Generate(hybrid bool) (identity string, err error) {
	if hybrid {
		i, err := age.GenerateHybridIdentity()
		if err != nil {
			return "", err
		}
		return i.String(), nil
	}
	i, err := age.GenerateX25519Identity()
	if err != nil {
		return "", err
	}
	return i.String(), nil
}

// Protected tells whether the text of an identity file is itself an age file,
// which a passphrase opens.
func Protected(text []byte) bool {
	return Sealed(text) || strings.HasPrefix(strings.TrimSpace(string(text)), armor.Header)
}

// Unlock opens a protected identity file. Its error is ErrPassphrase, or a
// sentence about the file.
func Unlock(text []byte, passphrase string) ([]byte, error) {
	i, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	i.SetMaxWorkFactor(maxWork)
	r, err := age.Decrypt(bare(text), i)
	if mismatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &mismatch) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, errors.New("it is an age file that no passphrase opens")
	}
	return io.ReadAll(io.LimitReader(r, maxKeyFile))
}

// bare reads an age file without its armor, if it has one.
func bare(text []byte) io.Reader {
	if Sealed(text) {
		return bytes.NewReader(text)
	}
	return armor.NewReader(strings.NewReader(strings.TrimSpace(string(text)) + "\n"))
}

// Work returns what checking the passphrase of a protected identity file costs, as
// Protect takes it; 0 when that cannot be told.
func Work(text []byte) int {
	head := make([]byte, 256)
	n, _ := io.ReadFull(bare(text), head)
	_, line, _ := strings.Cut(string(head[:n]), "\n-> scrypt ")
	var salt string
	var work int
	if _, err := fmt.Sscanf(line, "%s %d", &salt, &work); err != nil || work < 1 || work > maxWork {
		return 0
	}
	return work
}

// Protect is the reverse of Unlock; work is scrypt's cost as a power of two, 0
// for the usual one.
func Protect(text []byte, passphrase string, work int) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	if work > 0 {
		r.SetWorkFactor(work)
	}
	var out bytes.Buffer
	a := armor.NewWriter(&out)
	w, err := age.Encrypt(a, r)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(text); err != nil {
		return nil, err
	}
	if err = errors.Join(w.Close(), a.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// ErrNotThere says that there is no identity file.
var ErrNotThere = errors.New("is not there")

// ReadFile returns the text of an identity file, or of one with a passphrase. One
// that other users of the machine may read or write is refused, as ssh does, when
// private is true. Its errors are sentences.
func ReadFile(path string, private bool) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s %w", path, ErrNotThere)
	}
	if err != nil {
		return nil, fmt.Errorf("%s can't be read: check its owner and mode", path)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", path)
	}
	if private && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is open to other users of this machine (mode %04o): take that away with chmod 600", path, info.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil || len(text) > maxKeyFile {
		return nil, fmt.Errorf("%s is no identity file", path)
	}
	return text, nil
}
