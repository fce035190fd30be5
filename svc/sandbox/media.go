package sandbox

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/http"
	"strconv"
	"strings"

	waBinary "go.mau.fi/whatsmeow/binary"
)

// maxUpload is more than WhatsApp takes.
const maxUpload = 2 << 30

const (
	mediaHost   = "mmg.whatsapp.net"
	pictureID   = "1700000000"
	picturePath = "/v/picture.jpg?ccb=1"
	mediaHosts  = ".cdn.whatsapp.net"
	mediaToken  = "sandbox-" // and the LID of the account
)

// iqMediaHosts names the media hosts; all of them are this server. Each account gets hosts of its own, so that a request tells whose it
// is; clients that go by the URL in a message instead, as some do, do not tell.
func (s *Server) iqMediaHosts(c *conn, _ *waBinary.Node) answer {
	lid := c.device.account.lid
	return result(el("media_conn", attrs{"auth": mediaToken + lid, "ttl": 300, "auth_ttl": 21600, "max_buckets": 12},
		el("host", attrs{"hostname": "media-" + lid + "-1" + mediaHosts}), el("host", attrs{"hostname": "media-" + lid + "-2" + mediaHosts})))
}

// whose returns the number of the account that a media request is of, by its token or its host; "" when neither tells.
func (s *Server) whose(r *http.Request) string {
	lid, ok := strings.CutPrefix(r.URL.Query().Get("auth"), mediaToken)
	if !ok {
		name, _, _ := strings.Cut(r.Host, ".")
		if parts := strings.Split(name, "-"); len(parts) == 3 {
			lid = parts[1]
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.byLID[lid]; a != nil {
		return a.number
	}
	return ""
}

// saveMedia keeps an encrypted file and returns its direct path. Clients append more to the query: it must have one.
func (s *Server) saveMedia(kind string, data []byte) string {
	path := "/v/" + kind + "/" + randomID(16)
	s.put(`INSERT INTO media(path,data) VALUES(?,?)`, path, data)
	return path + "?ccb=11-4&oh=sandbox"
}

func mediaURL(directPath string) string { return "https://" + mediaHost + directPath }

// serveUpload takes a file. Its name must be the hash of what comes, as on the real hosts; only then does it know it.
func (s *Server) serveUpload(w http.ResponseWriter, r *http.Request) {
	if s.takeHTTPFault("upload_500", s.whose(r)) {
		http.Error(w, "fault", http.StatusInternalServerError)
		return
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUpload))
	if err != nil {
		http.Error(w, "cannot read", http.StatusBadRequest)
		return
	}
	var path string
	err = s.do(r.Context(), func() error { path = s.saveMedia(r.PathValue("kind"), data); return nil })
	if err != nil {
		http.Error(w, "cannot save", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]string{
		"url": mediaURL(path), "direct_path": path, "handle": "", "object_id": randomID(8),
	})
}

func (s *Server) serveDelete(w http.ResponseWriter, r *http.Request) {
	path, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("d_md"))
	if err == nil {
		err = s.do(r.Context(), func() error { s.put(`DELETE FROM media WHERE path=?`, string(path)); return nil })
	}
	if err != nil {
		http.Error(w, "cannot delete", http.StatusBadRequest)
	}
}

func (s *Server) serveDownload(w http.ResponseWriter, r *http.Request) {
	number := s.whose(r)
	for _, code := range []int{http.StatusForbidden, http.StatusNotFound, http.StatusGone, http.StatusInternalServerError} {
		if s.takeHTTPFault("media_"+strconv.Itoa(code), number) {
			http.Error(w, "fault", code)
			return
		}
	}
	data, err := s.media(r.URL.Path)
	if err != nil {
		http.Error(w, "cannot read", http.StatusInternalServerError)
		return
	}
	if data == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Write(data)
}

// media returns a kept file, nil when there is none under this path.
func (s *Server) media(path string) ([]byte, error) {
	if path == "/v/picture.jpg" {
		return picture(), nil
	}
	var data []byte
	err := s.db.read.QueryRow(`SELECT data FROM media WHERE path=?`, path).Scan(&data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return data, err
}

// picture draws the small JPEG that is everybody's profile picture.
func picture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 96, 96))
	for i := range 96 * 96 {
		img.Set(i%96, i/96, color.RGBA{R: uint8(i % 96 * 2), G: 128, B: uint8(i / 96 * 2), A: 255})
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err) // into memory, from a good image
	}
	return out.Bytes()
}
