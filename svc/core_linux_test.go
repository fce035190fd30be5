package svc_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user without rights, as whom root runs wamux here: of its own processes root sees nothing.
const nobody = 65534

// TestNoCoreDumps looks at a running wamux from outside: it leaves no core file, and the system counts it among the processes whose
// memory other programs of the user may not read. One that does not ask for that is looked at, too.
func TestNoCoreDumps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := exec.Command(copied(t, dir), "run", "--sandbox")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "WAMUX_TEST_MAIN=1", "PORT=0")
	others := exec.Command("sleep", "600")
	for _, c := range []*exec.Cmd{cmd, others} {
		if os.Getuid() == 0 {
			c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*exec.Cmd{cmd, others} {
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_ = c.Process.Kill()
			_ = c.Wait()
		}()
	}
	for lines := bufio.NewScanner(out); lines.Scan() && !strings.Contains(lines.Text(), "wamux is listening"); {
		continue
	}
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", cmd.Process.Pid))
	if err != nil || !regexp.MustCompile(`(?m)^Max core file size +0 +0 +bytes`).Match(limits) {
		t.Errorf("the limits are %v:\n%s", err, limits)
	}
	if owner := ownerOf(t, others.Process.Pid); owner == 0 {
		t.Fatal("this system shows all processes as root's")
	}
	if owner := ownerOf(t, cmd.Process.Pid); owner != 0 {
		t.Errorf("its memory is open to user %d", owner)
	}
	_ = cmd.Process.Signal(syscall.SIGABRT) // which is how a core is asked for
	if _, err := io.Copy(io.Discard, out); err != nil {
		t.Log(err)
	}
	if state, _ := cmd.Process.Wait(); state != nil && state.Sys().(syscall.WaitStatus).CoreDump() {
		t.Error("it dumped its core")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "core*")); len(left) > 0 {
		t.Errorf("it left %q", left)
	}
}

// copied puts the program where every user may run it, into a folder of that user's.
func copied(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(program(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "wamux")
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // the mode whatever the umask, which a wamux in this process may have set
		for _, err := range []error{os.Chmod(path, 0o755), os.Chmod(filepath.Dir(dir), 0o755), os.Chown(dir, nobody, nobody)} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return path
}

// ownerOf is the user that the environment of a process belongs to: root, when its memory is closed.
func ownerOf(t *testing.T, pid int) uint32 {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Uid
}
