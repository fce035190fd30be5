package svc

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"strings"

	"wamux/api"
	"wamux/store"
	"wamux/store/seal"
)

// option is one setting: a flag, an environment variable and a line of .env
// are three ways to say the same thing, in that order of weight.
type option struct {
	env    string // also the name in .env
	flag   string // without dashes
	preset string // used when nobody says anything
	secret bool   // prints as ***
	hushed bool   // an error does not repeat it: a foreign one may hold a password
	help   string
	check  func(string) error // nil: any text will do
}

// options is the whole configuration, as data: help, parsing and validation
// walk this one table.
func options() []option {
	return []option{
		{env: "PORT", flag: "port", preset: "3000", help: "port of the REST API; 0 takes a free one, off opens none (then LISTEN_SOCKET is needed)", check: isPort},
		{env: "HOST", flag: "host", preset: "127.0.0.1", help: "address to listen on; others than loopback also need TLS_CERT_FILE, or ALLOW_REMOTE", check: isHost},
		{env: "LISTEN_SOCKET", flag: "listen-socket", help: "also listen on a Unix socket at this path, such as /run/wamux/wamux.sock; its user and group may call, with a key", check: isSocket},
		{env: "TLS_CERT_FILE", flag: "tls-cert-file", help: "certificate of the API in PEM, with those that lead to its authority: the port then speaks HTTPS only. Read again when it changes"},
		{env: "TLS_KEY_FILE", flag: "tls-key-file", help: "its private key in PEM"},
		{env: "HEADER_TIMEOUT", flag: "header-timeout", preset: "5000", help: "how long a client may take for the head of a request, in ms", check: whole(100, 60000)},
		{env: "ALLOW_REMOTE", flag: "allow-remote", preset: "false", help: "true: accept a HOST that other machines reach, without TLS", check: isBool},
		{env: "ALLOWED_HOSTS", flag: "allowed-hosts", help: "names, beside localhost, under which clients may call the API (comma separated)"},
		{env: "API_KEYS", flag: "api-keys", secret: true, help: "admin keys (comma separated); with none, admin.key beside the database holds one"},
		{env: "DATABASE_URL", flag: "database", preset: "file:./wamux.db", hushed: true, help: "the one file that holds everything", check: isDatabase},
		{env: "BACKUP_DIR", flag: "backup-dir", help: "make backups of the database in this folder, best on another disk; empty: none"},
		{env: "BACKUP_EVERY", flag: "backup-every", preset: "24h", help: "how often, in hours (24) or as a duration (90m); counted from the newest one there is", check: isBackupInterval},
		{env: "BACKUP_KEEP", flag: "backup-keep", preset: "7", help: "how many of them stay; older ones are removed when a newer one is whole", check: whole(1, 100000)},
		{env: "BACKUP_RECIPIENTS", flag: "backup-recipients", help: "encrypt them to these age recipients, age1… (comma separated)", check: areRecipients},
		{env: "AGE_IDENTITY_FILE", flag: "age-identity-file", help: "identity file (`wamux key new`) to seal secret values with; empty: age-identity among the service manager's credentials, else values are kept in clear"},
		{env: "AGE_RECIPIENTS", flag: "age-recipients", hushed: true, help: "further keys, age1… (comma separated), that may open the values, for recovery", check: areRecipients},
		{env: "AGE_PASSPHRASE_FILE", flag: "age-passphrase-file", help: "file with the passphrase of an identity file that has one; empty: asked for at the terminal"},
		{env: "HISTORY", flag: "history", preset: "full", help: historyHelp, check: isHistory},
		{env: "MAX_SESSIONS", flag: "max-sessions", preset: "0", help: "how many sessions may exist; 0: as many as you like", check: whole(0, 100000)},
		{env: "RECONNECT_DELAY", flag: "reconnect-delay", preset: "5000", help: "first wait before a reconnect, in ms; later ones grow", check: whole(1, 3600000)},
		{env: "MAX_RECONNECT_ATTEMPTS", flag: "max-reconnect-attempts", preset: "0", help: "give up after so many reconnects in a row; 0: never", check: whole(0, 1000000)},
		{env: "MAX_FILE_SIZE", flag: "max-file-size", preset: "104857600", help: "largest media, in bytes", check: whole(1024, 2<<30)},
		{env: "BULK_MESSAGE_MIN_DELAY", flag: "bulk-message-min-delay", preset: "10000", help: "shortest pause between two messages of a batch, in ms; 5000 is the floor", check: whole(0, 86400000)},
		{env: "BULK_MESSAGE_MAX_DELAY", flag: "bulk-message-max-delay", preset: "15000", help: "longest pause between two messages of a batch, in ms; 5000 is the floor", check: whole(0, 86400000)},
		{env: "ALLOWED_FILE_TYPES", flag: "allowed-file-types", help: "media that may be sent: MIME types (image/png, image/*) or extensions (pdf), comma separated; empty: all", check: isFileTypes},
		{env: "MEDIA_HOSTS", flag: "media-hosts", help: "private hosts or addresses that media URLs may name (comma separated); public ones always may"},
		{env: "DEFAULT_COUNTRY_CODE", flag: "default-country-code", help: "digits put in place of a leading 0 of a number", check: isDigits},
		{env: "CORS_ORIGIN", flag: "cors-origin", help: "web origins that may call the API from a browser (comma separated); * has no effect", check: areOrigins},
		{env: "RATE_LIMIT_MAX_REQUESTS", flag: "rate-limit-max-requests", preset: "0", help: "requests that each key, and each address without a valid key, may make in a window; 0: no limit", check: whole(0, 1_000_000_000)},
		{env: "RATE_LIMIT_WINDOW_MS", flag: "rate-limit-window-ms", preset: "60000", help: "how long such a window is, in ms; only with RATE_LIMIT_MAX_REQUESTS", check: whole(100, 86_400_000)},
		{env: "HISTORY_DAYS", flag: "history-days", preset: "0", help: "delete messages from the history after so many days; 0: never", check: whole(0, 36500)},
		{env: "EVENTS_DAYS", flag: "events-days", preset: "30", help: "delete events after so many days; 0: never", check: whole(0, 36500)},
		{env: "EVENTS_MAX", flag: "events-max", preset: "1000000", help: "how many events may be kept, the oldest go first; 0: as many as there are", check: whole(0, 1_000_000_000_000)},
		{env: "JOBS_DAYS", flag: "jobs-days", preset: "30", help: "delete jobs and batches that are over, and their Idempotency-Keys, after so many days; 0: never", check: whole(0, 36500)},
		{env: "WEBHOOK_URL", flag: "webhook-url", hushed: true, help: "not used yet: webhooks come with a later version"},
		{env: "WEBHOOK_SECRET", flag: "webhook-secret", secret: true, help: "not used yet: webhooks come with a later version"},
		{env: "MEMORY_PROFILE", flag: "memory-profile", preset: "normal", help: "low: for a Raspberry Pi; takes less memory and more time. GOGC and GOMEMLIMIT, where set, weigh more", check: isMemory},
		{env: "LOG_LEVEL", flag: "log-level", preset: "info", help: "debug, info, warn or error; silent says nothing. For a session behind its id, also of WhatsApp's library: info,shop=debug", check: isLevel},
		{env: "LOG_FORMAT", flag: "log-format", preset: "text", help: "text, or json: an object a line", check: isFormat},
		{env: "LOG_FILE", flag: "log-file", help: "append the log to this file too; at 10 MiB it becomes NAME.1, over the one before"},
		{env: "METRICS_SESSIONS", flag: "metrics-sessions", preset: "false", help: "true: /metrics also tells the state of each session, by its id", check: isBool},
		{env: "WHATSAPP_ENDPOINT", flag: "whatsapp-endpoint", help: "host:port of a simulated WhatsApp; empty: the real one", check: isEndpoint},
		{env: "WHATSAPP_ROOT_KEY", flag: "whatsapp-root-key", help: "its root key, 64 hex digits", check: isRootKey},
		{env: "WHATSAPP_CA_FILE", flag: "whatsapp-ca-file", help: "its CA certificate, PEM"},
		{env: "SANDBOX_LISTEN", flag: "sandbox-listen", preset: "127.0.0.1:0", help: "where the simulated WhatsApp listens (sandbox only)", check: isEndpoint},
		{env: "SANDBOX_TIME_SCALE", flag: "sandbox-time-scale", preset: "1", help: "how much faster time passes in the sandbox", check: isScale},
	}
}

// historyHelp says what HISTORY means, as exactly as it must be known.
const historyHelp = `what is kept of messages from now on. full: everything. metadata: who, when and which kind, but no text, no names of files
      and no content, neither in the chat history nor in events. off: no rows in the chat history at all, and events as with metadata. With both,
      replies, forwards and edits need the earlier message in the request, votes come without the texts of the options, and a repeated
      Idempotency-Key is answered without the message. What waits to be sent, and what was sent in the last 7 days for receivers who ask
      again, stays in the database whole: sealed with a key, in clear without. Rows of before stay as they are`

func isHistory(s string) error {
	switch store.History(s) {
	case store.HistoryFull, store.HistoryMetadata, store.HistoryOff:
		return nil
	}
	return errors.New("must be full, metadata or off")
}

func whole(low, high int64) func(string) error {
	return func(s string) error {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < low || n > high {
			return fmt.Errorf("must be a whole number from %d to %d", low, high)
		}
		return nil
	}
}

func isBool(s string) error {
	if s != "true" && s != "false" {
		return fmt.Errorf("must be true or false")
	}
	return nil
}

func isPort(s string) error {
	if s != noPort && whole(0, 65535)(s) != nil {
		return fmt.Errorf("must be a whole number from 0 to 65535, or off")
	}
	return nil
}

func isSocket(s string) error {
	if strings.HasPrefix(s, "@") || len(s) > 100 {
		return fmt.Errorf("must be a path of at most 100 bytes")
	}
	return nil
}

func isHost(s string) error {
	if s != "localhost" && net.ParseIP(s) == nil {
		return fmt.Errorf("must be an IP address or localhost")
	}
	return nil
}

func areRecipients(s string) error {
	if err := seal.CheckRecipients(list(s)); err != nil {
		return fmt.Errorf("cannot be used: %w", err)
	}
	return nil
}

func isDigits(s string) error {
	if strings.Trim(s, "0123456789") != "" || len(s) > 4 || strings.HasPrefix(s, "0") {
		return fmt.Errorf("must be a country code of 1 to 4 digits, such as 62")
	}
	return nil
}

// anyOrigin is what a .env of the old service may say. It is passed over: a page
// from anywhere must not call an API on somebody's own machine.
const anyOrigin = "*"

func areOrigins(s string) error {
	for _, one := range origins(s) {
		u, err := url.Parse(one)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil {
			return fmt.Errorf("must be origins such as https://app.example.com, separated by commas")
		}
	}
	return nil
}

// origins are those of a list that have an effect, as browsers write them.
func origins(s string) (named []string) {
	for _, one := range list(s) {
		if one != anyOrigin {
			named = append(named, strings.TrimSuffix(one, "/"))
		}
	}
	return named
}

func isFileTypes(s string) error {
	_, err := api.ParseFileTypes(s)
	return err
}

func isLevel(s string) error {
	_, err := parseLogLevels(s)
	return err
}

func isMemory(s string) error {
	if s != "normal" && s != memoryLow {
		return fmt.Errorf("must be normal or low")
	}
	return nil
}

func isFormat(s string) error {
	if s != "text" && s != formatJSON {
		return fmt.Errorf("must be text or json")
	}
	return nil
}

// logLevel knows the words of Node's loggers besides, which a .env of the old
// service may hold.
func logLevel(s string) (level slog.Level, ok bool) {
	switch strings.ToLower(s) {
	case "debug", "trace", "silly", "verbose", "http":
		return slog.LevelDebug, true
	case "info", "notice":
		return slog.LevelInfo, true
	case "warn", "warning":
		return slog.LevelWarn, true
	case "error", "fatal":
		return slog.LevelError, true
	case "silent":
		return slog.LevelError + 100, true
	}
	return 0, false
}

func isEndpoint(s string) error {
	if s == "" {
		return nil
	}
	if _, _, err := net.SplitHostPort(s); err != nil {
		return fmt.Errorf("must be host:port")
	}
	return nil
}

func isRootKey(s string) error {
	if s != "" && (len(s) != 64 || strings.Trim(strings.ToLower(s), "0123456789abcdef") != "") {
		return fmt.Errorf("must be 64 hex digits")
	}
	return nil
}

func isScale(s string) error {
	if f, err := strconv.ParseFloat(s, 64); err != nil || !(f >= 1 && f <= 10000) { // NaN is neither above nor below
		return fmt.Errorf("must be a number from 1 to 10000")
	}
	return nil
}

// isDatabase refuses what wamux can't open, by name, so that nobody thinks a
// server was used when a file was made.
func isDatabase(s string) error {
	for _, scheme := range []string{"postgres:", "postgresql:", "mysql:", "mariadb:"} {
		if strings.HasPrefix(s, scheme) {
			return fmt.Errorf("names a %s server, but wamux keeps everything in one SQLite file; use file:./wamux.db", strings.TrimSuffix(scheme, ":"))
		}
	}
	if databasePath(s) == "" {
		return fmt.Errorf("must be file: and a path, such as file:./wamux.db")
	}
	return nil
}

// databasePath is the file that a DATABASE_URL names, or "". What stands
// behind a ? (old clients wrote connection settings there) has no meaning here.
func databasePath(s string) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(s, "file:"), "?")
	path = strings.TrimPrefix(path, "//")
	if strings.Contains(path, "://") || path == ":memory:" {
		return ""
	}
	return path
}
