package svc

import (
	"fmt"
	"os"
	"path/filepath"

	"wamux/svc/osservice"
)

// copiedMark is the name of a file beside the settings of a service: its program is a copy that install made, and goes with the
// last service that it was made for. Nothing is read from it.
const copiedMark = "wamux.program"

// copyProgram puts the program where only an administrator may write.
func (c *serviceCall) copyProgram() (changed bool, err error) {
	to := c.h.fileOf(c.s.Binary)
	_, missing := os.Lstat(to)
	changed, err = osservice.CopyProgram(c.h.self, to)
	if changed {
		c.placed = missing != nil
		fmt.Fprintf(c.p.stdout, "%s is copied to %s, where only an administrator may write\n", c.h.self, c.s.Binary)
	}
	return changed, err
}

// markCopy remembers that the service has the program which install put there, for it or for another one, once the folder of
// the settings is known to be ours.
func (c *serviceCall) markCopy() error {
	if c.s.Personal || c.s.Binary != osservice.Programs(c.h.kind) || !c.placed && len(c.marks()) == 0 {
		return nil
	}
	return osservice.ReplaceFile(c.h.fileOf(c.mark()), nil, 0o644)
}

func (c *serviceCall) mark() string { return filepath.Join(filepath.Dir(c.s.Settings), copiedMark) }

// marks are those of all services of the machine.
func (c *serviceCall) marks() []string {
	all, _ := filepath.Glob(c.h.fileOf(filepath.Join(filepath.Dir(filepath.Dir(c.s.Settings)), "*", copiedMark))) // fails for no such pattern
	return all
}

// removeCopy takes away the program that install put there, unless another service has it, too. One that cannot be removed, as
// Windows refuses while it runs, stays, and is named as what does.
func (c *serviceCall) removeCopy() {
	if !c.s.Personal && os.Remove(c.h.fileOf(c.mark())) == nil && len(c.marks()) == 0 {
		_ = os.Remove(c.h.fileOf(osservice.Programs(c.h.kind)))
	}
}
