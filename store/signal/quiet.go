package signal

import (
	"sync"

	"go.mau.fi/libsignal/logger"
)

// quiet throws libsignal's log away. By default it goes to standard output, and
// what it says is either the content of keys or an error that is returned too.
type quiet struct{}

func (quiet) Debug(string, string)   {}
func (quiet) Info(string, string)    {}
func (quiet) Warning(string, string) {}
func (quiet) Error(string, string)   {}
func (quiet) Configure(string)       {}

var silence sync.Once

// silenceLibsignal sets the library's one logger, once in the process.
func silenceLibsignal() {
	silence.Do(func() {
		var l logger.Loggable = quiet{}
		logger.Setup(&l)
	})
}
