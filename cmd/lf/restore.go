package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/backup"
	"github.com/lf-store/lf/node/home"
)

func (c *cli) restoreCommand() *cobra.Command {
	var same bool
	cmd := &cobra.Command{
		Use:   "restore FILE|-",
		Short: "Make a home of a backup",
		Long: `Make a home of a file that lf backup wrote. The home must not be there yet.

The node gets a new peer ID, for two nodes with the same one disturb each other. Seed addresses and elections of it as an oracle
name the old one: where that node never runs again, --same-identity keeps its peer ID.

The files' checksums are compared. lf check looks into the records themselves.`,
		Example: `  lf restore lf-2026-11-30.tar
  gpg -d lf.tar.gpg | lf --home /srv/lf restore - --same-identity`,
		Args: between(1, 1, "one FILE, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			h, err := c.openHome()
			if err != nil {
				return err
			}
			return c.restore(h, args[0], same)
		},
	}
	cmd.Flags().BoolVar(&same, "same-identity", false, "keep the node's peer ID: the node of the backup never runs again")
	return cmd
}

func (c *cli) restore(h *home.Home, name string, same bool) (err error) {
	if err := checkFree(h.Dir()); err != nil {
		return err
	}
	from, _, err := openArchive(name, c.stdin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	meter := c.byteMeter(0)
	manifest, err := restoreInto(h.Dir(), meter.reader(from), same)
	meter.end(err == nil)
	if err != nil {
		return err
	}
	if !manifest.Secrets {
		c.note("the backup is without keys: nobody can update what its owners wrote")
	}
	if !same {
		c.note("the node will have a new peer ID")
	}
	if c.quiet {
		return nil
	}
	return c.printf("%s is as it was on %s\n", h.Dir(), manifest.Made.Local().Format("2006-01-02 15:04:05"))
}

// checkFree wants no home to be where one is to be made; an empty folder is none.
func checkFree(dir string) error {
	switch entries, err := os.ReadDir(dir); {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return fmt.Errorf("restore: %w", err)
	}
	return fmt.Errorf("%s is there already and is not replaced: choose another --home, or move it away", dir)
}

// restoreInto makes a home that is there only when it is whole.
func restoreInto(dir string, from io.Reader, same bool) (m *backup.Manifest, err error) {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	part, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+".*.part")
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	m, err = backup.Read(from, part, func(name string) bool { return same || name != home.IdentityFile })
	if err = errors.Join(err, home.KeepOutOfGit(part), syncFiles(part)); err != nil {
		return nil, err
	}
	_ = os.Remove(dir) // an empty folder
	if err := os.Rename(part, dir); err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	return m, nil
}

// syncFiles makes all files in a folder durable.
func syncFiles(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
