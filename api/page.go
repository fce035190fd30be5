package api

import (
	"bytes"
	"cmp"
	"context"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"

	"wamux/store"
)

// What looking at a page for its preview may cost.
const (
	lookTime     = 10 * time.Second // page and picture
	pageLimit    = 3 << 20          // bytes
	pictureLimit = 5 << 20
)

// look fills in the preview of a link whose page is to be looked at. A page that cannot be had, or says nothing about itself,
// is no reason not to send: then there is no preview.
func (a *api) look(ctx context.Context, c *store.Content) {
	if c.Preview == nil || c.Preview.Title != "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	link := c.Preview.URL
	c.Preview = nil
	if a.Fetcher == nil {
		return
	}
	page, _, err := a.Fetcher.Fetch(ctx, link, pageLimit)
	if err != nil {
		a.Log.Info("a link is sent without preview", "code", problemOf(err).Name)
		return
	}
	p := readPage(page)
	if p.title == "" {
		return
	}
	c.Preview = &store.LinkPreview{URL: link, Title: p.title, Description: p.description, Thumbnail: a.pagePicture(ctx, link, p.image)}
}

// pagePicture is the small form of a page's picture, nil when it cannot be had.
func (a *api) pagePicture(ctx context.Context, page, image string) []byte {
	base, err := url.Parse(page)
	if err != nil || image == "" || a.Studio == nil {
		return nil
	}
	at, err := base.Parse(image)
	if err != nil {
		return nil
	}
	data, _, err := a.Fetcher.Fetch(ctx, at.String(), pictureLimit)
	if err != nil {
		return nil
	}
	small, err := a.Studio.Thumbnail(ctx, data)
	if err != nil {
		return nil
	}
	return small
}

// pageInfo is what a page says about itself to those who link to it.
type pageInfo struct{ title, description, image string }

// readPage reads the head of an HTML page.
func readPage(page []byte) pageInfo {
	found := map[string]string{}
	tokens := html.NewTokenizer(bytes.NewReader(page))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			return infoOf(found)
		case html.StartTagToken, html.SelfClosingTagToken:
			name, attributes := tokens.TagName()
			switch string(name) {
			case "body":
				return infoOf(found)
			case "meta":
				if attributes {
					noteMeta(found, tokens)
				}
			case "title":
				if tokens.Next() == html.TextToken && found["title"] == "" {
					found["title"] = string(tokens.Text())
				}
			}
		}
	}
}

// noteMeta keeps the content of a meta element under its name or property; the first one counts.
func noteMeta(found map[string]string, tokens *html.Tokenizer) {
	name, content := "", ""
	for more := true; more; {
		var key, value []byte
		key, value, more = tokens.TagAttr()
		switch string(key) {
		case "name", "property":
			name = strings.ToLower(string(value))
		case "content":
			content = string(value)
		}
	}
	if name != "" && found[name] == "" {
		found[name] = content
	}
}

func infoOf(found map[string]string) pageInfo {
	return pageInfo{
		title:       short(cmp.Or(found["og:title"], found["twitter:title"], found["title"]), 300),
		description: short(cmp.Or(found["og:description"], found["twitter:description"], found["description"]), 500),
		image:       cmp.Or(found["og:image:secure_url"], found["og:image"], found["og:image:url"], found["twitter:image"]),
	}
}

// short is a text on one line, with so many characters at most.
func short(text string, limit int) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if runes := []rune(text); len(runes) > limit {
		return strings.TrimSpace(string(runes[:limit-1])) + "…"
	}
	return text
}
