package osservice

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
	"unsafe"

	"github.com/kardianos/service"
	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"
)

const (
	again      = 5 * time.Second // after an end that nobody asked for
	forgetting = 24 * 60 * 60    // seconds without one, after which it counts as the first again
)

// Control is the service control manager of Windows.
type Control struct{}

// handle is the service as the library knows it.
func (*Control) handle(s *Service) (service.Service, error) {
	return service.New(nil, &service.Config{Name: s.Name, DisplayName: s.Name + ", a WhatsApp gateway",
		Description: "Many WhatsApp accounts behind a REST API on this machine.", UserName: s.Account, Executable: s.Binary, Arguments: words(s),
		Option: service.KeyValue{service.OnFailure: service.OnFailureRestart, service.OnFailureDelayDuration: again.String(),
			service.OnFailureResetPeriod: forgetting}})
}

// Path is where the manager keeps what it knows of a service.
func (*Control) Path(s *Service) string { return `HKLM\` + serviceKey(s) }

func serviceKey(s *Service) string { return `SYSTEM\CurrentControlSet\Services\` + s.Name }

// Installed tells whether there is a service of that name.
func (c *Control) Installed(s *Service) bool {
	h, err := c.handle(s)
	if err == nil {
		_, err = h.Status()
	}
	return err == nil
}

// Foreign tells whether the name of a service is that of another program's, which must be neither changed nor stopped.
func (c *Control) Foreign(s *Service) bool {
	if !c.Installed(s) {
		return false
	}
	m, err := mgr.Connect()
	if err != nil {
		return true
	}
	defer func() { _ = m.Disconnect() }()
	h, err := m.OpenService(s.Name)
	if err != nil {
		return true
	}
	defer h.Close()
	line, err := commandLine(h)
	return err != nil || !strings.Contains(line, " run "+servedFlag)
}

// Running tells whether the service runs.
func (c *Control) Running(_ context.Context, s *Service) bool {
	h, err := c.handle(s)
	if err != nil {
		return false
	}
	status, err := h.Status()
	return err == nil && status == service.StatusRunning
}

// Prepare makes the folder of the service, which the system, administrators and the service may use and nobody else.
func (*Control) Prepare(_ context.Context, s *Service) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return err
	}
	rights, err := windows.SecurityDescriptorFromString(dataRights(s.Name))
	if err != nil {
		return err
	}
	list, _, err := rights.DACL()
	if err != nil {
		return err
	}
	owner, _, err := rights.Owner()
	if err != nil {
		return err
	}
	what := windows.SECURITY_INFORMATION(windows.OWNER_SECURITY_INFORMATION | windows.DACL_SECURITY_INFORMATION | windows.PROTECTED_DACL_SECURITY_INFORMATION)
	if err := windows.SetNamedSecurityInfo(s.Data, windows.SE_FILE_OBJECT, what, owner, nil, list, nil); err != nil {
		return &fs.PathError{Op: "protect", Path: s.Data, Err: err}
	}
	return nil
}

// Lend does nothing: the folder lends what is in it.
func (*Control) Lend(context.Context, *Service, string) error { return nil }

// Linger does nothing: there are no services of users.
func (*Control) Linger(context.Context) error { return nil }

// Install makes the service, or brings one that is there to what it should be.
func (c *Control) Install(_ context.Context, s *Service) (changed bool, err error) {
	h, err := c.handle(s)
	if err != nil {
		return false, err
	}
	if !c.Installed(s) {
		if err := h.Install(); err != nil {
			return false, told("make", s, err)
		}
		changed = true
	}
	moved, err := c.adjust(s)
	if err != nil {
		return false, told("change", s, err)
	}
	return changed || moved, nil
}

// adjust sets what the library does not, and what it set otherwise at an earlier time.
func (*Control) adjust(s *Service) (changed bool, err error) {
	m, err := mgr.Connect()
	if err != nil {
		return false, err
	}
	defer func() { _ = m.Disconnect() }()
	h, err := m.OpenService(s.Name)
	if err != nil {
		return false, err
	}
	defer h.Close()
	line := windows.ComposeCommandLine(append([]string{s.Binary}, words(s)...))
	if changed, err = setLine(h, s, line); err != nil {
		return false, err
	}
	restart := []mgr.RecoveryAction{{Type: mgr.ServiceRestart, Delay: again}}
	return changed, errors.Join(h.SetRecoveryActions(restart, forgetting), known(h.SetRecoveryActionsOnNonCrashFailures(true)),
		known(lateStart(h)), known(ownSID(h)))
}

// words are what the program of a service is called with.
func words(s *Service) []string { return []string{"run", servedFlag + s.Settings} }

// setLine sets what is started, and under which account.
func setLine(h *mgr.Service, s *Service, line string) (changed bool, err error) {
	was, err := commandLine(h)
	if err != nil || was == line {
		return false, err
	}
	path, err1 := windows.UTF16PtrFromString(line)
	account, err2 := windows.UTF16PtrFromString(s.Account)
	if err := errors.Join(err1, err2); err != nil {
		return false, err
	}
	return true, windows.ChangeServiceConfig(h.Handle, windows.SERVICE_NO_CHANGE, windows.SERVICE_AUTO_START, windows.SERVICE_NO_CHANGE,
		path, nil, nil, nil, account, nil, nil)
}

// commandLine is what is started now.
func commandLine(h *mgr.Service) (string, error) {
	size := uint32(8 << 10) // the most that it may be
	all := make([]byte, size)
	config := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&all[0]))
	if err := windows.QueryServiceConfig(h.Handle, config, size, &size); err != nil {
		return "", err
	}
	return windows.UTF16PtrToString(config.BinaryPathName), nil
}

// lateStart lets the service start behind the network.
func lateStart(h *mgr.Service) error {
	late := windows.SERVICE_DELAYED_AUTO_START_INFO{IsDelayedAutoStartUp: 1}
	return windows.ChangeServiceConfig2(h.Handle, windows.SERVICE_CONFIG_DELAYED_AUTO_START_INFO, (*byte)(unsafe.Pointer(&late)))
}

// ownSID gives the service an identity of its own, which its folder is lent to.
func ownSID(h *mgr.Service) error {
	kind := uint32(windows.SERVICE_SID_TYPE_UNRESTRICTED)
	return windows.ChangeServiceConfig2(h.Handle, windows.SERVICE_CONFIG_SERVICE_SID_INFO, (*byte)(unsafe.Pointer(&kind)))
}

// known passes over a setting that this Windows, or what stands in for one, does not have.
func known(err error) error {
	if errors.Is(err, windows.ERROR_INVALID_LEVEL) || errors.Is(err, windows.ERROR_CALL_NOT_IMPLEMENTED) {
		return nil
	}
	return err
}

// Uninstall stops the service and takes it away. Its data and settings stay.
func (c *Control) Uninstall(ctx context.Context, s *Service) error {
	if err := c.Stop(ctx, s); err != nil {
		return err
	}
	return told("remove", s, remove(s.Name))
}

// remove also passes over a source of events that is not there any more, at which the library fails.
func remove(name string) error {
	m, err := mgr.Connect()
	if err != nil {
		return err
	}
	defer func() { _ = m.Disconnect() }()
	h, err := m.OpenService(name)
	if err != nil {
		return err
	}
	err = h.Delete()
	_ = eventlog.Remove(name)
	return errors.Join(err, h.Close())
}

// Start starts the service and does not wait until it is at work.
func (c *Control) Start(_ context.Context, s *Service) error {
	return c.act("start", s, service.Service.Start)
}

// Stop stops the service and waits for its end. One that does not run is no error.
func (c *Control) Stop(ctx context.Context, s *Service) error {
	if !c.Running(ctx, s) {
		return nil
	}
	return c.act("stop", s, service.Service.Stop)
}

// Restart stops the service, when it runs, and starts it.
func (c *Control) Restart(ctx context.Context, s *Service) error {
	return errors.Join(c.Stop(ctx, s), c.Start(ctx, s))
}

func (c *Control) act(verb string, s *Service, do func(service.Service) error) error {
	h, err := c.handle(s)
	if err == nil {
		err = do(h)
	}
	return told(verb, s, err)
}

// told says in a sentence what the manager refused.
func told(verb string, s *Service, err error) error {
	if err == nil {
		return nil
	}
	return &CommandError{Line: fmt.Sprintf("sc.exe query %s", s.Name), What: fmt.Sprintf("Windows did not %s the service %s", verb, s.Name), Err: err}
}
