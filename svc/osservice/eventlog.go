package osservice

import "strings"

// isError tells whether a line that a program writes is one for the event log: an error that ends it, or one of its log, which
// is in text or in JSON.
func isError(line string) bool {
	return strings.HasPrefix(line, "error: ") || strings.Contains(line, "level=ERROR") || strings.Contains(line, `"level":"ERROR"`)
}
