package api

import (
	"cmp"
	"encoding/json"
	"regexp"
	"strings"

	"wamux/store"
)

var links = regexp.MustCompile(`(?i)\bhttps?://[^\s<>"]+`)

// firstLink is the first web address in a text, without what belongs to the sentence around it; "" when there is none.
func firstLink(text string) string {
	return strings.TrimRight(links.FindString(text), ".,;:!?)]}'*_~")
}

// preview is what to show of a link in the root API: an object as Baileys has it, true to have the page looked at, or nothing.
type preview struct {
	CanonicalURL string  `json:"canonical-url"`
	MatchedText  string  `json:"matched-text"`
	Title        string  `json:"title"`
	Description  string  `json:"description"`
	Thumbnail    *inline `json:"jpegThumbnail"`
	look         bool
}

// UnmarshalJSON takes the object, and true; false is none, as null is.
func (p *preview) UnmarshalJSON(raw []byte) error {
	if p.look = string(raw) == "true"; p.look || string(raw) == "false" {
		return nil
	}
	type plain preview
	return json.Unmarshal(raw, (*plain)(p))
}

// of is the preview for a text, nil when there is none, and without a title when the page is to be looked at. The link is the
// one in the text; phones show no other.
func (p *preview) of(text string) *store.LinkPreview {
	if p == nil || p.Title == "" && !p.look {
		return nil
	}
	link := p.MatchedText
	if link == "" && strings.Contains(text, p.CanonicalURL) {
		link = p.CanonicalURL
	}
	if link = cmp.Or(link, firstLink(text)); link == "" {
		return nil
	}
	return &store.LinkPreview{URL: link, Title: p.Title, Description: p.Description, Thumbnail: p.Thumbnail.bytes()}
}

// v1Preview is what to show of the link in a text, or true to have the page looked at.
type v1Preview struct {
	URL         string `json:"url"` // as it stands in the text; missing means the first one there
	Title       string `json:"title"`
	Description string `json:"description"`
	Thumbnail   []byte `json:"thumbnail"` // JPEG
	look, none  bool
}

// UnmarshalJSON takes the object, true and false.
func (p *v1Preview) UnmarshalJSON(raw []byte) error {
	p.look, p.none = string(raw) == "true", string(raw) == "false"
	if p.look || p.none {
		return nil
	}
	type plain v1Preview
	return parse(raw, (*plain)(p), true)
}

// of is the preview for a text, as [preview.of] has it; a link or title that is missing is an error here.
func (p *v1Preview) of(text string) (*store.LinkPreview, error) {
	if p == nil || p.none {
		return nil, nil
	}
	link := cmp.Or(p.URL, firstLink(text))
	if p.Title == "" && !p.look || link == "" || !strings.Contains(text, link) {
		return nil, invalid("linkPreview", "A link preview needs a title, or true to look at the page, and a link that stands in the text")
	}
	return &store.LinkPreview{URL: link, Title: p.Title, Description: p.Description, Thumbnail: p.Thumbnail}, nil
}
