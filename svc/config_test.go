package svc

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadConfig(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		env    map[string]string
		dotenv string
		want   string // part of the error; "" is a success
		check  func(Config) bool
	}{
		{name: "Defaults", check: func(c Config) bool {
			return c.Port == "3000" && c.Host == "127.0.0.1" && c.Database == "./wamux.db" && c.MaxFileSize == 100<<20
		}},
		{name: "FlagOverEnvOverDotenv", args: []string{"--port", "1"}, env: map[string]string{"PORT": "2", "LOG_LEVEL": "warn"},
			dotenv: "PORT=3\nLOG_LEVEL=error\nMAX_SESSIONS=7", check: func(c Config) bool {
				return c.Port == "1" && c.LogLevels.usual.String() == "WARN" && c.MaxSessions == 7
			}},
		{name: "EmptyVariableIsUnset", env: map[string]string{"PORT": ""}, check: func(c Config) bool { return c.Port == "3000" }},
		{name: "JoinedFlag", args: []string{"--max-sessions=3"}, check: func(c Config) bool { return c.MaxSessions == 3 }},
		{name: "SandboxDatabase", args: []string{"--sandbox"}, check: func(c Config) bool { return c.Database == "wamux-sandbox.db" }},
		{name: "SandboxTrue", args: []string{"--sandbox=true"}, check: func(c Config) bool { return c.Sandbox && c.Database == "wamux-sandbox.db" }},
		{name: "SandboxFalse", args: []string{"--sandbox=false"}, check: func(c Config) bool { return !c.Sandbox && c.Database == "./wamux.db" }},
		{name: "ErrSandbox", args: []string{"--sandbox=maybe"}, want: `--sandbox is "maybe", but it must be true or false`},
		{name: "ErrSandboxEmpty", args: []string{"--sandbox="}, want: `--sandbox is "", but it must be true or false`},
		{name: "SandboxOtherDatabase", args: []string{"--sandbox", "--database", "file:./x.db"}, check: func(c Config) bool { return c.Database == "./x.db" }},
		{name: "Keys", env: map[string]string{"API_KEYS": "a, b,"}, check: func(c Config) bool { return len(c.APIKeys) == 2 && c.APIKeys[1] == "b" }},
		{name: "Quotes", dotenv: "# note\nexport API_KEYS=\"a b\" # two\nPORT=4 # four", check: func(c Config) bool { return len(c.APIKeys) == 2 && c.Port == "4" }},
		{name: "ErrPort", env: map[string]string{"PORT": "http"}, want: `PORT (environment) is "http", but it must be a whole number`},
		{name: "ErrPostgres", env: map[string]string{"DATABASE_URL": "postgresql://u:p@h/d"}, want: "names a postgresql server"},
		{name: "ErrMySQL", env: map[string]string{"DATABASE_URL": "mysql://u:p@h/d"}, want: "one SQLite file"},
		{name: "ErrFlag", args: []string{"--prot", "1"}, want: "there is no flag --prot"},
		{name: "ErrNoValue", args: []string{"--port"}, want: "--port needs a value"},
		{name: "ErrNoFlag", args: []string{"port"}, want: `"port" is no flag`},
		{name: "ErrRemote", env: map[string]string{"HOST": "0.0.0.0"}, want: "other machines can reach without encryption"},
		{name: "RemoteAllowed", env: map[string]string{"HOST": "0.0.0.0", "ALLOW_REMOTE": "true"}, check: func(c Config) bool { return c.Host == "0.0.0.0" }},
		{name: "BOM", dotenv: "\ufeffPORT=4", check: func(c Config) bool { return c.Port == "4" }},
		{name: "OldLogLevel", env: map[string]string{"LOG_LEVEL": "VERBOSE"}, check: func(c Config) bool { return c.LogLevels.usual.String() == "DEBUG" }},
		{name: "ErrLogLevel", env: map[string]string{"LOG_LEVEL": "loud"}, want: "must be debug, info, warn or error"},
		{name: "RateOff", env: map[string]string{"RATE_LIMIT_WINDOW_MS": "900000"}, check: func(c Config) bool {
			return c.RateMax == 0 && len(c.notes()) == 1 && strings.Contains(c.notes()[0], "RATE_LIMIT_WINDOW_MS (environment) has no effect without")
		}},
		{name: "Rate", env: map[string]string{"RATE_LIMIT_WINDOW_MS": "900000", "RATE_LIMIT_MAX_REQUESTS": "100"}, check: func(c Config) bool {
			return c.RateMax == 100 && c.RateWindow == 15*time.Minute && len(c.notes()) == 0
		}},
		{name: "ErrRate", env: map[string]string{"RATE_LIMIT_MAX_REQUESTS": "-1"}, want: "whole number from 0"},
		{name: "FileTypes", env: map[string]string{"ALLOWED_FILE_TYPES": "image/*,.pdf"}, check: func(c Config) bool { return slices.Equal(c.FileTypes, []string{"image/*", "application/pdf"}) }},
		{name: "ErrFileTypes", env: map[string]string{"ALLOWED_FILE_TYPES": "pdff"}, want: `ALLOWED_FILE_TYPES (environment) is "pdff", but it names "pdff", an extension that is not known here`},
		{name: "Webhooks", dotenv: "WEBHOOK_URL=https://a.example\nWEBHOOK_SECRET=canary", check: func(c Config) bool {
			notes := strings.Join(c.notes(), "\n")
			return len(c.notes()) == 2 && strings.Contains(notes, "WEBHOOK_URL (.env) has no effect yet") && !strings.Contains(notes, "canary") && !strings.Contains(notes, "a.example")
		}},
		{name: "Backups", env: map[string]string{"BACKUP_DIR": "/b", "BACKUP_EVERY": "6", "BACKUP_KEEP": "3"}, check: func(c Config) bool {
			return c.BackupDir == "/b" && c.BackupEvery == 6*time.Hour && c.BackupKeep == 3 && len(c.notes()) == 0
		}},
		{name: "BackupDefaults", check: func(c Config) bool { return c.BackupDir == "" && c.BackupEvery == 24*time.Hour && c.BackupKeep == 7 }},
		{name: "BackupDuration", args: []string{"--backup-every", "1h30m"}, check: func(c Config) bool {
			return c.BackupEvery == 90*time.Minute && len(c.notes()) == 1 && strings.Contains(c.notes()[0], "without BACKUP_DIR")
		}},
		{name: "ErrBackupEvery", env: map[string]string{"BACKUP_EVERY": "daily"}, want: `BACKUP_EVERY (environment) is "daily", but it must be hours`},
		{name: "ErrBackupOften", env: map[string]string{"BACKUP_EVERY": "10s"}, want: "from 1m to 8784h"},
		{name: "ErrBackupNever", env: map[string]string{"BACKUP_EVERY": "0"}, want: "from 1m to 8784h"},
		{name: "ErrBackupKeep", env: map[string]string{"BACKUP_KEEP": "0"}, want: "whole number from 1"},
		{name: "ErrBackupRecipients", env: map[string]string{"BACKUP_RECIPIENTS": "me"}, want: "begins with age1"},
		{name: "History", env: map[string]string{"HISTORY": "off"}, check: func(c Config) bool {
			return c.History == "off" && len(c.notes()) == 1 && strings.Contains(c.notes()[0], "without AGE_IDENTITY_FILE")
		}},
		{name: "HistorySealed", env: map[string]string{"HISTORY": "metadata", "AGE_IDENTITY_FILE": "age.key"}, check: func(c Config) bool { return len(c.notes()) == 0 }},
		{name: "ErrHistory", env: map[string]string{"HISTORY": "none"}, want: `HISTORY (environment) is "none", but it must be full, metadata or off`},
		{name: "ErrRecipient", env: map[string]string{"AGE_RECIPIENTS": "AGE-SECRET-KEY-1CANARY", "AGE_IDENTITY_FILE": "x"}, want: "AGE_RECIPIENTS (environment) cannot be used: a recipient must be one word that begins with age1"},
		{name: "ErrRecipientAlone", env: map[string]string{"AGE_PASSPHRASE_FILE": "x"}, want: "only make sense with AGE_IDENTITY_FILE"},
		{name: "ErrLogIsDatabase", env: map[string]string{"LOG_FILE": "wamux.db"}, want: "names the database"},
		{name: "CORSAny", dotenv: "CORS_ORIGIN=*", check: func(c Config) bool {
			return len(c.CORSOrigins) == 0 && len(c.notes()) == 1 && strings.Contains(c.notes()[0], "CORS_ORIGIN (.env) holds *")
		}},
		{name: "CORSList", env: map[string]string{"CORS_ORIGIN": "https://a.example, http://localhost:8080/"}, check: func(c Config) bool {
			return slices.Equal(c.CORSOrigins, []string{"https://a.example", "http://localhost:8080"}) && len(c.notes()) == 0
		}},
		{name: "ErrCORS", env: map[string]string{"CORS_ORIGIN": "https://a.example,app.example"}, want: "must be origins such as"},
		{name: "ErrCORSPath", env: map[string]string{"CORS_ORIGIN": "https://a.example/page"}, want: "must be origins such as"},
		{name: "ErrEndpointAlone", env: map[string]string{"WHATSAPP_ENDPOINT": "127.0.0.1:1"}, want: "also needs WHATSAPP_ROOT_KEY"},
		{name: "ErrEndpointAndSandbox", args: []string{"--sandbox"}, env: map[string]string{"WHATSAPP_ENDPOINT": "127.0.0.1:1"}, want: "brings its own"},
		{name: "ErrScale", env: map[string]string{"SANDBOX_TIME_SCALE": "10"}, want: "for the sandbox only"},
		{name: "ErrScaleNaN", args: []string{"--sandbox", "--sandbox-time-scale", "NaN"}, want: `is "NaN", but it must be a number from 1 to 10000`},
		{name: "ErrScaleInf", args: []string{"--sandbox", "--sandbox-time-scale", "+Inf"}, want: `is "+Inf", but it must be a number from 1 to 10000`},
		{name: "ErrScaleSlow", args: []string{"--sandbox", "--sandbox-time-scale", "0.5"}, want: `is "0.5", but it must be a number from 1 to 10000`},
		{name: "Scale", args: []string{"--sandbox", "--sandbox-time-scale", "2.5"}, check: func(c Config) bool { return c.Scale == 2.5 }},
		{name: "ErrBulk", dotenv: "BULK_MESSAGE_MIN_DELAY=20000\nBULK_MESSAGE_MAX_DELAY=15000", want: "BULK_MESSAGE_MIN_DELAY (.env) is 20000, which is above BULK_MESSAGE_MAX_DELAY (.env), 15000"},
		{name: "BulkMinOnly", dotenv: "BULK_MESSAGE_MIN_DELAY=20000", check: func(c Config) bool { return c.BulkMin == c.BulkMax && c.BulkMin == 20*time.Second }},
		{name: "BulkMaxOnly", dotenv: "BULK_MESSAGE_MAX_DELAY=8000", check: func(c Config) bool { return c.BulkMin == c.BulkMax && c.BulkMax == 8*time.Second }},
		{name: "BulkSame", dotenv: "BULK_MESSAGE_MIN_DELAY=15000", check: func(c Config) bool { return c.BulkMin == c.BulkMax }},
		{name: "ErrDotenv", dotenv: "PORT", want: ".env line 1 has no ="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dotenv, err := parseDotenv(strings.NewReader(tt.dotenv))
			var c Config
			if err == nil {
				c, err = readConfig(sources{args: tt.args, dotenv: dotenv, env: func(k string) (string, bool) { v, ok := tt.env[k]; return v, ok }})
			}
			switch {
			case tt.want == "" && err != nil:
				t.Fatalf("got error %q", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Fatalf("got %v, want an error with %q", err, tt.want)
			case tt.check != nil && !tt.check(c):
				t.Fatalf("got %+v", c)
			}
		})
	}
}

// TestOldVariables holds the settings against those of the old service: none may be ignored in silence.
func TestOldVariables(t *testing.T) {
	var help bytes.Buffer
	helpConfig(&help)
	for _, name := range strings.Fields(`PORT API_KEYS DATABASE_URL MAX_SESSIONS RECONNECT_DELAY MAX_RECONNECT_ATTEMPTS BULK_MESSAGE_MIN_DELAY BULK_MESSAGE_MAX_DELAY WEBHOOK_URL WEBHOOK_SECRET
		RATE_LIMIT_WINDOW_MS RATE_LIMIT_MAX_REQUESTS MAX_FILE_SIZE ALLOWED_FILE_TYPES CORS_ORIGIN LOG_LEVEL LOG_FILE`) {
		if !strings.Contains(help.String(), "\n  "+name+", --") {
			t.Errorf("wamux help config does not tell %s", name)
		}
	}
}

// TestPackageSettings: the settings that a package puts into /etc are there, and those that open a HOST are all named.
func TestPackageSettings(t *testing.T) {
	text, err := os.ReadFile("../.ci/release/package/wamux.env")
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for line := range strings.Lines(string(text)) {
		if name, _, is := strings.Cut(strings.TrimPrefix(line, "#"), "="); is && !strings.Contains(name, " ") {
			named = append(named, name)
		}
	}
	for _, name := range named {
		if !slices.ContainsFunc(options(), func(o option) bool { return o.env == name }) {
			t.Errorf("there is no setting %s", name)
		}
	}
	for _, name := range []string{"HOST", "TLS_CERT_FILE", "TLS_KEY_FILE", "ALLOW_REMOTE"} {
		if !slices.Contains(named, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

// TestSecretsStayHidden prints a configuration with a secret in it.
func TestSecretsStayHidden(t *testing.T) {
	c, err := readConfig(sources{env: func(k string) (string, bool) { return map[string]string{"API_KEYS": "canary-1234"}[k], true }})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c.print(&out)
	if strings.Contains(out.String(), "canary") || !strings.Contains(out.String(), "***") {
		t.Errorf("got %s", out.String())
	}
}

func FuzzDotenv(f *testing.F) {
	f.Add("A=b\n#c\nexport D='e f' # g")
	f.Fuzz(func(t *testing.T, text string) {
		pairs, err := parseDotenv(strings.NewReader(text))
		if err != nil && len(pairs) > 0 {
			t.Errorf("got pairs %v beside error %v", pairs, err)
		}
	})
}
