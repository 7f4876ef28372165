package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnsserver"
	"github.com/lf-store/lf/internal/dnszone"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// defaultDNS is where lf dns listens: the port of DNS belongs to the system's resolver.
const defaultDNS = "127.0.0.1:5353"

// zoneHelp says how DNS names are keys.
const zoneHelp = `A zone says which DNS names are keys of LF: --zone SUFFIX, or --zone 'SUFFIX=NAME...' with the names of the key. In one of
them {name} stands for the DNS name up to the suffix (@ for the suffix itself), or {fqdn} for all of it. The default is
'lf={name} dns': www.example.lf. is the key of "www.example" and "dns". The values are sealed with the first name, so that only those who
know the DNS name can read them.`

// recordHelp says what a value holds.
var recordHelp = `A value has one record a line, as in a zone file but without the name: [TTL] TYPE DATA. The types are
` + strings.Join(dnszone.Types(), ", ") + `.`

// dnsFlags are the flags of dns.
type dnsFlags struct {
	zones             []string
	listen, tls, http []string
	cert, key         string
	owners            []string
	certified         bool
	private           []string
	nameServers       []string
	config            dnsserver.Config
	mask              masking
	trust             trusting
	logFlags
}

func (c *cli) dnsCommand() *cobra.Command {
	var d dnsFlags
	cmd := &cobra.Command{
		Use:        "dns",
		SuggestFor: []string{"resolve", "resolver", "zone"},
		Short:      "Answer DNS from LF, until it is interrupted",
		Long: `Answer DNS from what stands in LF, until it is interrupted. A resolver such as unbound or dnsmasq forwards a zone to it (docs/dns.md).

` + zoneHelp + `

` + recordHelp + `

Everybody with a name can set records under it. So say whose records count: --owner, --certified with the CAs of the network or of --ca,
or a --policy. Without them the node's policy decides, which is mostly the claim with the most work.

A name that nothing stands under is NOERROR without data, never NXDOMAIN: names are blinded, so nobody can know what lies below.
Wildcards (*.example) answer for names that nothing stands under. CNAME records are followed inside the zones. Addresses of private networks
are left out unless --private names their network.

A change is answered within a second: the node tells of it. While the node is away, the last known records are answered, with a TTL of 30
seconds and for as long as --stale says.

Others than this computer get at most --rate answers a second by UDP. Then they are told to ask by TCP.`,
		Example: `  lf dns
  lf dns --listen 127.0.0.1:5353 --owner ops --private 10.0.0.0/8
  lf dns --zone corp.example --certified --ca corp.pem --listen 192.0.2.1:53
  lf dns --zone lf --zone '2.0.192.in-addr.arpa={fqdn} dns'
  lf dns --tls-listen :853 --https-listen :443 --tls-cert cert.pem --tls-key key.pem
  dig @127.0.0.1 -p 5353 www.example.lf`,
		Args: between(0, 0, "no arguments, or one of set, rm, show and import"),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.dns(cmd.Context(), &d) },
	}
	cmd.PersistentFlags().StringArrayVar(&d.zones, "zone", []string{dnszone.DefaultZone}, "the `ZONE` of names, SUFFIX or 'SUFFIX=NAME...' (repeatable; the first one is that of names without a dot at their end)")
	d.addFlags(c, cmd)
	cmd.AddCommand(c.dnsSetCommand(&d.zones), c.dnsRemoveCommand(&d.zones), c.dnsShowCommand(&d.zones), c.dnsImportCommand(&d.zones))
	return cmd
}

func (d *dnsFlags) addFlags(c *cli, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&d.listen, "listen", []string{defaultDNS}, "answer by UDP and TCP on this `HOST:PORT` (repeatable)")
	f.StringArrayVar(&d.tls, "tls-listen", nil, "answer DNS over TLS on this `HOST:PORT` (repeatable)")
	f.StringArrayVar(&d.http, "https-listen", nil, "answer DNS over HTTPS on this `HOST:PORT` (repeatable); plain HTTP without --tls-cert, on this computer only")
	f.StringVar(&d.cert, "tls-cert", "", "the certificate for TLS and HTTPS (PEM, with those of the CAs above it); a new one in its place is used at once")
	f.StringVar(&d.key, "tls-key", "", "the key of --tls-cert (PEM)")
	f.StringArrayVar(&d.owners, "owner", nil, "only what this owner set: a peer ID, or a name of lf owner list (repeatable)")
	f.BoolVar(&d.certified, "certified", false, "only what owners with a certificate set, of the network's CAs or those of --ca; they are ranked first")
	f.StringArrayVar(&d.private, "private", nil, "also answer addresses of this private `NETWORK`, such as 10.0.0.0/8, or all (repeatable)")
	f.StringArrayVar(&d.nameServers, "ns", nil, "answer this `HOST` as a name server of the zones (repeatable)")
	f.DurationVar(&d.config.TTL, "ttl", dnsserver.DefaultTTL, "the TTL of records that name none")
	f.DurationVar(&d.config.MinTTL, "min-ttl", dnsserver.DefaultMinTTL, "the smallest TTL")
	f.DurationVar(&d.config.MaxTTL, "max-ttl", dnsserver.DefaultMaxTTL, "the largest TTL")
	f.DurationVar(&d.config.Negative, "negative-ttl", dnsserver.DefaultNegative, "how long a resolver may remember that there is nothing")
	f.DurationVar(&d.config.Stale, "stale", dnsserver.DefaultStale, "how long the last known records are answered while the node is away")
	f.IntVar(&d.config.Entries, "cache", dnsserver.DefaultEntries, "how many names to keep")
	f.IntVar(&d.config.Rate, "rate", dnsserver.DefaultRate, "answers a second by UDP to each client that is not this computer")
	d.mask.addFlags(cmd)
	c.addTrusting(cmd, &d.trust)
	c.completeOwnerFlag(cmd)
	d.logFlags.add(cmd)
}

func (c *cli) dns(ctx context.Context, d *dnsFlags) error {
	if err := c.readDNSFlags(d); err != nil {
		return err
	}
	client, err := c.connectPatiently(ctx, lf.RememberNames(2*d.config.Entries))
	if err != nil {
		return err
	}
	defer client.Close()
	for _, owner := range d.owners {
		if _, err := client.OwnerNamed(owner); err != nil {
			return err
		}
	}
	d.config.Source = client
	s, err := dnsserver.Start(d.config)
	if err != nil {
		return err
	}
	if err = c.greetDNS(s, client, d); err == nil {
		notify(d.config.Logger, "READY=1")
		<-ctx.Done()
		c.note("stopping")
		notify(d.config.Logger, "STOPPING=1")
	}
	return errors.Join(err, s.Close())
}

// connectPatiently connects, and waits for a node that does not run yet.
func (c *cli) connectPatiently(ctx context.Context, options ...lf.OpenOption) (*lf.Client, error) {
	for told := false; ; told = true {
		client, err := c.connect(ctx, reading, options...)
		if err == nil || (!isMissing(err) && !lf.IsAway(err)) {
			return client, err
		}
		if !told {
			c.note("%s; waiting for it", explain(ctx, err))
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(time.Second):
		}
	}
}

// readDNSFlags reads the flags into the configuration.
func (c *cli) readDNSFlags(d *dnsFlags) (err error) {
	config := &d.config
	if err := d.check(); err != nil {
		return err
	}
	if config.Zones, err = parseZones(d.zones); err != nil {
		return err
	}
	if config.Private, err = parsePrivate(d.private); err != nil {
		return err
	}
	for _, host := range d.nameServers {
		name, err := dnszone.Canonical(host)
		if err != nil {
			return usage("--ns: %v", err)
		}
		config.NameServers = append(config.NameServers, name)
	}
	mask, err := d.mask.key()
	if err != nil {
		return err
	}
	if err := d.rankCertified(); err != nil {
		return err
	}
	if config.Options, err = d.trust.options(); err != nil {
		return err
	}
	config.Options = append(config.Options, lf.By(d.owners...), lf.MaskingKey(mask))
	config.Certified, config.Listen, config.TLS, config.HTTPS = d.certified, d.listen, d.tls, d.http
	if config.Logger, err = c.logger(&d.logFlags); err != nil {
		return err
	}
	if d.cert != "" {
		config.Certificate, err = dnsserver.LoadCertificate(d.cert, d.key, config.Logger)
	}
	return err
}

// rankCertified makes sure that with --certified the policy ranks certified owners first. Otherwise
// a stranger who outweighs one would empty the name.
func (d *dnsFlags) rankCertified() error {
	if !d.certified {
		return nil
	}
	if d.trust.policy == "" {
		d.trust.policy = protocol.DefaultPolicy().String()
	}
	policy, err := parsePolicy(d.trust.policy)
	if err == nil && policy[0] != protocol.CriterionCertified {
		err = usage("--certified wants a --policy that begins with certified: else a stranger's claim hides those of certified owners")
	}
	return err
}

// check says which flags make no sense, or none together.
func (d *dnsFlags) check() error {
	c := &d.config
	switch {
	case c.MinTTL < 0 || c.MaxTTL < c.MinTTL || c.MaxTTL > dnszone.MaxTTL:
		return usage("--min-ttl and --max-ttl must be 0 to %s, and in this order, not %s and %s", dnszone.MaxTTL, c.MinTTL, c.MaxTTL)
	case c.TTL < time.Second || c.Negative < time.Second || c.Negative > dnszone.MaxTTL:
		return usage("--ttl and --negative-ttl must be at least 1s")
	case c.Stale < 0:
		return usage("--stale must not be negative")
	case c.Entries < 1 || c.Rate < 1:
		return usage("--cache and --rate must be at least 1")
	case (d.cert == "") != (d.key == ""):
		return usage("--tls-cert and --tls-key go together: give both")
	case len(d.tls) > 0 && d.cert == "":
		return usage("--tls-listen needs a certificate: give --tls-cert and --tls-key")
	}
	for _, at := range append(append(append([]string{}, d.listen...), d.tls...), d.http...) {
		if _, _, err := net.SplitHostPort(at); err != nil {
			return usage("%q is not HOST:PORT, such as %s", at, defaultDNS)
		}
	}
	for _, at := range d.http {
		host, _, _ := net.SplitHostPort(at)
		if ip, err := netip.ParseAddr(host); d.cert == "" && (err != nil || !ip.IsLoopback()) {
			return usage("--https-listen %s without --tls-cert is plain HTTP, which is for this computer only: give a certificate, or listen on 127.0.0.1", at)
		}
	}
	return nil
}

func parseZones(texts []string) (dnszone.Zones, error) {
	zones, err := dnszone.ParseZones(texts)
	if err != nil {
		return nil, usage("--zone: %v", err)
	}
	return zones, nil
}

// parsePrivate reads the private networks whose addresses are answered.
func parsePrivate(texts []string) (networks []netip.Prefix, err error) {
	for _, s := range texts {
		if s == "all" {
			networks = append(networks, netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))
			continue
		}
		n, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, usage("--private %q is neither a network, such as 10.0.0.0/8, nor all", text.Clip(s))
		}
		networks = append(networks, n.Masked())
	}
	return networks, nil
}

// dnsGreeting is what the server says about itself when it is up.
type dnsGreeting struct {
	Version string              `json:"version"`
	Network string              `json:"network"`
	Node    string              `json:"node"`
	Zones   []string            `json:"zones"`
	Listen  []dnsserver.Address `json:"listen"`
}

func (c *cli) greetDNS(s *dnsserver.Server, client *lf.Client, d *dnsFlags) error {
	g := dnsGreeting{Version: version, Network: client.Network().Params().Name, Node: client.Address(), Listen: s.Addresses()}
	for _, z := range d.config.Zones {
		g.Zones = append(g.Zones, z.Suffix())
	}
	switch {
	case c.json:
		return c.printJSON(g)
	case c.quiet:
		return nil
	}
	if len(d.owners) == 0 && !d.certified && d.trust.policy == "" {
		c.note("anybody may set names here, and the node's policy ranks them: --owner or --certified say whose count")
	}
	fields := []field{{"lf", g.Version}, {"network", g.Network}, {"node", g.Node}, {"zones", strings.Join(g.Zones, ", ")}}
	plain := ""
	for _, a := range g.Listen {
		fields = append(fields, field{map[string]string{"dns": "DNS", "dot": "DNS over TLS", "doh": "DNS over HTTPS"}[a.Kind], a.Address})
		if a.Kind == "dns" {
			plain = cmp.Or(plain, a.Address)
		}
	}
	if err := c.printFields(fields); err != nil {
		return err
	}
	ready := "\nReady. "
	if host, port, err := net.SplitHostPort(plain); err == nil {
		ready += fmt.Sprintf("Try it: dig @%s -p %s NAME.%s; ", host, port, g.Zones[0])
	}
	return c.print(ready + "Ctrl-C stops it.\n")
}
