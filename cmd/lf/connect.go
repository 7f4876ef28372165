package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/spf13/cobra"

	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/node/api"
)

func (c *cli) connectCommand() *cobra.Command {
	remember := false
	cmd := &cobra.Command{
		Use:   "connect MULTIADDR...",
		Short: "Connect the running node to a peer, and stay connected to it",
		Long: `Connect the running node to a peer, or to several, and stay connected until lf disconnect or the end of the node. A MULTIADDR ends
in the peer ID, as lf status on the other node shows it. Several addresses of one peer are tried together.

With --remember the node connects to the peer again after a restart: the home keeps it in the file peers.json. --remember=false
forgets that, and leaves the connection. lf peers and lf seeds show which peers were added by hand.`,
		Example: `  lf connect /ip4/192.0.2.1/tcp/9908/p2p/12D3KooW...
  lf connect --remember /dns4/lf.example.org/tcp/9908/p2p/12D3KooW...`,
		Args: between(1, -1, "at least one MULTIADDR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var asked *bool
			if cmd.Flags().Changed("remember") {
				asked = &remember
			}
			return c.connectPeers(cmd.Context(), args, asked)
		},
	}
	cmd.Flags().BoolVar(&remember, "remember", false, "connect to the peer again after a restart of the node")
	return cmd
}

// connectPeers adds one peer after the other. A failure does not keep it from the rest.
func (c *cli) connectPeers(ctx context.Context, addresses []string, remember *bool) error {
	requests, err := connectRequests(addresses)
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, writing)
	if err != nil {
		return err
	}
	defer client.Close()
	peers, errs := []*api.Peer{}, []error(nil)
	for _, r := range requests {
		r.Remember = remember
		p, err := client.Node().Connect(ctx, r)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		peers = append(peers, p)
	}
	return errors.Join(c.printConnected(peers), c.firstOf(errs))
}

// connectRequests makes a request for each peer of a list of addresses.
func connectRequests(addresses []string) (requests []api.ConnectRequest, err error) {
	at := map[peer.ID]int{}
	for _, s := range addresses {
		info, err := peer.AddrInfoFromString(s)
		if err != nil || len(info.Addrs) == 0 {
			return nil, usage("%q is not a multiaddr with a peer ID, such as /ip4/192.0.2.1/tcp/9908/p2p/12D3KooW...", text.Clip(s))
		}
		i, known := at[info.ID]
		if !known {
			i = len(requests)
			at[info.ID] = i
			requests = append(requests, api.ConnectRequest{})
		}
		if requests[i].Addresses = append(requests[i].Addresses, s); len(requests[i].Addresses) > api.MaxConnectAddresses {
			return nil, usage("peer %s has more than %d addresses", info.ID, api.MaxConnectAddresses)
		}
	}
	return requests, nil
}

// firstOf notes all errors but the first, which it returns.
func (c *cli) firstOf(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	for _, err := range errs[1:] {
		c.note("%v", err)
	}
	return errs[0]
}

func (c *cli) printConnected(peers []*api.Peer) error {
	if c.json {
		return c.printJSON(peers)
	}
	for _, p := range peers {
		address := ""
		if len(p.Addresses) > 0 {
			address = p.Addresses[0]
		}
		kept := ""
		if p.Remembered {
			kept = ", and will be again after a restart of the node"
		}
		c.note("connected to %s at %s%s", text.Printable(p.ID), text.Printable(address), kept)
	}
	return nil
}

func (c *cli) disconnectCommand() *cobra.Command {
	refuse := api.DefaultRefusal
	cmd := &cobra.Command{
		Use:   "disconnect PEERID|MULTIADDR...",
		Short: "Part the running node from a peer, and forget it",
		Long: `Close the running node's connections with a peer, or with several. If a peer was added by hand (lf connect), the node forgets it.
For as long as --for says, neither side can connect to the other. After that, others may lead the nodes to each other again, and a
seed is dialed again. lf connect ends that time early, and so does a restart of the node.

The exit code is 3 if the node knows nothing of a peer.`,
		Example: `  lf disconnect 12D3KooW...
  lf disconnect 12D3KooW... --for 24h`,
		Args: between(1, -1, "at least one PEERID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if refuse <= 0 || refuse > api.MaxRefusal {
				return usage("--for must be above 0 and at most %s, not %s", api.MaxRefusal, refuse)
			}
			return c.disconnectPeers(cmd.Context(), args, refuse)
		},
	}
	cmd.Flags().DurationVar(&refuse, "for", refuse, "how long the node refuses the peer")
	return cmd
}

func (c *cli) disconnectPeers(ctx context.Context, args []string, refuse time.Duration) error {
	ids := make([]string, len(args))
	for i, arg := range args {
		id, err := peerIDIn(arg)
		if err != nil {
			return err
		}
		ids[i] = id
	}
	client, err := c.connect(ctx, writing)
	if err != nil {
		return err
	}
	defer client.Close()
	done, errs := []*api.Disconnected{}, []error(nil)
	for _, id := range ids {
		d, err := client.Node().Disconnect(ctx, id, refuse)
		var answered *api.Error
		if errors.As(err, &answered) && answered.Status == http.StatusNotFound {
			err = notFound("%s", answered)
		}
		if err != nil {
			errs = append(errs, err)
			continue
		}
		done = append(done, d)
	}
	return errors.Join(c.printDisconnected(done), c.firstOf(errs))
}

// peerIDIn reads a peer ID, alone or at the end of a multiaddr.
func peerIDIn(arg string) (string, error) {
	if id, err := peer.Decode(arg[strings.LastIndexByte(arg, '/')+1:]); err == nil {
		return id.String(), nil
	}
	return "", usage("%q is not a peer ID (12D3KooW…), nor a multiaddr with one at its end", text.Clip(arg))
}

func (c *cli) printDisconnected(list []*api.Disconnected) error {
	if c.json {
		return c.printJSON(list)
	}
	for _, d := range list {
		forgotten := ""
		if d.Added {
			forgotten = ", forgotten"
		}
		until := ""
		if d.Until > 0 {
			until = fmt.Sprintf(", refused until %s", text.LocalTime(d.Until))
		}
		c.note("%s: %s closed%s%s", text.Printable(d.Peer), text.Count(d.Connections, "connection", "connections"), forgotten, until)
	}
	return nil
}
