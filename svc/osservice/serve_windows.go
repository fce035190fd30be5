package osservice

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows/svc"
)

// servedFlag is how the manager calls us, before the file with the settings: what started a
// process cannot be told everywhere.
const servedFlag = "--served="

// Serve runs the work of a service and returns its exit code. Under the service control manager ctx of work ends when that
// wants the service to stop, args are those behind its own words, and events is the event log; at a terminal it is nil.
func Serve(ctx context.Context, args []string, work func(ctx context.Context, args []string, events io.Writer) int) int {
	if len(args) == 0 || !strings.HasPrefix(args[0], servedFlag) {
		return work(ctx, args, nil)
	}
	settings := strings.TrimPrefix(args[0], servedFlag)
	folder := filepath.Dir(settings) // is called after the service
	if os.Setenv(SettingsVariable, settings) != nil || os.Chdir(folder) != nil {
		return 1
	}
	name := filepath.Base(folder)
	handle, err := service.New(nil, &service.Config{Name: name})
	if err != nil {
		return 1
	}
	log, err := handle.SystemLogger(nil)
	if err != nil {
		return 1
	}
	s := &serving{log: log, work: func(ctx context.Context) int { return work(ctx, args[1:], events{log}) }, ctx: ctx}
	if svc.Run(name, s) != nil { // that of the library first guesses who started us, which does not work everywhere
		return 1
	}
	return s.code
}

// serving is the program as the manager starts and stops it.
type serving struct {
	ctx  context.Context // above that of the work
	work func(context.Context) int
	log  service.Logger
	code int // of the end
}

// Execute works until the manager wants it to stop. When the work ends unasked that is told as a failure, after which the
// manager starts the service anew.
func (s *serving) Execute(_ []string, requests <-chan svc.ChangeRequest, told chan<- svc.Status) (specific bool, code uint32) {
	ctx, stop := context.WithCancel(s.ctx)
	defer stop()
	ended := make(chan int, 1)
	go func() { ended <- s.work(ctx) }()
	now := svc.Status{State: svc.Running, Accepts: svc.AcceptStop | svc.AcceptShutdown}
	told <- now
	_ = s.log.Info("started")
	for {
		select {
		case r := <-requests:
			if r.Cmd == svc.Stop || r.Cmd == svc.Shutdown {
				now = svc.Status{State: svc.StopPending, WaitHint: uint32(patience.Milliseconds())}
				stop()
			}
			told <- now
		case s.code = <-ended:
			return true, s.end(ctx.Err() != nil)
		}
	}
}

// end tells how the work ended, and with which code the service does.
func (s *serving) end(asked bool) uint32 {
	if asked {
		s.code = 0
		_ = s.log.Info("stopped")
		return 0
	}
	s.code = max(s.code, 1)
	_ = s.log.Errorf("ended by itself, with exit code %d", s.code)
	return uint32(s.code)
}

// patience is how long a stop may take.
const patience = time.Minute

// events is the event log as a writer: of a log it takes the errors.
type events struct{ log service.Logger }

func (e events) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		if text := strings.TrimSpace(string(line)); isError(text) {
			_ = e.log.Error(text)
		}
	}
	return len(lines), nil
}
