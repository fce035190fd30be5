package svc

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"

	"wamux/store"
	"wamux/store/seal"
)

// keyring reads the keys that the configuration names. It reads them anew each
// time, so that a running gateway sees a file that `wamux key rotate` has changed.
type keyring struct {
	file       string // "" when there is none
	credential bool   // the service manager sees to the file's mode
	recipients []string
	passFile   string
	ask        func(prompt string) (string, error) // nil when there is nobody to ask

	mu         sync.Mutex
	passphrase string // what was asked for: nobody is asked twice
}

func (p program) keyring(c Config) *keyring {
	return &keyring{file: c.IdentityFile, credential: c.Credential, recipients: c.Recipients, passFile: c.PassphraseFile, ask: p.asker()}
}

// asker asks the person at the terminal without showing what is typed; nil where
// there is none.
func (p program) asker() func(string) (string, error) {
	in, ok := p.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return nil
	}
	return func(prompt string) (string, error) {
		_, _ = p.stderr.Write([]byte(prompt + ": "))
		text, err := typed(p.ctx, int(in.Fd()))
		_, _ = p.stderr.Write([]byte("\n"))
		return text, err
	}
}

// typed reads a line without echo, unless ctx ends before.
func typed(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", err
	}
	type line struct {
		text []byte
		err  error
	}
	done := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		done <- line{text, err}
	}()
	select {
	case l := <-done:
		return string(l.text), l.err
	case <-ctx.Done():
		return "", errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}

// read returns the keys; nil without an error when none are configured.
func (k *keyring) read() (*seal.Keys, error) {
	if k == nil || k.file == "" {
		return nil, nil
	}
	text, err := k.text()
	if err != nil {
		return nil, err
	}
	return k.parse(text)
}

func (k *keyring) parse(text []byte) (*seal.Keys, error) {
	keys, err := seal.Parse(text, k.recipients)
	if err != nil {
		return nil, &store.Error{Code: store.CodeConflict, Name: "identity_invalid", Message: k.file + " cannot be used: " + err.Error(),
			Hint: "AGE_IDENTITY_FILE must name a file that `wamux key new` or age-keygen made."}
	}
	return keys, nil
}

// text returns what the identity file says, without its passphrase.
func (k *keyring) text() ([]byte, error) {
	text, err := k.raw()
	if err != nil || !seal.Protected(text) {
		return text, err
	}
	passphrase, err := k.secret()
	if err != nil {
		return nil, err
	}
	plain, err := seal.Unlock(text, passphrase)
	if err != nil {
		return nil, &store.Error{Code: store.CodeConflict, Name: "identity_invalid", Message: k.file + " does not open: " + err.Error(),
			Hint: "Check the passphrase, and AGE_PASSPHRASE_FILE where it comes from a file."}
	}
	return plain, nil
}

// raw returns the identity file as it is.
func (k *keyring) raw() ([]byte, error) {
	text, err := seal.ReadFile(k.file, !k.credential)
	if errors.Is(err, seal.ErrNotThere) {
		return nil, keyFileError(err, "Make it with `wamux key new -o FILE`, or correct AGE_IDENTITY_FILE.")
	}
	if err != nil {
		return nil, keyFileError(err, "The identity file is like a password: only the user that wamux runs as may read it.")
	}
	return text, nil
}

func keyFileError(err error, hint string) error {
	return &store.Error{Code: store.CodeConflict, Name: "identity_unreadable", Message: err.Error(), Hint: hint}
}

// secret returns the passphrase of the identity file.
func (k *keyring) secret() (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.passphrase != "" {
		return k.passphrase, nil
	}
	if k.passFile != "" {
		text, err := seal.ReadFile(k.passFile, true)
		if err != nil {
			return "", keyFileError(err, "AGE_PASSPHRASE_FILE must name a file with one line, which only the user that wamux runs as may read.")
		}
		return strings.TrimRight(string(text), "\r\n"), nil
	}
	if k.ask == nil {
		return "", &store.Error{Code: store.CodeConflict, Name: "passphrase_missing", Message: k.file + " has a passphrase, and there is nobody to ask for it",
			Hint: "Put the passphrase into a file (mode 0600) and name it with AGE_PASSPHRASE_FILE, or start wamux at a terminal."}
	}
	passphrase, err := k.ask("Passphrase of " + k.file)
	if err != nil {
		return "", &store.Error{Code: store.CodeConflict, Name: "passphrase_missing", Message: "No passphrase was typed", Err: err}
	}
	k.passphrase = passphrase
	return passphrase, nil
}

// replace puts another text into the identity file, under the passphrase that it
// had. A crash leaves the old text or the new one.
func (k *keyring) replace(text []byte) error {
	before, err := k.raw()
	if err != nil {
		return err
	}
	if seal.Protected(before) {
		passphrase, err := k.secret()
		if err == nil {
			text, err = seal.Protect(text, passphrase, seal.Work(before))
		}
		if err != nil {
			return err
		}
	}
	return replaceKeyFile(k.file, text)
}
