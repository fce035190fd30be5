package store

// heir is nobody where files inherit the folder's rights.
type heir struct{}

func heirOf(string) *heir { return nil }

func (*heir) take(...string) error { return nil }
