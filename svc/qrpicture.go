package svc

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"wamux/store"
)

// picture shows a code as a PNG file and on a page of this machine, for terminals
// that are too small, and where there is none. Both are gone at the end.
type picture struct {
	lines
	out    io.Writer
	file   string
	folder string // made for the file; "" when the person named one
	page   *page  // nil when nothing can listen here
	shown  []byte
}

// picture makes the folder of the file, unless one is named, and the page.
func (p program) picture(file string) (*picture, error) {
	privateFiles()
	pic := &picture{lines: lines{w: p.stderr}, out: p.stdout, file: file}
	if file == "" {
		folder, err := os.MkdirTemp("", "wamux-")
		if err != nil {
			return nil, &store.Error{Message: "no folder can be made for the picture of the code", Hint: "name a file with --png", Err: err}
		}
		pic.folder, pic.file = folder, filepath.Join(folder, "qr.png")
	}
	pic.page, _ = newPage()
	return pic, nil
}

func (p *picture) accept() string { return "image/png" }

func (p *picture) code(png []byte) error {
	if bytes.Equal(png, p.shown) {
		return nil
	}
	first := p.shown == nil
	p.shown = png
	if err := p.save(); err != nil {
		return err
	}
	if p.page != nil {
		p.page.show(png)
	}
	if first {
		p.announce()
	}
	return nil
}

// save replaces the file in one step, so that nobody sees half a code.
func (p *picture) save() error {
	err := os.WriteFile(p.file+".new", p.shown, 0o600)
	if err == nil {
		err = os.Rename(p.file+".new", p.file)
	}
	if err != nil {
		_ = os.Remove(p.file + ".new")
		return &store.Error{Message: p.file + " cannot be written", Hint: "name another file with --png", Err: err}
	}
	return nil
}

func (p *picture) announce() {
	fmt.Fprintf(p.out, "picture: %s\n", p.file)
	if p.page != nil {
		fmt.Fprintf(p.out, "link: %s\n", p.page.url)
	}
	fmt.Fprintln(p.w, howToScan+" The picture and the page change with the code.")
}

func (p *picture) end() {
	if p.page != nil {
		p.page.close()
	}
	if p.shown != nil {
		_ = os.Remove(p.file)
	}
	if p.folder != "" {
		_ = os.Remove(p.folder)
	}
}

// page is a web page of this machine with the code of the moment. Whoever does
// not know its link, which is a secret, sees nothing.
type page struct {
	url    string
	server *http.Server

	mu  sync.Mutex
	png []byte
}

func newPage() (*page, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	path := "/" + rand.Text()
	p := &page{url: "http://" + listener.Addr().String() + path}
	p.server = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != path || r.Method != http.MethodGet {
			http.NotFound(w, r)
			return
		}
		p.write(w)
	})}
	go func() { _ = p.server.Serve(listener) }() // until close
	return p, nil
}

func (p *page) show(png []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.png = png
}

const pageHTML = `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2"><title>wamux</title>
<body style="font-family:sans-serif;text-align:center"><p>%s</p><img alt="QR code" src="data:image/png;base64,%s">
<p>This page goes away when the phone is linked.</p></body></html>
`

func (p *page) write(w http.ResponseWriter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'")
	fmt.Fprintf(w, pageHTML, howToScan, base64.StdEncoding.EncodeToString(p.png))
}

func (p *page) close() { _ = p.server.Close() }
