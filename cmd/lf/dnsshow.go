package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnszone"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// dnsShowFlags are the flags of dns show.
type dnsShowFlags struct {
	owners []string
	mask   masking
	trust  trusting
}

func (c *cli) dnsShowCommand(zones *[]string) *cobra.Command {
	var d dnsShowFlags
	cmd := &cobra.Command{
		Use:        "show [NAME...]",
		SuggestFor: []string{"get", "ls", "list", "dig"},
		Short:      "Show the records of DNS names, in the form of a zone file",
		Long: `Show the records that stand under DNS names, in the form of a zone file, which lf dns import reads again. Without a NAME, all names that
were written from this home (see lf ls).

A comment names the owner. What is no list of records is named on standard error, with the line that is wrong; lf dns answers SERVFAIL
for it. The exit code is 3 if nothing stands under a NAME.`,
		Example: `  lf dns show www.example
  lf dns show --json www.example
  lf dns show > lf.zone`,
		Args: between(0, -1, ""),
		RunE: func(cmd *cobra.Command, args []string) error { return c.showDNS(cmd.Context(), &d, *zones, args) },
	}
	cmd.Flags().StringArrayVar(&d.owners, "owner", nil, "only what this owner set: a peer ID, or a name of lf owner list (repeatable)")
	d.mask.addFlags(cmd)
	c.addTrusting(cmd, &d.trust)
	c.completeOwnerFlag(cmd)
	return cmd
}

// shownName is a DNS name and what stands under it, in JSON output. Programs rely on the names:
// add, never change.
type shownName struct {
	Name      string          `json:"name"`
	Selectors []string        `json:"selectors"`
	Owner     *protocol.Owner `json:"owner,omitempty"`
	Record    *protocol.ID    `json:"record,omitempty"`
	Time      string          `json:"time,omitempty"`
	Records   []shownRecord   `json:"records"`
	Error     string          `json:"error,omitempty"`

	zone  *dnszone.Zone
	key   lf.Key
	found error // nothing stands there
}

// shownRecord is a record of a DNS name. Without a TTL it has the server's.
type shownRecord struct {
	Type string  `json:"type"`
	TTL  *uint32 `json:"ttl,omitempty"`
	Data string  `json:"data"`
}

func (c *cli) showDNS(ctx context.Context, d *dnsShowFlags, texts, args []string) error {
	zones, err := parseZones(texts)
	if err != nil {
		return err
	}
	names, err := namesToShow(zones, args)
	if err != nil {
		return err
	}
	options, err := d.trust.options()
	if err != nil {
		return err
	}
	mask, err := d.mask.key()
	if err != nil {
		return err
	}
	client, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer client.Close()
	if len(args) == 0 {
		if names, err = ownDNSNames(client, zones, d.owners); err != nil {
			return err
		}
	}
	if err := lookUpDNS(ctx, client, names, append(options, lf.By(d.owners...), lf.MaskingKey(mask))); err != nil {
		return err
	}
	if len(args) == 0 {
		names = slices.DeleteFunc(names, func(n *shownName) bool { return n.found != nil })
	}
	return c.printDNS(names)
}

// namesToShow reads the names that were typed.
func namesToShow(zones dnszone.Zones, args []string) (names []*shownName, err error) {
	for _, arg := range args {
		z, fqdn, err := zones.Find(arg)
		if err != nil {
			return nil, usage("%v", err)
		}
		key, err := z.Key(fqdn)
		if err != nil {
			return nil, usage("%v", err)
		}
		names = append(names, &shownName{Name: fqdn, zone: z, key: key})
	}
	return names, nil
}

// ownDNSNames are the names in the zones that were written from the home, sorted from the top of
// the zone down.
func ownDNSNames(client *lf.Client, zones dnszone.Zones, owners []string) (names []*shownName, err error) {
	written, err := writtenNames(client, owners)
	if err != nil {
		return nil, err
	}
	for _, w := range written {
		key, err := lf.ParseKey(w.Key...)
		if err != nil {
			continue // of a later version
		}
		for _, z := range zones {
			if fqdn, ok := z.NameOf(key); ok && zones.Of(fqdn) == z && !slices.ContainsFunc(names, func(n *shownName) bool { return n.Name == fqdn }) {
				names = append(names, &shownName{Name: fqdn, zone: z, key: key})
			}
		}
	}
	slices.SortFunc(names, func(a, b *shownName) int { return slices.Compare(fromTop(a.Name), fromTop(b.Name)) })
	return names, nil
}

// fromTop are the labels of a name, the last one first.
func fromTop(name string) []string {
	labels := dns.SplitDomainName(name)
	slices.Reverse(labels)
	return labels
}

// lookUpDNS asks what stands under names.
func lookUpDNS(ctx context.Context, client *lf.Client, names []*shownName, options []lf.ReadOption) error {
	keys := make([]lf.Key, len(names))
	for i, n := range names {
		n.Selectors, n.Records = n.key.Expressions(), []shownRecord{}
		keys[i] = n.key
	}
	i := 0
	for l, err := range client.GetMany(ctx, keys, options...) {
		if err != nil {
			return err
		}
		names[i].take(l)
		i++
	}
	return nil
}

// take notes what stands under the name.
func (n *shownName) take(l lf.Lookup) {
	if a := l.Answer; a != nil {
		n.Owner, n.Record, n.Time = &a.Owner, &a.Record, a.Time.Local().Format(time.RFC3339)
	}
	switch {
	case errors.Is(l.Err, lf.ErrNotFound), errors.Is(l.Err, lf.ErrDeleted):
		n.found = l.Err
		return
	case l.Err != nil:
		n.Error = l.Err.Error()
		return
	}
	v, err := dnszone.ParseValue(l.Answer.Text(), n.zone)
	if err != nil {
		n.Error = err.Error()
		return
	}
	for _, rr := range v.Records() {
		r := shownRecord{Type: dns.Type(rr.Header().Rrtype).String(), Data: dnszone.Data(rr)}
		if ttl := dnszone.TTL(rr, 0); ttl == dnszone.TTL(rr, 1) {
			r.TTL = &ttl
		}
		n.Records = append(n.Records, r)
	}
}

// printDNS writes names with their records. The error says what is missing.
func (c *cli) printDNS(names []*shownName) error {
	if c.json {
		if err := c.printJSON(append([]*shownName{}, names...)); err != nil {
			return err
		}
	}
	var missing, wrong error
	for _, n := range names {
		switch {
		case n.found != nil:
			missing = n.found
		case n.Error != "":
			wrong = fmt.Errorf("%s: %s", n.Name, n.Error)
		}
		if c.json {
			continue
		}
		if err := c.print(n.text()); err != nil {
			return err
		}
	}
	if wrong != nil {
		return wrong
	}
	return missing
}

// text writes a name with its records as a part of a zone file.
func (n *shownName) text() string {
	if n.found != nil || n.Owner == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "; %s was set by %s on %s\n", text.Printable(n.Name), n.Owner, n.Time)
	for _, r := range n.Records {
		ttl := ""
		if r.TTL != nil {
			ttl = fmt.Sprint(*r.TTL)
		}
		fmt.Fprintf(&b, "%s\t%s\tIN\t%s\t%s\n", n.Name, ttl, r.Type, r.Data)
	}
	return b.String()
}
