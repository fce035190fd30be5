//go:build !unix

package svc

import "time"

func cpuTime() time.Duration { return unknownTime }

func residentBytes() int64 { return unknown }

func descriptors() (open, most int64) { return unknown, unknown }
