package svc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"wamux/api"
	"wamux/store"
	"wamux/svc/osservice"
)

// Config is what wamux was told, validated: read in one place, once, and
// copied into what needs it.
type Config struct {
	Host, Port       string
	AllowedHosts     []string
	Socket           string // path of the Unix socket to listen on besides; "" for none
	CertFile         string // with KeyFile: the port speaks TLS
	KeyFile          string
	HeaderTimeout    time.Duration
	APIKeys          []string
	Database         string // path of the file
	BackupDir        string // "" means no scheduled backups
	BackupEvery      time.Duration
	BackupKeep       int
	BackupRecipients []string // age1…; none: backups in clear
	IdentityFile     string   // "" for none: values are kept in clear
	Credential       bool     // the service manager gave it, and sees to its mode
	Recipients       []string
	PassphraseFile   string // "" asks at the terminal
	History          store.History
	keys             *keyring // reads IdentityFile
	MaxSessions      int
	ReconnectDelay   time.Duration
	MaxReconnects    int
	MaxFileSize      int64
	FileTypes        api.FileTypes
	MediaHosts       []string
	BulkMin          time.Duration
	BulkMax          time.Duration
	CountryCode      string
	CORSOrigins      []string
	RateMax          int // requests in a RateWindow; 0 means no limit
	RateWindow       time.Duration
	Retention        store.Retention
	LogLevels        logLevels
	LogFormat        string
	LowMemory        bool
	LogFile          string // "" means none
	Endpoint         string // of a simulated WhatsApp; "" is the real one
	RootKey          []byte
	CAFile           string
	SessionGauges    bool // /metrics names sessions
	Sandbox          bool
	SandboxListen    string
	Scale            float64
	values, givenAs  map[string]string // by env name: the text, and where it came from
}

// sandboxDatabase is the file of a sandbox for which none is named.
const sandboxDatabase = "wamux-sandbox.db"

// sources are the three places a setting may come from.
type sources struct {
	args   []string
	env    func(string) (string, bool)
	dotenv map[string]string
}

// readConfig returns the configuration that flags, environment and .env give
// together. Its error is a sentence for the person who started the program.
func readConfig(src sources) (Config, error) {
	c := Config{values: map[string]string{}, givenAs: map[string]string{}}
	if err := c.collect(src); err != nil {
		return c, err
	}
	for _, o := range options() {
		if err := o.validate(c.values[o.env]); err != nil {
			return c, fmt.Errorf("%s (%s) %w", o.env, c.givenAs[o.env], err)
		}
	}
	c.copyFields()
	c.findCredential(src)
	c.findCertificate(src)
	return c, c.together()
}

// validate leaves out the value of a secret: an error is printed.
func (o option) validate(value string) error {
	if o.check == nil || (value == "" && o.preset == "") {
		return nil
	}
	if err := o.check(value); err != nil && !o.secret && !o.hushed {
		return fmt.Errorf("is %q, but it %w", value, err)
	} else if err != nil {
		return err
	}
	return nil
}

// collect fills values: the preset, over it .env, over it the environment,
// over it the flags. An empty variable counts as not set, as in compose files.
func (c *Config) collect(src sources) error {
	for _, o := range options() {
		c.set(o, o.preset, "default")
		if v := src.dotenv[o.env]; v != "" {
			c.set(o, v, ".env")
		}
		if v, _ := src.env(o.env); v != "" {
			c.set(o, v, "environment")
		}
	}
	return c.collectFlags(src.args)
}

func (c *Config) set(o option, value, from string) {
	c.values[o.env], c.givenAs[o.env] = strings.TrimSpace(value), from
}

func (c *Config) collectFlags(args []string) error {
	for len(args) > 0 {
		name, value, joined := strings.Cut(args[0], "=")
		args = args[1:]
		if !strings.HasPrefix(name, "-") {
			return fmt.Errorf("%q is no flag", name)
		}
		name = strings.TrimLeft(name, "-")
		if name == "sandbox" {
			if err := c.setSandbox(value, joined); err != nil {
				return err
			}
			continue
		}
		o, ok := optionByFlag(name)
		if !ok {
			return fmt.Errorf("there is no flag --%s", name)
		}
		if !joined {
			if len(args) == 0 {
				return fmt.Errorf("--%s needs a value", name)
			}
			value, args = args[0], args[1:]
		}
		c.set(o, value, "--"+name)
	}
	return nil
}

// setSandbox takes --sandbox, with =true or =false behind it or nothing.
func (c *Config) setSandbox(value string, joined bool) error {
	if joined && isBool(value) != nil {
		return fmt.Errorf("--sandbox is %q, but it must be true or false, or stand alone", value)
	}
	c.Sandbox = value != "false"
	return nil
}

func optionByFlag(name string) (option, bool) {
	for _, o := range options() {
		if o.flag == name {
			return o, true
		}
	}
	return option{}, false
}

// copyFields turns the validated texts into fields; nothing can fail here.
func (c *Config) copyFields() {
	c.Host, c.Port = c.values["HOST"], c.values["PORT"]
	c.Socket, c.CertFile, c.KeyFile = c.values["LISTEN_SOCKET"], c.values["TLS_CERT_FILE"], c.values["TLS_KEY_FILE"]
	c.HeaderTimeout = c.millis("HEADER_TIMEOUT")
	c.AllowedHosts, c.APIKeys = list(c.values["ALLOWED_HOSTS"]), list(c.values["API_KEYS"])
	if c.Sandbox && c.givenAs["DATABASE_URL"] == "default" {
		c.values["DATABASE_URL"], c.givenAs["DATABASE_URL"] = "file:"+sandboxDatabase, "--sandbox"
	}
	c.Database = databasePath(c.values["DATABASE_URL"])
	c.BackupDir, c.BackupRecipients = c.values["BACKUP_DIR"], list(c.values["BACKUP_RECIPIENTS"])
	c.BackupEvery, _ = backupInterval(c.values["BACKUP_EVERY"])
	c.BackupKeep = int(c.number("BACKUP_KEEP"))
	c.IdentityFile, c.PassphraseFile = c.values["AGE_IDENTITY_FILE"], c.values["AGE_PASSPHRASE_FILE"]
	c.Recipients, c.History = list(c.values["AGE_RECIPIENTS"]), store.History(c.values["HISTORY"])
	c.MaxSessions, c.MaxReconnects = int(c.number("MAX_SESSIONS")), int(c.number("MAX_RECONNECT_ATTEMPTS"))
	c.ReconnectDelay = c.millis("RECONNECT_DELAY")
	c.MaxFileSize, c.MediaHosts = c.number("MAX_FILE_SIZE"), list(c.values["MEDIA_HOSTS"])
	c.copyPauses()
	c.CountryCode, c.CORSOrigins = c.values["DEFAULT_COUNTRY_CODE"], origins(c.values["CORS_ORIGIN"])
	c.FileTypes, _ = api.ParseFileTypes(c.values["ALLOWED_FILE_TYPES"])
	c.RateMax = int(c.number("RATE_LIMIT_MAX_REQUESTS"))
	c.RateWindow = time.Duration(c.number("RATE_LIMIT_WINDOW_MS")) * time.Millisecond
	c.Retention = store.Retention{History: c.days("HISTORY_DAYS"), Events: c.days("EVENTS_DAYS"), EventsMax: c.number("EVENTS_MAX"), Jobs: c.days("JOBS_DAYS")}
	c.LogLevels, _ = parseLogLevels(c.values["LOG_LEVEL"])
	c.LowMemory = c.values["MEMORY_PROFILE"] == memoryLow
	c.LogFormat = c.values["LOG_FORMAT"]
	c.LogFile = c.values["LOG_FILE"]
	c.SessionGauges = c.values["METRICS_SESSIONS"] == "true"
	c.Endpoint, c.CAFile = c.values["WHATSAPP_ENDPOINT"], c.values["WHATSAPP_CA_FILE"]
	c.RootKey, _ = hex.DecodeString(c.values["WHATSAPP_ROOT_KEY"])
	c.SandboxListen = c.values["SANDBOX_LISTEN"]
	c.Scale, _ = strconv.ParseFloat(c.values["SANDBOX_TIME_SCALE"], 64)
}

// findCredential takes the identity that the service manager hands over, unless a
// file is named.
func (c *Config) findCredential(src sources) {
	folder, _ := src.env("CREDENTIALS_DIRECTORY")
	name := filepath.Join(folder, osservice.IdentityCredential)
	if folder == "" || c.IdentityFile != "" && filepath.Clean(c.IdentityFile) != name {
		return
	}
	if text, err := os.ReadFile(name); errors.Is(err, fs.ErrNotExist) || string(text) == osservice.NoCredential {
		return
	}
	c.IdentityFile, c.Credential = name, true
	c.values["AGE_IDENTITY_FILE"], c.givenAs["AGE_IDENTITY_FILE"] = name, "credential"
}

// findCertificate takes the certificate that the service manager hands over, as it was at the start, where the files that are
// named can't be read: they may be for root only. Else those are used, since they can be renewed.
func (c *Config) findCertificate(src sources) {
	folder, _ := src.env("CREDENTIALS_DIRECTORY")
	if folder == "" || c.CertFile == "" || readable(c.CertFile) && readable(c.KeyFile) {
		return
	}
	cert, key := filepath.Join(folder, osservice.CertificateCredential), filepath.Join(folder, osservice.KeyCredential)
	if readable(cert) && readable(key) {
		c.CertFile, c.KeyFile = cert, key
	}
}

func readable(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// copyPauses lets the one pause that was given move the other, which was not: a .env
// of the old service may have only one.
func (c *Config) copyPauses() {
	const low, high = "BULK_MESSAGE_MIN_DELAY", "BULK_MESSAGE_MAX_DELAY"
	c.BulkMin, c.BulkMax = c.millis(low), c.millis(high)
	if c.givenAs[high] == "default" {
		c.BulkMax = max(c.BulkMax, c.BulkMin)
	}
	if c.givenAs[low] == "default" {
		c.BulkMin = min(c.BulkMin, c.BulkMax)
	}
}

func (c *Config) number(env string) int64 {
	n, _ := strconv.ParseInt(c.values[env], 10, 64)
	return n
}

func (c *Config) millis(env string) time.Duration {
	return time.Duration(c.number(env)) * time.Millisecond
}

func (c *Config) days(env string) time.Duration {
	return time.Duration(c.number(env)) * 24 * time.Hour
}

// together checks what only makes sense in company.
func (c *Config) together() error {
	switch {
	case (c.CertFile == "") != (c.KeyFile == ""):
		return errors.New("TLS_CERT_FILE and TLS_KEY_FILE only work together: name both, or neither")
	case c.Port == noPort && c.Socket == "":
		return fmt.Errorf("PORT (%s) is off, so nobody could call: set LISTEN_SOCKET, or a port", c.givenAs["PORT"])
	case c.Port == noPort && c.CertFile != "":
		return errors.New("TLS_CERT_FILE only makes sense with a PORT: the socket is not encrypted, since it does not leave the machine")
	case c.Port != noPort && !isLoopback(c.Host) && c.CertFile == "" && c.values["ALLOW_REMOTE"] != "true":
		return fmt.Errorf("HOST (%s) is %s, which other machines can reach without encryption: set TLS_CERT_FILE and TLS_KEY_FILE, keep 127.0.0.1 behind a TLS proxy, or set ALLOW_REMOTE=true", c.givenAs["HOST"], c.Host)
	case c.Sandbox && c.Endpoint != "":
		return errors.New("--sandbox brings its own WhatsApp: leave WHATSAPP_ENDPOINT out, or start without --sandbox")
	case c.Endpoint != "" && (len(c.RootKey) == 0 || c.CAFile == ""):
		return errors.New("WHATSAPP_ENDPOINT also needs WHATSAPP_ROOT_KEY and WHATSAPP_CA_FILE; `wamux sandbox` prints all three")
	case c.Endpoint == "" && (len(c.RootKey) > 0 || c.CAFile != ""):
		return errors.New("WHATSAPP_ROOT_KEY and WHATSAPP_CA_FILE only make sense with WHATSAPP_ENDPOINT")
	case c.LogFile != "" && filepath.Clean(c.LogFile) == filepath.Clean(c.Database):
		return errors.New("LOG_FILE names the database: give the log a file of its own")
	case c.BulkMin > c.BulkMax:
		return fmt.Errorf("BULK_MESSAGE_MIN_DELAY (%s) is %s, which is above BULK_MESSAGE_MAX_DELAY (%s), %s: the shortest pause can't be longer than the longest",
			c.givenAs["BULK_MESSAGE_MIN_DELAY"], c.values["BULK_MESSAGE_MIN_DELAY"], c.givenAs["BULK_MESSAGE_MAX_DELAY"], c.values["BULK_MESSAGE_MAX_DELAY"])
	case c.IdentityFile == "" && (len(c.Recipients) > 0 || c.PassphraseFile != ""):
		return errors.New("AGE_RECIPIENTS and AGE_PASSPHRASE_FILE only make sense with AGE_IDENTITY_FILE; `wamux key new` makes such a file")
	case c.Scale != 1 && !c.Sandbox && c.Endpoint == "":
		return errors.New("SANDBOX_TIME_SCALE is for the sandbox only: the real WhatsApp's time can't be hurried")
	}
	return nil
}

// notes are settings that were given and do nothing, a sentence each.
func (c *Config) notes() (notes []string) {
	for _, env := range []string{"WEBHOOK_URL", "WEBHOOK_SECRET"} {
		if c.values[env] != "" {
			notes = append(notes, fmt.Sprintf("%s (%s) has no effect yet, since webhooks come with a later version: until then read GET /v1/events.", env, c.givenAs[env]))
		}
	}
	if slices.Contains(list(c.values["CORS_ORIGIN"]), anyOrigin) {
		notes = append(notes, fmt.Sprintf("CORS_ORIGIN (%s) holds *, which would let every web page call the API and has no effect here: name the origins of your pages.", c.givenAs["CORS_ORIGIN"]))
	}
	for _, env := range []string{"BACKUP_EVERY", "BACKUP_KEEP", "BACKUP_RECIPIENTS"} {
		if c.BackupDir == "" && c.givenAs[env] != "default" {
			notes = append(notes, fmt.Sprintf("%s (%s) has no effect without BACKUP_DIR.", env, c.givenAs[env]))
		}
	}
	if c.RateMax == 0 && c.givenAs["RATE_LIMIT_WINDOW_MS"] != "default" {
		notes = append(notes, fmt.Sprintf("RATE_LIMIT_WINDOW_MS (%s) has no effect without RATE_LIMIT_MAX_REQUESTS.", c.givenAs["RATE_LIMIT_WINDOW_MS"]))
	}
	if c.History != store.HistoryFull && c.IdentityFile == "" {
		notes = append(notes, fmt.Sprintf("HISTORY=%s (%s) keeps no texts, but without AGE_IDENTITY_FILE those on their way out, and those sent in the last 7 days, lie in the database in clear.", c.History, c.givenAs["HISTORY"]))
	}
	return notes
}

// secrets are the values of the settings that nobody is to see.
func (c *Config) secrets() (all []string) {
	for _, o := range options() {
		if o.secret {
			all = append(all, list(c.values[o.env])...)
		}
	}
	return all
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// print writes the effective values and where each came from; secrets, and who logs in at a URL, as ***.
func (c *Config) print(w io.Writer) {
	for _, o := range options() {
		value := c.values[o.env]
		switch parsed, err := url.Parse(value); {
		case o.secret && value != "":
			value = "***"
		case o.hushed && err == nil && parsed.User != nil:
			parsed.User = url.User("***") // a password, or a name that is one
			value = parsed.String()
		}
		fmt.Fprintf(w, "%-24s %-32s %s\n", o.env, value, c.givenAs[o.env])
	}
}
