package store

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sector is what a disk writes whole.
const sector = 512

// image makes, in a new folder, what the disk may hold when the power goes at
// moment cut, and returns the path of the database in it. All that a sync had
// confirmed is there. Each write since may be there, gone, or there in parts; the
// same goes for a change of a file's length. Names are as a journal keeps them:
// those since the last sync of the folder are there up to some point.
func (r *recording) image(tb testing.TB, cut int, chance *rand.Rand) string {
	files, names := map[int][]byte{}, map[string]int{}
	keepNames := true
	for _, e := range r.effects {
		if e.at > cut {
			continue
		}
		safe := r.synced(e, cut)
		switch {
		case e.where() != folder:
			if kept, ok := luck(safe, chance); ok {
				files[e.file] = e.apply(files[e.file], kept)
			}
		case safe || keepNames && chance.IntN(3) > 0:
			e.rename(names)
		default:
			keepNames = false
		}
	}
	return lay(tb, names, files)
}

// synced tells whether a sync had confirmed an effect before the cut.
func (r *recording) synced(e effect, cut int) bool {
	for _, s := range r.syncs {
		if s.file == e.where() && s.begin > e.done && s.end <= cut {
			return true
		}
	}
	return false
}

// luck says whether an effect gets to the disk, and for a write which of its
// sectors do.
func luck(safe bool, chance *rand.Rand) (kept func() bool, ok bool) {
	fate := chance.IntN(3)
	switch {
	case safe || fate == 0:
		return func() bool { return true }, true
	case fate == 1:
		return nil, false
	}
	return func() bool { return chance.IntN(2) == 0 }, true
}

// apply changes the content of a file.
func (e effect) apply(content []byte, kept func() bool) []byte {
	if e.kind == toTruncate {
		return resize(content, int(e.offset))
	}
	at := int(e.offset)
	if e.offset == atEnd {
		at = len(content)
	}
	content = resize(content, max(len(content), at+len(e.data)))
	for data := e.data; len(data) > 0; {
		n := min(sector-at%sector, len(data)) // sectors are those of the file
		if kept() {
			copy(content[at:], data[:n])
		}
		at, data = at+n, data[n:]
	}
	return content
}

func resize(content []byte, size int) []byte {
	if size <= len(content) {
		return content[:size] // what grows again is zero, because append writes it
	}
	return append(content, make([]byte, size-len(content))...)
}

// rename applies an effect to the folder.
func (e effect) rename(names map[string]int) {
	switch e.kind {
	case toCreate:
		names[e.name] = e.file
	case toRename:
		if file, ok := names[e.name]; ok {
			names[e.to] = file
			delete(names, e.name)
		}
	case toUnlink:
		delete(names, e.name)
	}
}

// memory is a folder in memory, if there is one: images are many, and need no disk.
const memory = "/dev/shm"

// lay writes an image to a folder, which the caller removes. The index of the log
// lives in memory and does not outlast the power.
func lay(tb testing.TB, names map[string]int, files map[int][]byte) (path string) {
	dir, err := os.MkdirTemp(memory, "wamux-image")
	if err != nil {
		dir = tb.TempDir()
	}
	for name, file := range names {
		if strings.HasSuffix(name, "-shm") {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), files[file], 0o600); err != nil {
			tb.Error(err)
		}
	}
	return filepath.Join(dir, "wamux.db")
}
