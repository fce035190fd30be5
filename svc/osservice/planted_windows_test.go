package osservice

import (
	"os"
	"path/filepath"
	"testing"
)

// TestPlanted: a folder that somebody else has made, or put a file into, is not trusted.
func TestPlanted(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "wamux.env")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	mine, err := trusted("wamux")
	if err != nil {
		t.Fatal(err)
	}
	if path, err := planted(folder, mine); path != "" || err != nil {
		t.Errorf("my own: got %q, %v", path, err)
	}
	if path, err := planted(folder, nil); path != folder || err != nil {
		t.Errorf("of others: got %q, %v", path, err)
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Skip(err) // who may not make links
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Skip("links do not show here") // in Wine
	}
	if path, err := planted(folder, mine); path != link || err != nil {
		t.Errorf("a link: got %q, %v", path, err)
	}
}
