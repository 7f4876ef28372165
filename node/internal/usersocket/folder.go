package usersocket

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// MakeFolder makes a folder for a socket of the name given, which only this process's user can
// enter. It lies where the session keeps such things (XDG_RUNTIME_DIR), else among the temporary
// files. Nobody can foresee the folder's name.
func MakeFolder(socket string) (dir string, err error) {
	places := []string{os.TempDir(), "/tmp"}
	if session := os.Getenv("XDG_RUNTIME_DIR"); session != "" {
		places = append([]string{session}, places...)
	}
	var errs []error
	for _, place := range places {
		dir, err := os.MkdirTemp(place, "lf-")
		if err == nil && len(dir)+len(socket)+1 > MaxPath {
			err = errors.Join(fmt.Errorf("%s: the path is too long for a socket", dir), os.Remove(dir))
		}
		if err == nil {
			return dir, nil
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("a folder for the socket: %w", errors.Join(errs...))
}

// CheckFolder returns an error unless dir is a folder that only its owner can enter. The owner must
// be this user, root, or the one given.
func CheckFolder(dir string, owner int) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder", dir)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is open to other users (mode %04o)", dir, info.Mode().Perm())
	}
	return CheckOwner(dir, info, owner)
}

// CheckFile returns an error unless path is a regular file that only its owner can change. The
// owner must be this user, root, or the one given.
func CheckFile(path string, owner int) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file", path)
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("%s can be changed by other users (mode %04o)", path, info.Mode().Perm())
	}
	return CheckOwner(path, info, owner)
}

// CheckOwner returns an error unless a file belongs to this user, to root, or to the owner given.
func CheckOwner(path string, info fs.FileInfo, owner int) error {
	if user, known := ownerOf(info); known && user != owner && !trusted(user) {
		return fmt.Errorf("%s belongs to user %d, which is neither you nor the owner of %s", path, user, filepath.Dir(path))
	}
	return nil
}
