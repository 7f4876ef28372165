package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"
)

// browserFails is how soon a program that cannot open a file says so.
const browserFails = time.Second

// browserCommand is the program that opens a file in the user's browser, with its first arguments.
func browserCommand() []string {
	if named := os.Getenv("BROWSER"); named != "" {
		return []string{named}
	}
	switch runtime.GOOS {
	case "darwin":
		return []string{"open"}
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler"}
	}
	return []string{"xdg-open"}
}

// openInBrowser opens a file in the user's browser, which outlives this command. It returns an
// error where that fails at once.
func openInBrowser(ctx context.Context, path string) error {
	args := append(browserCommand(), path)
	if _, err := exec.LookPath(args[0]); err != nil {
		return fmt.Errorf("no browser is known here (there is no program %s)", args[0])
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:gosec // the user's own browser
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", args[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return fmt.Errorf("%s opens nothing (%w)", args[0], err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(browserFails): // a browser that goes on running
		return nil
	}
}
