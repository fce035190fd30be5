package store

import "fmt"

// besides are the ends of the names of all that may lie beside a database and belongs to it.
func besides() []string {
	return []string{"-wal", "-shm", "-wal" + staleEnd, "-shm" + staleEnd, ".epoch", ".lock", ".reserve"}
}

// takeAll is take for the databases at these paths, with all that belongs to them.
func (h *heir) takeAll(paths ...string) error {
	var all []string
	for _, path := range paths {
		if path == "" {
			continue
		}
		all = append(all, path)
		for _, end := range besides() {
			all = append(all, path+end)
		}
	}
	return h.take(all...)
}

func errNotGiven(path string, cause error) error {
	return &Error{Code: CodeReadOnly, Name: "owner_not_kept", Message: fmt.Sprintf("The file %s now belongs to root, and its owner should be that of the database", path), Hint: "Give it to that user with chown.", Err: cause}
}
