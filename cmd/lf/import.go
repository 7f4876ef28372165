package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

func (c *cli) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE...|-",
		Short: "Have the node take in the records of files",
		Long: `Have the node take in the records of files that lf export wrote, on this node or another one. Whoever made a file need not be
trusted: the node checks each record like one from a peer, and takes only those of its network.

It ends at the first record that is wrong; the records before it stay. After an interruption the same command goes on: what
the node has costs it little.`,
		Example: `  lf import all.car
  zstd -dc all.car.zst | lf import -`,
		Args: between(1, -1, "at least one FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.importFiles(cmd.Context(), args) },
	}
}

func (c *cli) importFiles(ctx context.Context, names []string) error {
	client, err := c.connect(ctx, writing)
	if err != nil {
		return err
	}
	defer client.Close()
	for _, name := range names {
		start := time.Now()
		done, err := c.importFile(ctx, client, name)
		if name == "-" {
			name = "standard input"
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := c.printImported(importSummary{name, *done, time.Since(start).Seconds()}); err != nil {
			return err
		}
	}
	return nil
}

func (c *cli) importFile(ctx context.Context, client *lf.Client, name string) (*api.Imported, error) {
	file, size, err := openArchive(name, c.stdin)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	meter := c.byteMeter(size)
	done, err := client.Import(ctx, meter.reader(file))
	meter.end(err == nil)
	return done, err
}

// openArchive opens a file, or standard input. The size is 0 where it is not known.
func openArchive(name string, stdin io.Reader) (f io.ReadCloser, size int64, err error) {
	if name == "-" {
		return io.NopCloser(stdin), 0, nil
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	return file, size, nil
}

// importSummary is the result of import of a file in JSON output.
type importSummary struct {
	File string `json:"file"`
	api.Imported
	Seconds float64 `json:"seconds"`
}

func (c *cli) printImported(i importSummary) error {
	switch {
	case c.json:
		return c.printJSON(i)
	case c.quiet:
		return nil
	}
	return c.printf("%d of %s are new (%s, %.1f s)\n", i.Added, text.Count(i.Records, "record", "records"), i.File, i.Seconds)
}

// importInto takes files into a node that has just started, and logs what becomes of them. A file
// that is wrong does not end the node.
func importInto(ctx context.Context, node *lf.Client, files []string, log *slog.Logger) error {
	for _, name := range files {
		log.Info("an import begins", "file", name)
		file, _, err := openArchive(name, nil)
		if err == nil {
			var done *api.Imported
			if done, err = node.Import(ctx, file); err == nil {
				log.Info("imported", "file", name, "records", done.Records, "added", done.Added)
			}
			_ = file.Close() // it was only read
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			log.Error("an import ended early", "file", name, "error", err)
		}
	}
	return nil
}
