package knownhosts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// remembered is how long an answer is kept for the process that asked.
const remembered = time.Minute

// Memory keeps answers for the ssh process that runs the command, in a folder of the user's. It is
// a convenience: where the folder cannot be used nothing is kept.
type Memory struct {
	folder string
	file   string // of this question of this process
}

// NewMemory returns the memory for one question of a process. The question is all that the answer
// depends on. Of a process other than ssh nothing is kept: whoever asks by hand wants what is true
// now.
func NewMemory(process int, question ...string) *Memory {
	folder, err := os.UserCacheDir()
	if err != nil || !isSSH(process) {
		return &Memory{}
	}
	folder = filepath.Join(folder, "lf", "ssh")
	sum := sha256.Sum256([]byte(strings.Join(question, "\x00")))
	return &Memory{folder, filepath.Join(folder, fmt.Sprintf("%d-%s", process, hex.EncodeToString(sum[:16])))}
}

// isSSH reports whether a process is ssh.
func isSSH(process int) bool {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", process))
	if err != nil {
		name, err = exec.Command("ps", "-o", "comm=", "-p", strconv.Itoa(process)).Output()
	}
	return err == nil && filepath.Base(strings.TrimSpace(string(name))) == "ssh"
}

// Recall returns what was answered a moment ago.
func (m *Memory) Recall() (answer string, known bool) {
	if m.folder == "" {
		return "", false
	}
	info, err := os.Stat(m.file)
	if err != nil || time.Since(info.ModTime()) > remembered || time.Until(info.ModTime()) > 0 {
		return "", false
	}
	text, err := os.ReadFile(m.file)
	return string(text), err == nil
}

// Keep keeps an answer for a moment, and drops older ones.
func (m *Memory) Keep(answer string) error {
	if m.folder == "" {
		return nil
	}
	if err := os.MkdirAll(m.folder, 0o700); err != nil {
		return err
	}
	m.dropOld()
	f, err := os.CreateTemp(m.folder, "new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(answer)
	if failed := f.Close(); err == nil {
		err = failed
	}
	if err == nil {
		err = os.Rename(f.Name(), m.file)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // the next answer drops it otherwise
	}
	return err
}

func (m *Memory) dropOld() {
	files, err := os.ReadDir(m.folder)
	if err != nil {
		return
	}
	for _, f := range files {
		if info, err := f.Info(); err == nil && time.Since(info.ModTime()) > remembered {
			_ = os.Remove(filepath.Join(m.folder, f.Name())) // another process may have
		}
	}
}
