// Command nocgo writes a value with package lf and reads it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/pow"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if _, err := pow.Solve(ctx, nil, 1, 1, nil); err != pow.ErrUnavailable {
		return fmt.Errorf("this was built with cgo: %w", err)
	}
	db, err := lf.Open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := lf.ParseKey("nocgo#1")
	if err != nil {
		return err
	}
	if _, err := db.Set(ctx, key, []byte("worked elsewhere")); err != nil {
		return err
	}
	answer, err := db.Get(ctx, key)
	if err != nil {
		return err
	}
	fmt.Println(string(answer.Value))
	return nil
}
