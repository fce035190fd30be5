// Package guard fetches what strangers' URLs point at without letting them
// point at us: the address is judged after it was resolved, in the dialer, so
// neither a name that resolves inwards, nor one that changes its mind between
// two look-ups, nor a redirect gets past it.
package guard

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"wamux/store"
)

// Options of a [Fetcher]. The zero value is ready to use.
type Options struct {
	Policy   Policy
	Timeout  time.Duration // of a whole fetch, redirects and body included; 0 means 60 s
	Resolver Resolver      // nil: the system's
	Log      *slog.Logger  // nil: silent. It learns the causes that answers don't tell
	Agent    string        // User-Agent; "" means "wamux"
}

// Fetcher fetches media by URL for people who are not trusted. It is safe for
// use by many goroutines and keeps no connection open.
type Fetcher struct {
	client  *http.Client
	timeout time.Duration
	log     *slog.Logger
	agent   string
}

const maxRedirects = 3

// New makes a Fetcher.
func New(o Options) *Fetcher {
	return newFetcher(o, Dialer{Policy: o.Policy, Resolver: o.Resolver})
}

func newFetcher(o Options, d Dialer) *Fetcher {
	transport := &http.Transport{
		Proxy:                  nil, // a proxy would connect for us, unseen by the dialer
		DialContext:            d.DialContext,
		DisableCompression:     true, // a small body must not grow in memory
		DisableKeepAlives:      true,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return &Fetcher{
		client:  &http.Client{Transport: transport, CheckRedirect: checkRedirect},
		timeout: cmp.Or(o.Timeout, time.Minute),
		log:     cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		agent:   cmp.Or(o.Agent, "wamux"),
	}
}

// Fetch gets what rawURL points at, at most max bytes of it. The type is
// sniffed from the content where that says something, else it is what the
// server said, without parameters. Errors are [*store.Error] of code
// unprocessable, named url_refused (the URL is malformed, or leads where it may
// not), media_unreachable or media_too_large.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string, max int64) (data []byte, mimetype string, err error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	res, err := f.get(ctx, rawURL)
	if err != nil {
		return nil, "", f.explain(err)
	}
	defer res.Body.Close()
	data, err = read(res, max)
	if err != nil {
		return nil, "", f.explain(err)
	}
	return data, Sniff(data, res.Header.Get("Content-Type")), nil
}

func (f *Fetcher) get(ctx context.Context, rawURL string) (*http.Response, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, refused("The media URL is malformed", err)
	}
	if err := checkURL(u); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, refused("The media URL is malformed", err)
	}
	req.Header.Set("User-Agent", f.agent)
	req.Header.Set("Accept", "*/*")
	return f.client.Do(req)
}

// read takes the body of a good answer, one byte more than allowed at most.
func read(res *http.Response, max int64) ([]byte, error) {
	if res.StatusCode != http.StatusOK {
		return nil, store.Errorf(store.CodeUnprocessable, "media_unreachable", "The server of the media URL answered with status %d", res.StatusCode)
	}
	if enc := res.Header.Get("Content-Encoding"); enc != "" && enc != "identity" {
		return nil, store.Errorf(store.CodeUnprocessable, "media_unreachable", "The server of the media URL sends the file compressed, which is not accepted")
	}
	if res.ContentLength > max {
		return nil, tooLarge(max)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, max+1))
	if err == nil && int64(len(data)) > max {
		return nil, tooLarge(max)
	}
	return data, err
}

func tooLarge(max int64) error {
	return store.Errorf(store.CodeUnprocessable, "media_too_large", "The file behind the media URL is larger than the %d bytes that are allowed", max)
}

func refused(sentence string, cause error) error {
	return &store.Error{Code: store.CodeUnprocessable, Name: "url_refused", Message: sentence, Err: cause}
}

// explain makes every error one of ours; foreign text goes to the log only.
func (f *Fetcher) explain(err error) error {
	f.log.Info("media was not fetched", "cause", err)
	var own *store.Error
	if errors.As(err, &own) {
		return own
	}
	if errors.As(err, new(refusal)) {
		return refused("The media URL leads to an address that is not public; use one that is", err)
	}
	sentence := "The server of the media URL cannot be reached; check the URL"
	if errors.Is(err, context.DeadlineExceeded) {
		sentence = "The server of the media URL took too long; try again or use another one"
	}
	return &store.Error{Code: store.CodeUnprocessable, Name: "media_unreachable", Message: sentence, Err: err}
}
