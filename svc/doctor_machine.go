package svc

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"wamux/store"
)

// What is little room, and what too little; how wrong a clock may be; how old the
// library may become before WhatsApp may refuse it; how long an answer may take.
const (
	fewBytes     = 200 << 20
	tooFewBytes  = 16 << 20
	clockOff     = 30 * time.Second
	clockWrong   = 5 * time.Minute
	oldLibrary   = 120 * 24 * time.Hour
	whatsappTime = 8 * time.Second
)

// clockAndWhatsApp asks WhatsApp's web server, by the way that sessions take: its
// answer proves the way, and says what time it is there.
func (d *doctor) clockAndWhatsApp(ctx context.Context) {
	if d.c.Sandbox {
		d.say(verdictOK, "whatsapp", "simulated, inside the gateway")
		d.clock(time.Time{}, 0)
		return
	}
	began := time.Now()
	there, err := d.askWhatsApp(ctx)
	if err != nil {
		d.say(verdictFail, "whatsapp", "%s", unreachable(err))
		d.clock(time.Time{}, 0)
		return
	}
	took := time.Since(began)
	d.say(verdictOK, "whatsapp", "reached in %d ms", took.Milliseconds())
	d.clock(there, took)
}

// askWhatsApp returns the time that WhatsApp has, zero when it does not say.
func (d *doctor) askWhatsApp(ctx context.Context) (time.Time, error) {
	network, err := d.c.network()
	if err != nil {
		return time.Time{}, err
	}
	transport, err := network.Transport()
	if err != nil {
		return time.Time{}, err
	}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, whatsappTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, "https://web.whatsapp.com/", nil)
	if err != nil {
		return time.Time{}, err
	}
	resp, err := transport.RoundTrip(req) // whatever it answers, and wherever it sends us
	if err != nil {
		return time.Time{}, err
	}
	resp.Body.Close()
	there, _ := http.ParseTime(resp.Header.Get("Date"))
	return there, nil
}

// unreachable says in a sentence how far the way to WhatsApp goes.
func unreachable(err error) string {
	var dns *net.DNSError
	var dial *net.OpError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var host x509.HostnameError
	switch {
	case errors.As(err, &dns):
		return "its name cannot be looked up: this machine is offline, or its DNS does not work"
	case errors.As(err, &authority), errors.As(err, &invalid), errors.As(err, &host):
		return "somebody else answers in its name, or the clock is wrong: its certificate is refused"
	case errors.As(err, &dial) && dial.Op == "dial":
		return "no connection comes about: this machine is offline, or a firewall is between"
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer in time: this machine is offline, or a firewall is between"
	}
	return "the connection breaks before it answers: a proxy or a firewall may be between"
}

// clock compares the clock with WhatsApp's, or at least with the day that this
// program was made on.
func (d *doctor) clock(there time.Time, took time.Duration) {
	now := time.Now()
	off := now.Sub(there).Abs() - took - time.Second // an HTTP date has whole seconds
	switch made := madeAt(); {
	case now.Before(made):
		d.say(verdictFail, "clock", "it is %s here, which is before this program was made: set it", now.Format(time.RFC3339))
	case there.IsZero():
		d.say(verdictOK, "clock", "%s, which nobody could be asked about", now.Format(time.RFC3339))
	case off > clockWrong:
		d.say(verdictFail, "clock", "%v away from WhatsApp's, which may refuse to talk: set it", off.Round(time.Second))
	case off > clockOff:
		d.say(verdictWarn, "clock", "%v away from WhatsApp's: let the system keep it (NTP)", off.Round(time.Second))
	default:
		d.say(verdictOK, "clock", "as WhatsApp's")
	}
}

// madeAt is a time before which this program cannot run: that of its source or,
// when it does not say, of the library's.
func madeAt() time.Time {
	made, _ := libraryDate()
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if at, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				made = at
			}
		}
	}
	return made
}

// libraryDate reads the date in the version of whatsmeow, which has no others.
func libraryDate() (time.Time, bool) {
	parts := strings.Split(dependencyVersion(whatsmeowPath), "-")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	stamp := parts[1][strings.LastIndex(parts[1], ".")+1:]
	at, err := time.Parse("20060102150405", stamp)
	return at, err == nil
}

// library tells how old what speaks with WhatsApp is.
func (d *doctor) library(context.Context) {
	at, ok := libraryDate()
	days := int(time.Since(at).Hours() / 24)
	switch {
	case !ok:
		d.say(verdictWarn, "library", "whatsmeow %s, whose age is not known", dependencyVersion(whatsmeowPath))
	case time.Since(at) > oldLibrary:
		d.say(verdictWarn, "library", "whatsmeow is %d days old: WhatsApp refuses old ones some day, so look for a newer wamux", days)
	default:
		d.say(verdictOK, "library", "whatsmeow of %s, %d days old", at.Format(time.DateOnly), days)
	}
}

// disk looks for room: for the database, and for a copy of it.
func (d *doctor) disk(context.Context) {
	free, err := store.FreeSpace(d.c.Database)
	if err != nil {
		d.say(verdictFail, "disk", "the folder of %s cannot be seen: make it, or correct DATABASE_URL", d.c.Database)
		return
	}
	var size int64
	if info, err := os.Stat(d.c.Database); err == nil {
		size = info.Size()
	}
	switch mib := free >> 20; {
	case free < tooFewBytes:
		d.say(verdictFail, "disk", "only %d MiB are free: make room", mib)
	case free < fewBytes:
		d.say(verdictWarn, "disk", "only %d MiB are free", mib)
	case free < size:
		d.say(verdictWarn, "disk", "%d MiB are free, which is too little for a backup beside a database of %d MiB", mib, size>>20)
	default:
		d.say(verdictOK, "disk", "%d MiB are free", mib)
	}
}

// secretFiles are those that nobody else may read.
func (d *doctor) secretFiles() []string {
	db := d.c.Database
	files := []string{db, db + "-wal", db + "-shm", db + ".epoch", filepath.Join(filepath.Dir(db), "admin.key"), d.c.PassphraseFile, d.c.LogFile}
	if d.c.givenAs["API_KEYS"] == ".env" || d.c.givenAs["WEBHOOK_SECRET"] == ".env" {
		files = append(files, ".env")
	}
	if !d.c.Credential {
		files = append(files, d.c.IdentityFile)
	}
	return files
}

// modes looks who else may read the files, or put others in their place.
func (d *doctor) modes(context.Context) {
	if runtime.GOOS == "windows" {
		d.say(verdictOK, "modes", "the rights of the folder decide on Windows")
		return
	}
	fine := true
	for _, name := range d.secretFiles() {
		info, err := os.Stat(name)
		switch {
		case name == "" || errors.Is(err, fs.ErrNotExist):
		case err != nil:
			fine = false
			d.say(verdictFail, "modes", "%s cannot be seen: call this as the user that wamux runs as", name)
		case info.Mode().Perm()&0o077 != 0:
			fine = false
			d.say(verdictFail, "modes", "others may read %s: chmod 600 %[1]s", name)
		}
	}
	folder := filepath.Dir(d.c.Database)
	if info, err := os.Stat(folder); err == nil && info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSticky == 0 {
		fine = false
		d.say(verdictFail, "modes", "others may replace files in %s: chmod go-w %[1]s", folder)
	}
	if fine {
		d.say(verdictOK, "modes", "nobody else may read the files")
	}
}

// port tells whether the API can listen, or does.
func (d *doctor) port(context.Context) {
	if d.held {
		if d.r != nil {
			d.say(verdictOK, "port", "ours, %s", strings.TrimPrefix(d.r.url, "http://"))
		}
		return
	}
	if d.c.CertFile != "" {
		if _, err := loadCertificate(d.c.CertFile, d.c.KeyFile); err != nil {
			d.sayError("port", err)
		}
	}
	if d.c.Port == noPort {
		d.say(verdictOK, "port", "none is wanted, only %s", d.c.Socket)
		return
	}
	address := net.JoinHostPort(d.c.Host, d.c.Port)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		d.say(verdictFail, "port", "%v", listenError(address, err))
		return
	}
	listener.Close()
	d.say(verdictOK, "port", "%s is free", address)
}
