package api

import (
	"regexp"
	"strings"
)

var links = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"]+`)

// firstLink is the first web address in a text, without what belongs to the sentence around it; "" when there is none.
func firstLink(text string) string {
	return strings.TrimRight(links.FindString(text), ".,;:!?)]}'*_~")
}
