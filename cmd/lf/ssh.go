package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/knownhosts"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) sshCommand() *cobra.Command {
	template := ""
	cmd := &cobra.Command{
		Use:   "ssh",
		Short: "Host keys of ssh in LF",
		Long: `Host keys of ssh in LF, in the place of known_hosts: a host publishes its keys, and ssh asks for them (docs/ssh.md).

The keys of host.example stand under the names "host.example" and "ssh", or as --key says. The value has a key a line, as in known_hosts
but without the host: TYPE BASE64, with @revoked or @cert-authority before it where it is one.`,
		Args: subcommandOnly,
		RunE: help,
	}
	cmd.PersistentFlags().StringVar(&template, "key", knownhosts.DefaultTemplate, "the `NAMES` of a host's key in LF, with {host} for the host")
	cmd.AddCommand(c.sshKnownHostsCommand(&template), c.sshPublishCommand(&template))
	return cmd
}

// knownHostsFlags are the flags of ssh known-hosts.
type knownHostsFlags struct {
	owners  []string
	any     bool
	lenient bool
	mask    masking
	trust   trusting

	certified bool // only keys of certified owners count
}

func (c *cli) sshKnownHostsCommand(template *string) *cobra.Command {
	var k knownHostsFlags
	cmd := &cobra.Command{
		Use:   "known-hosts HOST [PORT]",
		Short: "Print a host's keys as lines of known_hosts, for KnownHostsCommand of ssh",
		Long: `Print a host's keys as lines of known_hosts, for KnownHostsCommand in ssh_config:

  KnownHostsCommand /usr/bin/lf ssh known-hosts --owner 12D3KooW... %H %p

HOST is a name or an address, or [HOST]:PORT for a port that is not 22: %H gives it so. But in its first question for a connection ssh leaves
the port out, so give it, too (%p). A host at another port has keys of its own.

Anybody can set keys under a host's name, so say whose count: --owner; a --policy with certified, and then only keys of certified
owners count; or --any. Any owner's name stands for the key that the home has now, and a peer ID for itself.

For a host without keys in LF nothing is printed and the exit code is 0. ssh then goes by its files, or asks. If the node
cannot be asked, or what stands there is no list of keys, the exit code is 1, and ssh ends the connection. --lenient prints nothing then, and the exit code is 0.

ssh runs the command two or three times for a connection: to order the host's algorithms, to check its key, and with CheckHostIP to check its
address. The node is asked once for the first two: the answer is kept for a minute, for the ssh process that runs the command.`,
		Example: `  lf ssh known-hosts host.example --owner ops
  lf ssh known-hosts '[host.example]:2222' --policy certified,weight --ca corp.pem
  ssh -o 'KnownHostsCommand /usr/bin/lf ssh known-hosts --owner 12D3KooW... %H %p' host.example`,
		Args: between(1, 2, "one HOST, and its PORT if need be"),
		RunE: func(cmd *cobra.Command, args []string) error {
			err := c.knownHosts(cmd.Context(), &k, *template, args)
			var wrong *usageError
			if k.lenient && err != nil && !errors.As(err, &wrong) && cmd.Context().Err() == nil {
				c.note("%s", explain(cmd.Context(), err))
				return nil
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&k.owners, "owner", nil, "only keys that this owner set: a peer ID, or a name of lf owner list (repeatable)")
	f.BoolVar(&k.any, "any", false, "keys may be anybody's: the policy alone decides")
	f.BoolVar(&k.lenient, "lenient", false, "exit with 0 and without keys if the node cannot be asked")
	k.mask.addFlags(cmd)
	c.addTrusting(cmd, &k.trust)
	c.completeOwnerFlag(cmd)
	return cmd
}

// check says whose keys count.
func (k *knownHostsFlags) check() error {
	policy, err := parsePolicy(k.trust.policy)
	if err != nil {
		return err
	}
	k.certified = len(k.owners) == 0 && !k.any
	if k.certified && !slices.Contains(policy, protocol.CriterionCertified) {
		return usage("anybody may have set keys under a host's name: say whose count with --owner, give a --policy with certified, or say --any")
	}
	return nil
}

func (c *cli) knownHosts(ctx context.Context, k *knownHostsFlags, template string, args []string) error {
	if err := k.check(); err != nil {
		return err
	}
	host, at, err := hostAt(args)
	if err != nil {
		return err
	}
	key, err := hostKey(template, at)
	if err != nil {
		return err
	}
	// ssh itself is the parent: it runs the command without a shell
	memory := knownhosts.NewMemory(os.Getppid(), k.question(c, key)...)
	value, known := memory.Recall()
	if !known {
		if value, err = c.hostKeys(ctx, k, key); err != nil {
			return err
		}
	}
	keys, err := knownhosts.Parse(value)
	if err != nil {
		return fmt.Errorf("what stands under %s is no list of host keys: %w", key, err)
	}
	if !known {
		if err := memory.Keep(value); err != nil {
			c.note("the answer is not kept for the next question: %v", err)
		}
	}
	return c.print(keys.KnownHosts(host))
}

// hostAt reads HOST and PORT. The first result is the host as ssh will look for it, the second one
// the host with its port.
func hostAt(args []string) (host, at string, err error) {
	if host, err = knownhosts.CheckHost(args[0]); err != nil {
		return "", "", usage("%v", err)
	}
	if len(args) == 1 || strings.HasPrefix(host, "[") {
		return host, host, nil
	}
	port, err := strconv.ParseUint(args[1], 10, 16)
	if err != nil {
		return "", "", usage("%q is no port", args[1])
	}
	return host, knownhosts.AtPort(host, uint16(port)), nil
}

// question is all that an answer depends on.
func (k *knownHostsFlags) question(c *cli, key lf.Key) []string {
	return []string{
		key.String(), strings.Join(k.owners, " "), fmt.Sprint(k.certified), k.trust.policy, strings.Join(k.trust.oracles, " "),
		strings.Join(k.trust.authorities, "\x01"), k.mask.file, c.homeDir, c.apiURL, os.Getenv("LF_HOME"), os.Getenv("LF_API"), os.Getenv("LF_MASK"),
	}
}

// hostKey is the key of LF for a host with its port.
func hostKey(template, at string) (lf.Key, error) {
	t, err := knownhosts.ParseTemplate(template)
	if err != nil {
		return lf.Key{}, usage("--key: %v", err)
	}
	return t.Key(at)
}

// hostKeys asks for the value that has a host's keys, "" for none.
func (c *cli) hostKeys(ctx context.Context, k *knownHostsFlags, key lf.Key) (string, error) {
	trust, err := k.trust.options()
	if err != nil {
		return "", err
	}
	mask, err := k.mask.key()
	if err != nil {
		return "", err
	}
	client, err := c.connect(ctx, reading)
	if err != nil {
		return "", err
	}
	defer client.Close()
	a, err := answerOf(client.Get(ctx, key, append(trust, lf.By(k.owners...), lf.MaskingKey(mask))...))
	if err != nil || a == nil || a.Deleted {
		return "", err
	}
	if k.certified {
		_, err := client.Certified(ctx, a, trust...)
		if errors.Is(err, lf.ErrUncertified) {
			c.note("%s: %v; its keys do not count", key, err)
			return "", nil
		}
		if err != nil {
			return "", err
		}
	}
	return a.Text(), nil
}

// publishFlags are the flags of ssh publish.
type publishFlags struct {
	authoring
	files []string
	port  uint16
}

// hostKeyFiles is where sshd keeps the public keys of the host.
const hostKeyFiles = "/etc/ssh/ssh_host_*_key.pub"

func (c *cli) sshPublishCommand(template *string) *cobra.Command {
	var p publishFlags
	cmd := &cobra.Command{
		Use:   "publish [HOST...]",
		Short: "Put a host's keys into LF",
		Long: `Put a host's public keys into LF, for lf ssh known-hosts. HOST is a name or an address under which others reach it (default: this
computer's name). The keys are those of ` + hostKeyFiles + `, unless --key-file names others.

The keys take the place of what the owner has there. What is the same already is not written again. To change a host's keys, publish the old
and the new ones together, change sshd's, and publish the new ones alone.`,
		Example: `  lf ssh publish
  lf ssh publish host.example 192.0.2.1 --owner ops
  lf ssh publish host.example --port 2222
  lf ssh publish host.example --key-file old.pub --key-file new.pub`,
		Args: between(0, -1, ""),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(); err != nil {
				return err
			}
			return p.within(cmd.Context(), func(ctx context.Context) error { return c.publishHostKeys(ctx, &p, *template, args) })
		},
	}
	cmd.Flags().StringArrayVar(&p.files, "key-file", nil, "publish the public keys in this `FILE` (repeatable; default: "+hostKeyFiles+")")
	cmd.Flags().Uint16Var(&p.port, "port", 0, "the port of sshd, if it is not 22")
	c.addAuthoring(cmd, &p.authoring)
	p.mask.addFlags(cmd)
	mustComplete(cmd.MarkFlagFilename("key-file", "pub"))
	return cmd
}

func (c *cli) publishHostKeys(ctx context.Context, p *publishFlags, template string, hosts []string) error {
	keys, err := p.keys()
	if err != nil {
		return err
	}
	if len(hosts) == 0 {
		name, err := os.Hostname()
		if err != nil {
			return fmt.Errorf("this computer's name is not known (%w): give a HOST", err)
		}
		hosts = []string{name}
	}
	entries := make([]lf.Entry, len(hosts))
	for i, host := range hosts {
		if !strings.HasPrefix(host, "[") {
			host = knownhosts.AtPort(host, p.port)
		}
		host, err := knownhosts.CheckHost(host)
		if err != nil {
			return usage("%v", err)
		}
		key, err := hostKey(template, host)
		if err != nil {
			return err
		}
		entries[i] = lf.Entry{Key: key, Value: []byte(keys.Text())}
		hosts[i] = host
	}
	for _, k := range keys {
		c.note("%s", k.Fingerprint())
	}
	return c.loadHostKeys(ctx, p, entries, hosts)
}

// keys reads the public keys to publish.
func (p *publishFlags) keys() (all knownhosts.Keys, err error) {
	files := p.files
	if len(files) == 0 {
		if files, err = filepath.Glob(hostKeyFiles); err != nil || len(files) == 0 {
			return nil, fmt.Errorf("there is no %s: name the public keys with --key-file", hostKeyFiles)
		}
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		text, err := readAtMost(f, maxTokenFile<<4)
		_ = f.Close() // it was only read
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		keys, err := knownhosts.Parse(string(text))
		if err == nil && len(keys) == 0 {
			err = errors.New("it has no key")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, keys...)
	}
	return all, nil
}

// publishedHost is a host whose keys were published, in JSON output.
type publishedHost struct {
	Host   string       `json:"host"`
	Record *protocol.ID `json:"record,omitempty"` // none: it had these keys already
}

func (c *cli) loadHostKeys(ctx context.Context, p *publishFlags, entries []lf.Entry, hosts []string) error {
	client, err := c.connectAuthor(ctx, &p.authoring)
	if err != nil {
		return err
	}
	defer client.Close()
	options, err := p.options(c, client)
	if err != nil {
		return err
	}
	done := make([]publishedHost, len(hosts))
	for i, e := range entries {
		done[i].Host = hosts[i]
		err := client.Load(ctx, lf.Entries(e), options, lf.OnlyChanged(), lf.OnWritten(func(_ *protocol.Record, w *lf.Written) { done[i].Record = &w.ID }))
		switch {
		case err != nil:
			return err
		case done[i].Record == nil:
			c.note("%s has these keys already", hosts[i])
		case !c.json && !c.quiet:
			if err := c.printf("%s %s\n", done[i].Record, hosts[i]); err != nil {
				return err
			}
		}
	}
	if c.json {
		return c.printJSON(done)
	}
	return nil
}
