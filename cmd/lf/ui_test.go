package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/ui/uitest"
)

// TestUI: lf ui opens the page in a real browser, from a file, with the right to write. The browser
// is given the file's name alone. lf ui rm takes the right back, and so does a restart of the node.
func TestUI(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the test has a shell script in place of a browser")
	}
	b := uitest.New(t)
	dir := t.TempDir()
	opened, program := filepath.Join(dir, "opened"), filepath.Join(dir, "browser")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nprintf %s \"$*\" > "+opened+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("BROWSER", program)
	home := filepath.Join(dir, "home")
	n := startNode(t, home, "--network", newNetworkFile(t), "--offline", "--api-private")
	visit := func() {
		t.Helper()
		mustRun(t, "", "ui", "--home", home)
		name, err := os.ReadFile(opened)
		if err != nil || string(name) != filepath.Join(home, "ui.html") {
			t.Fatalf("the browser was called with %q, %v", name, err)
		}
		url, _, err := awaitNode(home)
		if err != nil {
			t.Fatal(err)
		}
		b.Allow(strings.TrimPrefix(url, "http://"))
		b.Visit("about:blank")
		b.Do(uitest.Navigate("file://" + string(name)))
		b.UntilText("#session", "You may write")
		b.UntilText("#sync-state", "Offline")
		if at := uitest.Eval[string](b, "location.href"); at != url+"/#status" {
			t.Errorf("the page is at %s", at)
		}
	}
	visit()
	mustRun(t, "", "ui", "rm", "--all", "--home", home)
	b.UntilText("#session", "Read only")
	b.UntilText("#notice", "lf ui")

	visit()
	n.stop(os.Interrupt)
	b.UntilText("#notice", "does not answer")
	startNode(t, home, "--offline", "--api-private")
	visit() // the new node has another port and knows another token
}
