package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/lf-store/lf/node/api"
)

// NodeAddress says where a full node's API is, and what it asks of those who write.
type NodeAddress struct {
	// Address is a URL or unix:PATH, as [ParseNode] returns it.
	Address string
	// Token is sent over TCP; it may be empty.
	Token string
}

// ParseNode reads the address of a node: http://HOST:PORT, https://HOST or unix:PATH. It returns
// one way of writing it.
func ParseNode(text string) (string, error) {
	socket := api.SocketURL("")
	if path, ok := strings.CutPrefix(text, socket); ok && path != "" {
		path, err := filepath.Abs(path)
		if err != nil {
			return "", fmt.Errorf("the node %s: %w", text, err)
		}
		return api.SocketURL(path), nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not the address of a node's API: want http://HOST:PORT, https://HOST or unix:PATH", text)
	}
	u.Host = strings.ToLower(u.Host)
	return strings.TrimRight(u.String(), "/"), nil
}

// maxTokenLines bounds a file of tokens: each line is an address and a token.
const maxTokenLines = 64 << 10

// ReadNodeTokens reads a file with a line for each node: its address and its token. Empty lines and
// those that begin with # are passed over. It returns the tokens by address.
func ReadNodeTokens(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the nodes' tokens: %w", err)
	}
	defer f.Close()
	tokens, err := readNodeTokens(io.LimitReader(f, maxTokenLines+1))
	if err != nil {
		return nil, fmt.Errorf("the nodes' tokens: %s: %w", path, err)
	}
	return tokens, nil
}

func readNodeTokens(r io.Reader) (map[string]string, error) {
	tokens := map[string]string{}
	size, number := 0, 0
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		number++
		if size += len(lines.Bytes()) + 1; size > maxTokenLines {
			return nil, errors.New("the file is too large to be what it should be")
		}
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		words := strings.Fields(line)
		if len(words) != 2 {
			return nil, fmt.Errorf("line %d: want a node's address and its token, with a space between", number)
		}
		address, err := ParseNode(words[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: the first word is no node's address (http://HOST:PORT or unix:PATH)", number)
		}
		if _, twice := tokens[address]; twice {
			return nil, fmt.Errorf("line %d: a second token of the node %s", number, address)
		}
		tokens[address] = words[1]
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("after line %d: %w", number, err)
	}
	return tokens, nil
}
