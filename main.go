// Command wamux is a WhatsApp multi-session gateway in one static binary.
package main

import (
	"os"

	"wamux/svc"
)

func main() {
	os.Exit(svc.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
