package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lf-store/lf/internal/proxy"
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
	return only(t, path+", "+name, directives(t, path, name))
}

func only(t *testing.T, what string, list []string) string {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("%s: %d lines, want 1", what, len(list))
	}
	return list[0]
}

// stage returns the part of a Containerfile that makes a target, as a file of its own.
func stage(t *testing.T, path, target string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(text), " AS "+target+"\n")
	if !found {
		t.Fatalf("%s has no target %s", path, target)
	}
	part, _, _ = strings.Cut(part, "\nFROM ")
	file := filepath.Join(t.TempDir(), target)
	if err := os.WriteFile(file, []byte(part), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
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
	targets := directives(t, file, "FROM")
	if last := targets[len(targets)-1]; last != "base AS node" {
		t.Errorf("without a target it builds %q", last)
	}
	ofNode, ofProxy := stage(t, file, "node"), stage(t, file, "proxy")
	ports := []string{fmt.Sprintf("%d/tcp", node.Port), fmt.Sprintf("%d/udp", node.Port), fmt.Sprintf("%d/tcp", node.WebSocketPort)}
	if got := strings.Fields(directive(t, ofNode, "EXPOSE")); !slices.Equal(got, ports) {
		t.Errorf("it exposes %q, a node listens on %q", got, ports)
	}
	_, port, _ := strings.Cut(proxy.DefaultListen, ":")
	if got := directive(t, ofProxy, "EXPOSE"); got != port+"/tcp" {
		t.Errorf("it exposes %q, a proxy listens on %q", got, port)
	}
	if user := directive(t, file, "USER"); !regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`).MatchString(user) {
		t.Errorf("it runs as %q, want the numbers of a user that is not root", user)
	}
	if home, volume := "LF_HOME="+directive(t, file, "VOLUME"), directive(t, file, "ENV"); !slices.Contains(strings.Fields(volume), home) {
		t.Errorf("the volume is not the home: %s, %s", home, volume)
	}
	if got := words(t, directive(t, ofNode, "ENTRYPOINT")); !slices.Equal(got, []string{"lf"}) {
		t.Errorf("it starts %q", got)
	}
	wantCommand(t, words(t, directive(t, ofNode, "CMD")))
	if got := words(t, directive(t, ofProxy, "ENTRYPOINT")); !slices.Equal(got, []string{"lf", "proxy"}) {
		t.Errorf("it starts %q", got)
	}
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

// TestService does the same for systemd's units.
func TestService(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ command, flags string }{"lf": {"node", "$LF_NODE_FLAGS"}, "lf-proxy": {"proxy", "$LF_PROXY_FLAGS"}} {
		t.Run(name, func(t *testing.T) {
			file, users := "../../packaging/"+name+".service", "../../packaging/"+name+".sysusers"
			start := strings.Fields(directive(t, file, "ExecStart"))
			if !strings.HasSuffix(start[0], "/bin/lf") || start[1] != c.command || start[len(start)-1] != c.flags {
				t.Errorf("it starts %q", start)
			}
			wantCommand(t, start[1:len(start)-1])
			if folder, env := directive(t, file, "StateDirectory"), directive(t, file, "Environment"); env != "LF_HOME=/var/lib/"+folder {
				t.Errorf("the home is not its folder: %s, %s", env, folder)
			}
			if user := directive(t, file, "User"); user == "root" || !strings.HasPrefix(directive(t, users, "u"), user+" ") {
				t.Errorf("it runs as %q, whom %s does not make", user, users)
			}
			if analyze, err := exec.LookPath("systemd-analyze"); err == nil {
				verifyUnit(t, analyze, file)
			}
		})
	}
}

// verifyUnit has systemd read a unit. That the program is not installed, and that no manual page
// is, is none of the unit's faults.
func verifyUnit(t *testing.T, analyze, file string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, filepath.Base(file)) && !strings.Contains(line, "is not executable") && !strings.Contains(line, "No such file") {
			t.Errorf("%v: %s", err, line)
		}
	}
}

// TestOperationsCommands holds that the commands in pages on operation have the flags that they are
// given.
func TestOperationsCommands(t *testing.T) {
	t.Parallel()
	var names []string
	for _, cmd := range (&cli{}).rootCommand().Commands() {
		names = append(names, cmd.Name())
	}
	command := regexp.MustCompile(`\blf ((?:--(?:home|api) \S+ )?(?:` + strings.Join(names, "|") + ")\\b[^`|&;\n]*)")
	for page, atLeast := range map[string]int{"operations": 20, "proxy": 12} {
		text, err := os.ReadFile("../../docs/" + page + ".md")
		if err != nil {
			t.Fatal(err)
		}
		found := command.FindAllStringSubmatch(string(text), -1)
		if len(found) < atLeast {
			t.Fatalf("%s: only %d commands were found", page, len(found))
		}
		for _, f := range found {
			wantCommand(t, strings.Fields(f[1]))
		}
	}
}
