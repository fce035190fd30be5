//go:build !unix

package svc

// noCoreDumps has nothing to do where no dumps are written unless somebody asks for them.
func noCoreDumps() {}
