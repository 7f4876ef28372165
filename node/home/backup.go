package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// loadFolder is where package lf keeps how far files were loaded.
const loadFolder = "load"

// What a backup holds, apart from the database. The secrets are for this user alone. A network's
// file is for everybody in the network.
var (
	plainFiles  = []string{networkFile, trustFile, tokensFile, clientsFile, peersFile, namesOffFile, defaultFile}
	secretFiles = []string{identityFile, tokenFile, namesFile}
	// folders have files of one kind; those of owners are secret.
	backupFolders = map[string]bool{ownersFolder: true, loadFolder: false}
)

// IdentityFile is the name of the node's key in a backup.
const IdentityFile = identityFile

// BackupFiles returns the names of the files here that a backup holds, slash-separated and sorted,
// the database apart. Secrets are the owners' and the node's keys, the API's token and the names in
// clear.
func (h *Home) BackupFiles(secrets bool) (names []string, err error) {
	for _, name := range append(slices.Clone(plainFiles), secretFiles...) {
		if info, err := os.Stat(h.path(name)); err == nil && info.Mode().IsRegular() {
			names = append(names, name)
		}
	}
	for folder := range backupFolders {
		entries, err := os.ReadDir(h.path(folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("home: %w", err)
		}
		for _, e := range entries {
			names = append(names, path.Join(folder, e.Name()))
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !IsBackupFile(name) || isSecret(name) && !secrets })
	slices.Sort(names)
	return names, nil
}

// IsBackupFile reports whether a file of this name may be in a backup: nothing else is written into
// a home.
func IsBackupFile(name string) bool {
	if slices.Contains(plainFiles, name) || slices.Contains(secretFiles, name) {
		return true
	}
	folder, base, ok := strings.Cut(name, "/")
	_, known := backupFolders[folder]
	return ok && known && base != "" && !strings.HasPrefix(base, ".") && !strings.ContainsAny(base, "/\\:\x00") && filepath.IsLocal(base)
}

func isSecret(name string) bool {
	folder, _, _ := strings.Cut(name, "/")
	return slices.Contains(secretFiles, name) || backupFolders[folder]
}
