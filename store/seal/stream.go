package seal

import (
	"errors"
	"io"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// EncryptTo returns a writer that encrypts to recipients, age1…, of which there
// must be one. Its Close ends the age file and leaves out open. Its errors about
// recipients are sentences.
func EncryptTo(out io.Writer, recipients []string) (io.WriteCloser, error) {
	to := make([]age.Recipient, 0, len(recipients))
	for _, name := range recipients {
		r, err := recipient(name)
		if err != nil {
			return nil, err
		}
		to = append(to, r)
	}
	if _, err := age.Encrypt(io.Discard, to...); err != nil {
		return nil, errors.New("recipients must all be of one kind: a hybrid (post-quantum) key and an ordinary one cannot share a file")
	}
	return age.Encrypt(out, to...)
}

// CheckRecipients says in a sentence why nothing can be encrypted to these names
// together, or returns nil.
func CheckRecipients(names []string) error {
	_, err := EncryptTo(io.Discard, names)
	return err
}

// DecryptFrom returns a reader of what an age file, in binary or armored, holds.
// Its errors, and those of the reader, are ErrWrongKey and ErrDamaged.
func DecryptFrom(in io.ReadSeeker, keys *Keys) (io.Reader, error) {
	head := make([]byte, 64)
	n, _ := io.ReadFull(in, head) // a short one is no age file
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return nil, ErrDamaged
	}
	var source io.Reader = in
	if !Sealed(head[:n]) {
		source = armor.NewReader(in)
	}
	plain, err := age.Decrypt(source, keys.identities...)
	if mismatch := (*age.NoIdentityMatchError)(nil); errors.As(err, &mismatch) {
		return nil, ErrWrongKey
	}
	if err != nil {
		return nil, ErrDamaged
	}
	return whole{plain}, nil
}

// whole tells a file that was cut or changed from one that has ended.
type whole struct{ plain io.Reader }

func (w whole) Read(p []byte) (int, error) {
	n, err := w.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return n, ErrDamaged
	}
	return n, err
}
