package osservice

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"
)

// Serve runs the work of a service and returns its exit code. Under the service control manager ctx of work ends when that
// wants the service to stop, and events is the event log; at a terminal it is nil.
func Serve(ctx context.Context, work func(ctx context.Context, events io.Writer) int) int {
	if service.Interactive() {
		return work(ctx, nil)
	}
	settings := os.Getenv(SettingsVariable)
	folder := filepath.Dir(settings) // is called after the service
	if settings == "" || os.Chdir(folder) != nil {
		return 1
	}
	run, stop := context.WithCancel(ctx)
	defer stop()
	s := &serving{stop: stop, ended: make(chan struct{}), work: func(events io.Writer) int { return work(run, events) }, asked: run.Done()}
	handle, err := service.New(s, &service.Config{Name: filepath.Base(folder)})
	if err != nil {
		return 1
	}
	if s.log, err = handle.SystemLogger(nil); err != nil {
		return 1
	}
	if handle.Run() != nil {
		return 1
	}
	return 0
}

// serving is the program as the library starts and stops it.
type serving struct {
	work  func(events io.Writer) int
	stop  context.CancelFunc
	asked <-chan struct{} // closed: it is to end
	ended chan struct{}
	log   service.Logger
}

// Start lets the work begin. When that ends unasked the process ends with it, which Windows takes for a failure, and starts
// the service anew.
func (s *serving) Start(service.Service) error {
	_ = s.log.Info("started")
	go func() {
		code := s.work(events{s.log})
		select {
		case <-s.asked:
			close(s.ended)
		default:
			_ = s.log.Errorf("ended by itself, with exit code %d", code)
			os.Exit(max(code, 1))
		}
	}()
	return nil
}

// Stop asks the work to end, and waits.
func (s *serving) Stop(service.Service) error {
	s.stop()
	<-s.ended
	_ = s.log.Info("stopped")
	return nil
}

// events is the event log as a writer: of a log it takes the errors.
type events struct{ log service.Logger }

func (e events) Write(lines []byte) (int, error) {
	for line := range bytes.Lines(lines) {
		if text := strings.TrimSpace(string(line)); strings.HasPrefix(text, "error: ") || strings.Contains(text, "level=ERROR") {
			_ = e.log.Error(text)
		}
	}
	return len(lines), nil
}
