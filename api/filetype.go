package api

import (
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
)

// FileTypes says which media may be sent: MIME types, where image/* means all pictures. Empty means all.
type FileTypes []string

// ParseFileTypes reads a comma separated list of MIME types (image/png, image/*) and of file name extensions (pdf, .pdf).
// Its error is the rest of a sentence that begins with the list's name.
func ParseFileTypes(text string) (FileTypes, error) {
	var types FileTypes
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return c == ',' || c == ' ' }) {
		found, err := fileType(word)
		if err != nil {
			return nil, err
		}
		types = append(types, found...)
	}
	return types, nil
}

func fileType(word string) ([]string, error) {
	if word == "*" || word == "*/*" {
		return []string{"*/*"}, nil
	}
	if strings.Contains(word, "/") {
		if kind, params, err := mime.ParseMediaType(word); err != nil || kind != word || len(params) > 0 || strings.HasPrefix(word, "*/") {
			return nil, fmt.Errorf("must list MIME types such as image/png or image/*, which %q is not", word)
		}
		return []string{word}, nil
	}
	if types := extensionTypes(strings.TrimPrefix(word, ".")); types != nil {
		return types, nil
	}
	return nil, fmt.Errorf("names %q, an extension that is not known here: write its MIME type instead", word)
}

// refuses tells why a file may not be sent, "" when it may. What it is called must be on the list; so must what its name
// ends in and what its bytes plainly are, where those are something else.
func (types FileTypes) refuses(mimetype, name, found string) string {
	if len(types) == 0 {
		return ""
	}
	mimetype, _, _ = strings.Cut(strings.ToLower(mimetype), ";")
	mimetype = strings.TrimSpace(mimetype)
	ending := strings.TrimPrefix(strings.ToLower(path.Ext(name)), ".")
	said := extensionTypes(ending)
	named := slices.ContainsFunc(said, types.hold)
	switch {
	case !types.hold(mimetype) && !(named && vague(mimetype)):
		return mimetype
	case said != nil && !named:
		return "." + ending
	}
	if found, _, _ = strings.Cut(found, ";"); telling(found, mimetype) && !types.hold(found) {
		return found
	}
	return ""
}

func (types FileTypes) hold(mimetype string) bool {
	major, _, _ := strings.Cut(mimetype, "/")
	return slices.Contains(types, mimetype) || slices.Contains(types, major+"/*") || slices.Contains(types, "*/*")
}

// vague types are what a document gets whose sender named none: then its name decides.
func vague(mimetype string) bool {
	return mimetype == "application/octet-stream" || mimetype == "application/zip" || mimetype == "text/plain"
}

// telling leaves out bytes that are a container of many things: MP4 and Ogg hold sound or pictures, a zip is every
// office document, and plain text is CSV, vCard and what not.
func telling(found, mimetype string) bool {
	major, _, _ := strings.Cut(found, "/")
	sound := strings.HasPrefix(mimetype, "audio/") || strings.HasPrefix(mimetype, "video/")
	switch major {
	case "image":
		return true
	case "audio", "video":
		return !sound
	}
	return found == "application/pdf" || found == "text/html"
}

// extensionTypes are the MIME types of an extension, nil for one that is not known. They are written down, since what
// the operating system would say differs from machine to machine.
func extensionTypes(extension string) []string {
	switch extension {
	case "jpg", "jpeg", "jpe", "jfif":
		return []string{"image/jpeg", "image/jpg"}
	case "png", "gif", "webp", "bmp", "heic", "avif":
		return []string{"image/" + extension}
	case "tif", "tiff":
		return []string{"image/tiff"}
	case "svg":
		return []string{"image/svg+xml"}
	case "mp4", "m4v":
		return []string{"video/mp4"}
	case "webm":
		return []string{"video/webm", "audio/webm"}
	case "3gp", "3gpp":
		return []string{"video/3gpp", "audio/3gpp"}
	case "mov", "qt":
		return []string{"video/quicktime"}
	case "avi":
		return []string{"video/x-msvideo", "video/avi"}
	case "mkv":
		return []string{"video/x-matroska"}
	case "mp3":
		return []string{"audio/mpeg", "audio/mp3"}
	case "m4a":
		return []string{"audio/mp4", "audio/x-m4a"}
	case "ogg", "oga", "opus":
		return []string{"audio/ogg", "audio/opus", "application/ogg"}
	case "aac", "amr", "flac":
		return []string{"audio/" + extension}
	case "wav":
		return []string{"audio/wav", "audio/wave", "audio/x-wav"}
	}
	return documentTypes(extension)
}

func documentTypes(extension string) []string {
	const office = "application/vnd.openxmlformats-officedocument."
	switch extension {
	case "pdf", "json", "rtf":
		return []string{"application/" + extension}
	case "doc":
		return []string{"application/msword"}
	case "docx":
		return []string{office + "wordprocessingml.document"}
	case "xls":
		return []string{"application/vnd.ms-excel"}
	case "xlsx":
		return []string{office + "spreadsheetml.sheet"}
	case "ppt":
		return []string{"application/vnd.ms-powerpoint"}
	case "pptx":
		return []string{office + "presentationml.presentation"}
	case "odt":
		return []string{"application/vnd.oasis.opendocument.text"}
	case "ods":
		return []string{"application/vnd.oasis.opendocument.spreadsheet"}
	case "txt", "log":
		return []string{"text/plain"}
	case "csv", "html", "css":
		return []string{"text/" + extension}
	case "htm":
		return []string{"text/html"}
	case "xml":
		return []string{"application/xml", "text/xml"}
	case "vcf":
		return []string{"text/vcard", "text/x-vcard"}
	case "ics":
		return []string{"text/calendar"}
	case "zip":
		return []string{"application/zip", "application/x-zip-compressed"}
	case "rar":
		return []string{"application/vnd.rar", "application/x-rar-compressed"}
	case "7z":
		return []string{"application/x-7z-compressed"}
	case "gz", "tgz":
		return []string{"application/gzip", "application/x-gzip"}
	case "tar":
		return []string{"application/x-tar"}
	case "apk":
		return []string{"application/vnd.android.package-archive"}
	case "exe", "dll", "msi", "scr", "com":
		return []string{"application/x-msdownload", "application/vnd.microsoft.portable-executable"}
	case "bat", "cmd", "ps1", "vbs", "sh":
		return []string{"application/x-sh", "application/x-bat"}
	case "js", "mjs":
		return []string{"text/javascript", "application/javascript"}
	}
	return nil
}

// fileAllowed holds media that is to be sent against the types that the operator allows.
func (a *api) fileAllowed(mimetype, name, found string) error {
	refused := a.FileTypes.refuses(mimetype, name, found)
	if refused == "" {
		return nil
	}
	return fail(http.StatusUnsupportedMediaType, "file_type_refused", fmt.Sprintf("Files of the type %.100s may not be sent from here", refused), "ALLOWED_FILE_TYPES says which may.")
}

// FileKind tells the type of message that a file is best sent as, one of those that carry media, by its name and its
// bytes, of which the first 512 are enough; and its MIME type, "" where the bytes say it to everybody. WhatsApp shows
// few kinds of pictures and videos: the others are documents.
func FileKind(name string, data []byte) (kind, mimetype string) {
	said := extensionTypes(strings.TrimPrefix(strings.ToLower(path.Ext(name)), "."))
	found := sniff(data)
	if slices.ContainsFunc(said, func(s string) bool { return s == "audio/mp4" }) && found == "video/mp4" {
		found = "audio/mp4" // a container of both
	}
	switch found {
	case "image/jpeg", "image/png":
		return "image", ""
	case "image/webp":
		return "sticker", ""
	case "video/mp4", "video/3gpp":
		return "video", ""
	case "audio/mpeg", "audio/mp4", "audio/ogg", "audio/aac", "audio/amr":
		return "audio", ""
	}
	if len(said) > 0 && (found == "" || vague(strings.Split(found, ";")[0])) {
		return "document", said[0]
	}
	return "document", ""
}
