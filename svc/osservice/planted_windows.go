package osservice

import (
	"io/fs"
	"path/filepath"
	"slices"

	"golang.org/x/sys/windows"
)

// planted is a file in a folder, or the folder itself, that leads elsewhere or that somebody owns who is none of these: whoever
// owns a file can change it whatever its folder says. It is "" when there is none.
func planted(folder string, trusted []*windows.SID) (path string, err error) {
	err = filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if leadsElsewhere(name) || !ownedBy(name, trusted) {
			path = name
			return filepath.SkipAll
		}
		return nil
	})
	return path, err
}

func leadsElsewhere(path string) bool {
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return true
	}
	attributes, err := windows.GetFileAttributes(name)
	return err == nil && attributes&windows.FILE_ATTRIBUTE_REPARSE_POINT != 0
}

// ownedBy also passes over a file whose owner can't be told, as on file systems that know none.
func ownedBy(path string, trusted []*windows.SID) bool {
	about, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return true
	}
	owner, _, err := about.Owner()
	return err != nil || owner == nil || slices.ContainsFunc(trusted, owner.Equals)
}

// trusted are the owners that files of a service may have: the system, administrators, the service, and who installs it.
func trusted(name string) (all []*windows.SID, err error) {
	for _, text := range []string{"S-1-5-18", "S-1-5-32-544", serviceSID(name)} {
		sid, err := windows.StringToSid(text)
		if err != nil {
			return nil, err
		}
		all = append(all, sid)
	}
	if me, err := windows.GetCurrentProcessToken().GetTokenUser(); err == nil {
		all = append(all, me.User.Sid)
	}
	return all, nil
}

// refusePlanted says that somebody else was at the folder of a service before there was one.
func refusePlanted(path string, s *Service) error {
	return &CommandError{Line: `icacls "` + path + `"`, What: path + " was made by somebody who is no administrator, or leads elsewhere: move " + s.Data + " away, look at what is in it, and install again"}
}
