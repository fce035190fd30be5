package svc

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// readDotenv returns the pairs of a .env file; a missing file is an empty one.
func readDotenv(name string) (map[string]string, error) {
	file, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s can't be read: check that this user may open it", name)
	}
	defer file.Close()
	return parseDotenv(file)
}

func parseDotenv(r io.Reader) (map[string]string, error) {
	pairs := map[string]string{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimPrefix(lines.Text(), "\ufeff") // Windows editors begin a file with it
		line := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "export "))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf(".env line %d has no =: write NAME=value", n)
		}
		pairs[strings.TrimSpace(name)] = unquote(strings.TrimSpace(value))
	}
	if lines.Err() != nil {
		return nil, errors.New(".env can't be read to its end: it should be short lines of NAME=value")
	}
	return pairs, nil
}

// unquote takes off one pair of quotes, or a comment behind a bare value.
func unquote(v string) string {
	if len(v) > 1 && (v[0] == '"' || v[0] == '\'') {
		if end := strings.IndexByte(v[1:], v[0]); end >= 0 {
			return v[1 : 1+end]
		}
	}
	if i := strings.Index(v, " #"); i >= 0 {
		v = strings.TrimSpace(v[:i])
	}
	return v
}
