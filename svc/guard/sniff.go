package guard

import (
	"mime"
	"net/http"
	"strings"
)

// Sniff tells the media type of a file: what its first bytes say, unless they
// say little and declared, a Content-Type header, says more. It never is empty
// and has no parameters.
func Sniff(data []byte, declared string) string {
	found := bare(http.DetectContentType(data))
	said := bare(declared)
	if said != "" && vague(found, said) {
		return said
	}
	if found == "application/ogg" {
		return "audio/ogg"
	}
	return found
}

// vague tells whether a file that looks like found may well be what is said.
func vague(found, said string) bool {
	switch found {
	case "application/octet-stream", "text/plain", "application/zip", "text/xml":
		return said != "text/html"
	case "application/ogg", "video/mp4", "video/webm", "video/avi":
		return strings.HasPrefix(said, "audio/") || strings.HasPrefix(said, "video/")
	}
	return false
}

func bare(contentType string) string {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.Contains(t, "/") {
		return ""
	}
	if t == "image/jpg" {
		return "image/jpeg"
	}
	return t
}
