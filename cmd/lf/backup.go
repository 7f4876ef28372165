package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/backup"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
	"github.com/lf-store/lf/store"
)

func (c *cli) backupCommand() *cobra.Command {
	var withoutKeys bool
	cmd := &cobra.Command{
		Use:   "backup FILE|-",
		Short: "Copy the home, keys and records, to one file",
		Long: `Copy the home to one file: the owners' keys, the node's key, the settings, and all records as of one moment. The node may run
meanwhile. lf restore makes a home of it again. Keep the file as safe as the keys: it signs for your owners.

--without-keys leaves out the keys of owners and node, the token of the API and the names in clear (lf ls). The network's file
stays, and with it the secret of a private network.`,
		Example: `  lf backup lf-2026-11-30.tar
  lf backup - | gpg -c > lf.tar.gpg`,
		Args: between(1, 1, "one FILE, or - for standard output"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := c.existingHome()
			if err != nil {
				return err
			}
			return c.backup(cmd.Context(), h, args[0], !withoutKeys)
		},
	}
	cmd.Flags().BoolVar(&withoutKeys, "without-keys", false, "leave out what is secret")
	return cmd
}

func (c *cli) backup(ctx context.Context, h *home.Home, name string, secrets bool) (err error) {
	network, _, err := h.Network()
	if err != nil {
		return err
	}
	start := time.Now()
	if name == "-" {
		return copyHome(ctx, c.stdout, h, network, os.TempDir(), secrets)
	}
	if err := checkNew(name); err != nil {
		return err
	}
	meter := c.byteMeter(0)
	err = newFile(name, func(w io.Writer) error {
		return copyHome(ctx, meter.writer(w), h, network, filepath.Dir(name), secrets)
	})
	meter.end(err == nil)
	if err != nil {
		return err
	}
	return c.printWrittenFile(writtenFile{File: name, Bytes: meter.bytes, Seconds: time.Since(start).Seconds()})
}

// copyHome writes a backup. The database is copied to a folder first, for as long as that takes.
func copyHome(ctx context.Context, w io.Writer, h *home.Home, network *protocol.Network, folder string, secrets bool) (err error) {
	if !h.HasDatabase() {
		return backup.Write(w, h, network.ID(), "", secrets)
	}
	dir, err := os.MkdirTemp(folder, ".lf-backup-*")
	if err != nil {
		return fmt.Errorf("a place for a copy of the database: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	database := filepath.Join(dir, filepath.Base(h.Database()))
	if err := store.Backup(ctx, h.Database(), database, network); err != nil {
		return err
	}
	return backup.Write(w, h, network.ID(), database, secrets)
}

// writtenFile is what export and backup tell in JSON output.
type writtenFile struct {
	File    string  `json:"file"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

func (c *cli) printWrittenFile(f writtenFile) error {
	switch {
	case c.json:
		return c.printJSON(f)
	case c.quiet:
		return nil
	}
	return c.printf("%s written to %s in %.1f s\n", text.Size(uint64(f.Bytes)), f.File, f.Seconds)
}
