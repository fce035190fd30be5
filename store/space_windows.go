package store

import "golang.org/x/sys/windows"

// freeSpace returns how many bytes this user may still write to the disk of a
// folder.
func freeSpace(folder string) (int64, error) {
	name, err := windows.UTF16PtrFromString(folder)
	if err != nil {
		return 0, err
	}
	var free uint64
	err = windows.GetDiskFreeSpaceEx(name, &free, nil, nil)
	return int64(free), err
}

// writable is not known there without opening the file, which would drop the locks on it.
func writable(string) bool { return true }
