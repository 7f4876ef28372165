// Command fill brings the home of a node to a number of synthetic records. So a large node can be
// measured and tried by hand.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/lf-store/lf/internal/synthetic"
	"github.com/lf-store/lf/internal/synthetic/synthetichome"
)

func main() {
	records := flag.Int("records", 1_000_000, "how many records the home is to have; those that it has count")
	mix := synthetic.Series()
	flag.IntVar(&mix.Owners, "owners", mix.Owners, "how many owners write, in turn")
	flag.IntVar(&mix.Ordinals, "ordinals", mix.Ordinals, "how many records are under one name; 1: each has a name of its own")
	flag.IntVar(&mix.UnderWay, "under-way", mix.UnderWay, "how many records are made at a time, and do not see each other")
	flag.IntVar(&mix.Updates, "updates", mix.Updates, "one record in this many is a new version under an earlier key; 0: none")
	flag.BoolVar(&mix.Unsigned, "unsigned", false, "make records of hashes in place of signatures, for a store alone: no other node takes them")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: fill [FLAGS] DIRECTORY\n\nBrings a home to a number of records that are the same each time. It can be interrupted and run again.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := synthetichome.Fill(ctx, flag.Arg(0), mix, *records, report(*records)); err != nil {
		fmt.Fprintln(os.Stderr, "fill:", err)
		os.Exit(1)
	}
}

// report says every ten seconds how far the home is.
func report(total int) func(done int) {
	said := time.Now()
	return func(done int) {
		if done == total || time.Since(said) > 10*time.Second {
			said = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d records\n", done, total)
		}
	}
}
