package main

import "strings"

// target is a system that wamux is built for, and what its packages call it.
type target struct {
	os, arch, arm  string
	deb, rpm       string // architecture of the package; "" for none
	image, variant string // architecture and variant in the image; "" for none
}

// allTargets are those of a release. Debian's armhf gets the binary for ARMv6: Raspberry Pi OS calls the ARMv6 of its oldest
// boards armhf too, and on those one for ARMv7 dies at its first instruction, while every ARMv7 runs one for ARMv6. Debian's
// armel has no floating point unit, which Go's ARMv6 needs, and gets none. RPM has a name for each.
func allTargets() []target {
	return []target{
		{os: "linux", arch: "amd64", deb: "amd64", rpm: "x86_64", image: "amd64"},
		{os: "linux", arch: "arm64", deb: "arm64", rpm: "aarch64", image: "arm64", variant: "v8"},
		{os: "linux", arch: "arm", arm: "7", rpm: "armv7hl", image: "arm", variant: "v7"},
		{os: "linux", arch: "arm", arm: "6", deb: "armhf", image: "arm", variant: "v6"},
		{os: "windows", arch: "amd64"},
		{os: "windows", arch: "arm64"},
		{os: "darwin", arch: "amd64"},
		{os: "darwin", arch: "arm64"},
		{os: "freebsd", arch: "amd64"},
	}
}

// String is the name that people give it, such as linux/arm/7.
func (t target) String() string {
	return strings.TrimSuffix(t.os+"/"+t.arch+"/"+t.arm, "/")
}

// slug is its part of the name of a file, such as linux-armv7.
func (t target) slug() string {
	if t.arm != "" {
		return t.os + "-" + t.arch + "v" + t.arm
	}
	return t.os + "-" + t.arch
}

// program is the name of its binary.
func (t target) program() string {
	if t.os == "windows" {
		return "wamux.exe"
	}
	return "wamux"
}
