package svc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// sandbox runs the simulated WhatsApp alone, with its control API, and prints
// what another wamux, or any whatsmeow program, needs to be pointed at it.
func (p program) sandbox(ctx context.Context, args []string) int {
	config, err := p.config(append([]string{"--sandbox"}, args...))
	if err != nil {
		return p.fail(exitUsage, err, settingsHint)
	}
	app, closeLog, err := p.app(config)
	if err != nil {
		return p.fail(exitUsage, err)
	}
	defer closeLog()
	defer app.Close()
	if err := app.openSandboxAlone(ctx); err != nil {
		return p.failStart(err)
	}
	ca, err := app.writeCA()
	if err != nil {
		return p.fail(exitError, errors.New("the CA file can't be written beside the database: check the folder's permissions"))
	}
	fmt.Fprintf(p.stdout, "WHATSAPP_ENDPOINT=%s\nWHATSAPP_ROOT_KEY=%x\nWHATSAPP_CA_FILE=%s\n", app.sandbox.Endpoint(), app.sandbox.RootKey(), ca)
	p.greet(app)
	if err := stay(ctx, app.serveHTTP()); err != nil {
		return p.fail(exitError, errors.New(sentence(err)))
	}
	return exitOK
}

// openSandboxAlone opens what the control API needs and no session.
func (a *App) openSandboxAlone(ctx context.Context) error {
	for _, step := range []func(context.Context) error{a.openCertificates, a.openStore, a.checkMode, a.makeKey, a.openSandbox, a.listen} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) writeCA() (string, error) {
	name, err := filepath.Abs(filepath.Join(filepath.Dir(a.Config.Database), "wamux-sandbox-ca.pem"))
	if err != nil {
		return "", err
	}
	return name, os.WriteFile(name, a.sandbox.CAPEM(), 0o600)
}
