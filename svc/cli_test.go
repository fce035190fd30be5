package svc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCommandLine calls Main as main does.
func TestCommandLine(t *testing.T) {
	for _, tt := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"Help", []string{"help"}, 0, "wamux run --sandbox", ""},
		{"DashHelp", []string{"--help"}, 0, "Usage:", ""},
		{"HelpConfig", []string{"help", "config"}, 0, "MAX_SESSIONS, --max-sessions", ""},
		{"HelpRun", []string{"help", "run"}, 0, "SANDBOX_TIME_SCALE, --sandbox-time-scale", ""},
		{"HelpSandbox", []string{"help", "sandbox"}, 0, "SANDBOX_LISTEN, --sandbox-listen", ""},
		{"HelpVersion", []string{"help", "version"}, 0, "wamux version ", ""},
		{"HelpHelp", []string{"help", "help"}, 0, "Usage:", ""},
		{"HelpTwo", []string{"help", "run", "sandbox"}, 2, "", "error: help takes one command"},
		{"RunHelp", []string{"run", "--help"}, 0, "MAX_SESSIONS, --max-sessions", ""},
		{"FlagsHelp", []string{"--port", "3001", "-h"}, 0, "MAX_SESSIONS, --max-sessions", ""},
		{"ConfigHelp", []string{"config", "--help"}, 0, "MAX_SESSIONS, --max-sessions", ""},
		{"SandboxHelp", []string{"sandbox", "-h"}, 0, "wamux sandbox [flags]", ""},
		{"VersionHelp", []string{"version", "--help"}, 0, "Usage:", ""},
		{"OtherHelp", []string{"fly", "--help"}, 2, "", `error: there is no help on "fly"`},
		{"HelpKey", []string{"help", "key"}, 0, "wamux key rotate", ""},
		{"KeyAlone", []string{"key"}, 0, "wamux key rotate", ""},
		{"HelpSessions", []string{"help", "sessions"}, 0, "wamux sessions code ID PHONE", ""},
		{"SessionsHelp", []string{"sessions", "add", "--help"}, 0, "wamux sessions code ID PHONE", ""},
		{"HelpSend", []string{"send", "--help"}, 0, "wamux send SESSION TO TEXT", ""},
		{"HelpAPIKey", []string{"help", "apikey"}, 0, "wamux apikey new NAME", ""},
		{"HelpStatus", []string{"help", "status"}, 0, "The exit code is 0", ""},
		{"HelpDoctor", []string{"doctor", "-h"}, 0, "ok, warn or fail", ""},
		{"HelpLogs", []string{"help", "logs"}, 0, "--follow", ""},
		{"HelpInstall", []string{"help", "install"}, 0, "wamux uninstall ", ""},
		{"RestartHelp", []string{"restart", "--help"}, 0, "wamux install [settings]", ""},
		{"InstallPrint", []string{"install", "--print=systemd"}, 0, "ExecStart=/usr/bin/wamux run\n", ""},
		{"HelpCompletion", []string{"help", "completion"}, 0, "source <(wamux completion bash)", ""},
		{"HelpLicenses", []string{"help", "licenses"}, 0, "wamux licenses ", ""},
		{"LicensesMore", []string{"licenses", "all"}, 2, "", `error: licenses takes no arguments`},
		{"KeyOut", []string{"key", "new", "-o"}, 2, "", "error: -o needs the name of a file"},
		{"HelpOther", []string{"help", "me"}, 2, "", `error: there is no help on "me"`},
		{"Version", []string{"version"}, 0, "whatsmeow ", ""},
		{"VersionMore", []string{"version", "extra"}, 2, "", `error: version takes no arguments, but got "extra"`},
		{"ConfigSandbox", []string{"config", "--sandbox"}, 0, "file:wamux-sandbox.db            --sandbox\n", ""},
		{"ConfigNoSandbox", []string{"config", "--sandbox=false"}, 0, "file:./wamux.db                  default\n", ""},
		{"Config", []string{"config", "--port", "3001"}, 0, "--port", ""},
		{"UnknownCommand", []string{"fly"}, 2, "", "hint: `wamux help`"},
		{"UnknownFlag", []string{"run", "--fly"}, 2, "", "error: there is no flag --fly"},
		{"Postgres", []string{"run", "--database", "postgresql://u:secret@h/d"}, 2, "", "one SQLite file"},
		{"RecoverNothing", []string{"recover"}, 1, "", "hint: Name the database"},
		{"RecoverTo", []string{"recover", "--to"}, 2, "", "error: --to needs a value"},
		{"RecoverToEmpty", []string{"recover", "--to", ""}, 2, "", "error: --to needs a value"},
		{"RecoverToNothing", []string{"recover", "--to="}, 2, "", "error: --to needs a value"},
		{"APIKeyNoSessions", []string{"apikey", "new", "x", "--scopes", "read", "--sessions", ""}, 2, "", "error: --sessions needs a value"},
		{"APIKeyComma", []string{"apikey", "new", "x", "--scopes", "read", "--sessions", ","}, 2, "", "error: --sessions names none"},
		{"PrintEmpty", []string{"install", "--print="}, 2, "", "error: --print needs a value"},
		{"PrintAlone", []string{"install", "--print"}, 0, "wamux", ""},
		{"BackupEmpty", []string{"backup", "a", "--encrypt", ""}, 2, "", "error: --encrypt needs a value"},
		{"KeyOutEmpty", []string{"key", "new", "-o", ""}, 2, "", "error: -o needs the name of a file"},
		{"SettingEmpty", []string{"config", "--log-file", ""}, 0, "LOG_FILE", ""},
		{"SessionsNothing", []string{"sessions"}, 1, "", "is not there"},
		{"SessionsOther", []string{"sessions", "fly", "shop"}, 2, "", "hint: `wamux help sessions`"},
		{"BackupNoFile", []string{"backup"}, 2, "", "error: no file is named\nhint: `wamux backup FILE"},
		{"BackupTwoFiles", []string{"backup", "a", "b"}, 2, "", `error: "b" is one file too many`},
		{"BackupNobody", []string{"backup", "a", "--encrypt", "me"}, 2, "", "begins with age1"},
		{"BackupNoValue", []string{"backup", "a", "--encrypt"}, 2, "", "--encrypt needs a value"},
		{"BackupUnknownFlag", []string{"backup", "a", "--fly"}, 2, "", "error: there is no flag --fly"},
		{"BackupNothing", []string{"backup", "a", "--database", "file:none.db"}, 1, "", "error: none.db is not there"},
		{"RestoreNoFile", []string{"restore", "--check"}, 2, "", "error: no file is named\nhint: `wamux restore FILE"},
		{"RestoreStdin", []string{"restore", "-"}, 2, "", "not from standard input"},
		{"RestoreBareValue", []string{"restore", "x", "--bare=1"}, 2, "", "--bare takes no value"},
		{"RestoreMissing", []string{"restore", "none"}, 1, "", "error: none cannot be read"},
		{"RestoreNoIdentity", []string{"restore", "none", "--identity", "no.key"}, 1, "", "error: no.key is not there"},
		{"NoFolder", []string{"run", "--port", "0", "--database", "/proc/none/x.db"}, 1, "", "error: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			var stdout, stderr bytes.Buffer
			code := Main(tt.args, strings.NewReader(""), &stdout, &stderr)
			if code != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
				t.Errorf("got %d\n%s\n%s\nwant %d, %q, %q", code, &stdout, &stderr, tt.code, tt.stdout, tt.stderr)
			}
			if strings.Contains(stderr.String(), "secret") {
				t.Errorf("got %s, which shows a password", &stderr)
			}
		})
	}
}

// TestFailureInLogFile: what ends a start is a line of LOG_FILE like any other, and without secrets on either way.
func TestFailureInLogFile(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			dir := t.TempDir()
			name, socket := filepath.Join(dir, "wamux.log"), filepath.Join(dir, "wk_shop_canary", "x.sock")
			var errs bytes.Buffer
			code := Main([]string{"run", "--sandbox", "--port", "off", "--listen-socket", socket, "--log-file", name, "--log-format", format, "--log-level", "silent",
				"--database", "file:" + filepath.Join(dir, "wamux.db")}, strings.NewReader(""), io.Discard, &errs)
			if code != exitError || !strings.Contains(errs.String(), "error: LISTEN_SOCKET is ") {
				t.Errorf("got %d %s", code, &errs)
			}
			text, err := os.ReadFile(name)
			if err != nil || strings.Contains(string(text)+errs.String(), "canary") {
				t.Errorf("got %v\n%s%s", err, text, &errs)
			}
			want := map[string]string{"text": `level=ERROR msg="LISTEN_SOCKET is `, "json": `"level":"ERROR","msg":"LISTEN_SOCKET is `}[format]
			if strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), want) || format == "json" && !json.Valid(text) {
				t.Errorf("got %s, want one line with %s", text, want)
			}
		})
	}
}

// TestStoppedWhileStarting: a service manager that stops what has just begun sees a
// clean end.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs bytes.Buffer
	p := program{ctx: ctx, stdin: strings.NewReader(""), stdout: &out, stderr: &errs}
	dir := t.TempDir()
	if code := p.run(ctx, []string{"--sandbox", "--port", "0", "--database", "file:" + filepath.Join(dir, "wamux.db")}); code != exitOK || strings.Contains(errs.String(), "error:") {
		t.Errorf("exit code %d, %s", code, errs.String())
	}
}
