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
)

func (c *cli) exportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "export FILE|-",
		Short: "Write all records of the node to a file",
		Long: `Write all records that the node has, with all their ancestors, to a file that another node can take in: lf import, or
lf node --import. The file holds the records as they travel: names stay blinded, sealed values sealed, and no keys are in it.

It is a CAR file (version 1), which the tools of the InterPlanetary File System read, too. Parents stand before their children.`,
		Example: `  lf export all.car
  lf export - | zstd > all.car.zst`,
		Args: between(1, 1, "one FILE, or - for standard output"),
		RunE: func(cmd *cobra.Command, args []string) error { return c.export(cmd.Context(), args[0]) },
	}
}

func (c *cli) export(ctx context.Context, name string) error {
	if name != "-" {
		if err := checkNew(name); err != nil {
			return err
		}
	}
	client, err := c.connect(ctx, writing)
	if err != nil {
		return err
	}
	defer client.Close()
	meter := c.byteMeter(0)
	start := time.Now()
	if name == "-" {
		err = client.Export(ctx, meter.writer(c.stdout))
	} else {
		err = newFile(name, func(w io.Writer) error { return client.Export(ctx, meter.writer(w)) })
	}
	meter.end(err == nil)
	if err != nil || name == "-" {
		return err
	}
	return c.printWrittenFile(writtenFile{File: name, Bytes: meter.bytes, Seconds: time.Since(start).Seconds()})
}

// newFile writes a new file, which has its name only when it is whole, and is readable by its user
// alone.
func newFile(name string, write func(io.Writer) error) (err error) {
	part, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.part")
	if err != nil {
		return fmt.Errorf("write the file: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part.Name()))
		}
	}()
	if err = write(part); err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return err
	}
	if err := checkNew(name); err != nil {
		return err
	}
	if err := os.Rename(part.Name(), name); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
