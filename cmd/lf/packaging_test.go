package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/node"
)

// directives returns what a Containerfile or a unit file says under a name, one string a line of
// it.
func directives(t *testing.T, path, name string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(strings.ReplaceAll(string(text), "\\\n", " ")) {
		if rest, ok := strings.CutPrefix(line, name); ok && strings.IndexAny(rest, " =") == 0 {
			all = append(all, strings.TrimSpace(rest[1:]))
		}
	}
	return all
}

func directive(t *testing.T, path, name string) string {
	t.Helper()
	all := directives(t, path, name)
	if len(all) != 1 {
		t.Fatalf("%s has %d lines of %s, want 1", path, len(all), name)
	}
	return all[0]
}

// wantCommand holds that lf has a command, with the flags that are given.
func wantCommand(t *testing.T, args []string) {
	t.Helper()
	cmd, rest, err := (&cli{stdout: io.Discard, stderr: io.Discard}).rootCommand().Find(args)
	if err == nil && !cmd.Runnable() {
		err = fmt.Errorf("lf has no command %q", args)
	}
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err != nil {
		t.Errorf("lf %s: %v", strings.Join(args, " "), err)
	}
}

func words(t *testing.T, list string) (words []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(list), &words); err != nil {
		t.Fatalf("%s: %v", list, err)
	}
	return words
}

// TestContainerfile holds the image's description against the program that is in it.
func TestContainerfile(t *testing.T) {
	t.Parallel()
	const file = "../../packaging/Containerfile"
	ports := []string{fmt.Sprintf("%d/tcp", node.Port), fmt.Sprintf("%d/udp", node.Port), fmt.Sprintf("%d/tcp", node.WebSocketPort)}
	if got := strings.Fields(directive(t, file, "EXPOSE")); !slices.Equal(got, ports) {
		t.Errorf("it exposes %q, a node listens on %q", got, ports)
	}
	if user := directive(t, file, "USER"); !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("it runs as %q, want the numbers of a user that is not root", user)
	}
	if home, volume := "LF_HOME="+directive(t, file, "VOLUME"), directive(t, file, "ENV"); !slices.Contains(strings.Fields(volume), home) {
		t.Errorf("the volume is not the home: %s, %s", home, volume)
	}
	if got := words(t, directive(t, file, "ENTRYPOINT")); !slices.Equal(got, []string{"lf"}) {
		t.Errorf("it starts %q", got)
	}
	wantCommand(t, words(t, directive(t, file, "CMD")))
	_, health, _ := strings.Cut(directive(t, file, "HEALTHCHECK"), "CMD ")
	wantCommand(t, words(t, health)[1:])

	goMod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	needs := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(goMod))
	if from := directives(t, file, "FROM")[0]; needs == nil || !strings.Contains(from, "golang:"+needs[1]+"-") {
		t.Errorf("it is built %s, go.mod wants %q", from, needs)
	}
}

// TestService does the same for systemd's unit.
func TestService(t *testing.T) {
	t.Parallel()
	const file = "../../packaging/lf.service"
	start := strings.Fields(directive(t, file, "ExecStart"))
	if !strings.HasSuffix(start[0], "/bin/lf") || start[len(start)-1] != "$LF_NODE_FLAGS" {
		t.Errorf("it starts %q", start)
	}
	wantCommand(t, start[1:len(start)-1])
	if folder, env := directive(t, file, "StateDirectory"), directive(t, file, "Environment"); env != "LF_HOME=/var/lib/"+folder {
		t.Errorf("the home is not its folder: %s, %s", env, folder)
	}
	if user := directive(t, file, "User"); user == "root" || !strings.HasPrefix(directive(t, "../../packaging/lf.sysusers", "u"), user+" ") {
		t.Errorf("it runs as %q, whom lf.sysusers does not make", user)
	}
}

// TestOperationsCommands holds that the commands in docs/operations.md have the flags that they are
// given.
func TestOperationsCommands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, cmd := range (&cli{}).rootCommand().Commands() {
		names = append(names, cmd.Name())
	}
	command := regexp.MustCompile(`\blf ((?:--(?:home|api) \S+ )?(?:` + strings.Join(names, "|") + ")\\b[^`|&\n]*)")
	found := command.FindAllStringSubmatch(string(text), -1)
	if len(found) < 20 {
		t.Fatalf("only %d commands were found", len(found))
	}
	for _, f := range found {
		wantCommand(t, strings.Fields(f[1]))
	}
}
