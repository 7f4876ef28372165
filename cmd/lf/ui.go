package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
)

func (c *cli) uiCommand() *cobra.Command {
	var printed bool
	cmd := &cobra.Command{
		Use:   "ui",
		Short: "Open the node's page in a browser, with the right to write",
		Long: `Open the page of the running node, or proxy, in a browser. Without this command the page is at the node's HTTP address, and shows
what this machine may read. With it, the browser may also set, delete and release, and elect oracles: for 12 hours, until the
node ends, or until lf ui rm. The browser never gets a secret key, nor the node's own token.

The command writes a file into the home that only you can read (ui.html), and opens that. It forwards to the page, with the token
of the session after the # of the address, which is never sent. The page keeps the token in memory: a page that is loaded again
may only read.

A browser from snap or flatpak cannot read a hidden folder such as ~/.lf. With --print the command writes an address for it,
whose code works once and for 2 minutes. The command xdg-open finds the browser, or the variable BROWSER names one.`,
		Example: `  lf ui
  lf ui --print
  lf ui list
  lf ui rm --all`,
		Args: between(0, 0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if printed {
				return c.printPage(cmd.Context())
			}
			return c.openPage(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&printed, "print", false, "write an address that works once, and open nothing")
	cmd.AddCommand(c.uiListCommand(), c.uiRemoveCommand())
	return cmd
}

// pageNode is the node whose page is opened.
type pageNode struct {
	*lf.Client
	api.Sessions
	url string // of its page
}

// connectPage connects to the node with the right to make sessions.
func (c *cli) connectPage(ctx context.Context) (*pageNode, error) {
	client, err := c.connect(ctx, writing)
	if err != nil {
		return nil, err
	}
	n := &pageNode{Client: client}
	var ok bool
	if n.Sessions, ok = client.Node().(api.Sessions); !ok {
		return nil, errors.Join(errors.New("this node has no page"), client.Close())
	}
	for _, address := range client.Addresses() {
		if strings.HasPrefix(address, "http") {
			n.url = strings.TrimSuffix(address, "/") + "/"
			return n, nil
		}
	}
	return nil, errors.Join(errors.New("the node's HTTP address is not known: name its home with --home"), client.Close())
}

// pageError says what an older node's answer means.
func pageError(err error) error {
	var e *api.Error
	if errors.As(err, &e) && e.Status == http.StatusNotFound {
		return errors.New("this node has no page: it is of an older version")
	}
	return err
}

// jsonPage is what lf ui says of a session in JSON.
type jsonPage struct {
	Session string `json:"session"`
	Address string `json:"address"`
	File    string `json:"file,omitempty"`
	Until   uint64 `json:"until"`
}

func (c *cli) printPage(ctx context.Context) error {
	n, err := c.connectPage(ctx)
	if err != nil {
		return err
	}
	defer n.Close()
	s, err := n.NewSession(ctx, api.SessionRequest{Code: true})
	if err != nil {
		return pageError(err)
	}
	address := n.url + "#code=" + s.Code
	if c.json {
		return c.printJSON(jsonPage{Session: s.ID, Address: address, Until: s.Until})
	}
	c.note("the address works once, until %s", text.LocalTime(s.Until))
	return c.printf("%s\n", address)
}

func (c *cli) openPage(ctx context.Context) error {
	n, err := c.connectPage(ctx)
	if err != nil {
		return err
	}
	defer n.Close()
	h := n.Home()
	if h == nil || h.Exists() != nil {
		return errors.New("there is no home to keep the file in that opens the page: lf ui --print writes an address in its place")
	}
	s, err := n.NewSession(ctx, api.SessionRequest{})
	if err != nil {
		return pageError(err)
	}
	path, err := writePageFile(h, n.url+"#token="+s.Token)
	if err != nil {
		return errors.Join(err, n.EndSession(ctx, s.ID))
	}
	opened := openInBrowser(ctx, path)
	if c.json {
		return errors.Join(c.printJSON(jsonPage{s.ID, n.url, path, s.Until}), opened)
	}
	if opened != nil {
		return fmt.Errorf("%w: open %s yourself, or use lf ui --print", opened, path)
	}
	c.note("the page opens from %s; the session ends at %s, or with the node", path, text.LocalTime(s.Until))
	c.note("if nothing opens, as with a browser from snap or flatpak, use lf ui --print")
	return nil
}

// writePageFile writes the file that forwards a browser to an address. Its token is in no URL that
// is sent, and in no list of processes.
func writePageFile(h *home.Home, address string) (path string, err error) {
	to := html.EscapeString(address)
	path, err = h.WritePage([]byte(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta http-equiv="refresh" content="0;url=` + to + `">
<title>LF</title>
<p><a href="` + to + `">Open the page of the node</a></p>
</html>
`))
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}
