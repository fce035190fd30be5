//go:build !unix

package svc

// privateFiles has nothing to do where files inherit the folder's ACL.
func privateFiles() {}
