package main

import (
	"bytes"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// maxMaskingKey bounds the file that holds a masking key, in bytes.
const maxMaskingKey = 4 << 10

// masking is where a masking key comes from. It is no flag of its own: other users see command
// lines.
type masking struct{ file string }

func (m *masking) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&m.file, "mask-file", "", "file with a masking key: values can then be read with it only (or LF_MASK)")
}

// given reports whether a masking key was asked for.
func (m *masking) given() bool { return m.file != "" || os.Getenv("LF_MASK") != "" }

// key returns the masking key, "" when there is none.
func (m *masking) key() (string, error) {
	if m.file == "" {
		return os.Getenv("LF_MASK"), nil
	}
	f, err := os.Open(m.file)
	if err != nil {
		return "", fmt.Errorf("masking key: %w", err)
	}
	defer f.Close()
	text, err := readAtMost(f, maxMaskingKey)
	if err != nil {
		return "", fmt.Errorf("masking key: %s: %w", m.file, err)
	}
	// An editor's newline at the end is not part of the key.
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if len(text) == 0 {
		return "", fmt.Errorf("masking key: %s is empty", m.file)
	}
	return string(text), nil
}
