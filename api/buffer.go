package api

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// inline is a small piece of bytes in JSON: base64, an array of numbers, or Node's Buffer.
type inline []byte

// UnmarshalJSON reads any of the three forms.
func (b *inline) UnmarshalJSON(raw []byte) error {
	data, err := buffer(raw)
	*b = data
	return err
}

func (b *inline) bytes() []byte {
	if b == nil {
		return nil
	}
	return *b
}

// buffer reads bytes as Node writes them: {"type":"Buffer","data":…}, the bare array, or base64. Null is none.
func buffer(raw []byte) ([]byte, error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return nil, nil
	case raw[0] == '"':
		return base64Text(raw)
	case raw[0] == '[':
		return numbers(raw)
	}
	var b struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(raw, &b); err != nil || len(b.Data) == 0 || b.Data[0] == '{' {
		return nil, errBuffer()
	}
	return buffer(b.Data)
}

func errBuffer() error {
	return invalid("message", `Media bytes must be base64 or an array of numbers from 0 to 255, as in {"type":"Buffer","data":…}`)
}

func base64Text(raw []byte) ([]byte, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return nil, errBuffer()
	}
	text = strings.TrimRight(strings.NewReplacer("\n", "", "\r", "", "-", "+", "_", "/").Replace(text), "=")
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, errBuffer()
	}
	return data, nil
}

// numbers reads [1,2,255] without making a float of each.
func numbers(raw []byte) ([]byte, error) {
	data := make([]byte, 0, len(raw)/3)
	n, digits := 0, 0
	for _, c := range raw[1:] {
		switch {
		case c >= '0' && c <= '9' && digits < 3:
			n, digits = n*10+int(c-'0'), digits+1
		case c == ',' && digits > 0, c == ']' && digits > 0:
			if n > 255 {
				return nil, errBuffer()
			}
			data, n, digits = append(data, byte(n)), 0, 0
		case c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ']':
		default:
			return nil, errBuffer()
		}
	}
	return data, nil
}
