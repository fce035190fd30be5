package signal

import (
	"encoding/json"
	"fmt"
)

// Values of auth_data are JSON. What is JSON already, such as libsignal's
// records, is kept as it is; other bytes become a string in base64.

func encodeBytes(b []byte) []byte {
	if len(b) > 0 && b[0] == '{' && json.Valid(b) {
		return b
	}
	text, err := json.Marshal(append([]byte{}, b...)) // never null
	if err != nil {
		panic(err) // bytes always have a JSON form
	}
	return text
}

func decodeBytes(key string, value []byte) ([]byte, error) {
	if value == nil || len(value) > 0 && value[0] == '{' {
		return value, nil
	}
	var b []byte
	return b, decode(key, value, &b)
}

// encode returns the JSON of v, which must have one.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Errorf("encode %T: %w", v, err))
	}
	return text
}

// decode reads the value of a row into v. Its error names the row but nothing
// of what is in it.
func decode(key string, value []byte, v any) error {
	if err := json.Unmarshal(value, v); err != nil {
		return fmt.Errorf("row %s of auth_data is damaged: %w", key, err)
	}
	return nil
}
