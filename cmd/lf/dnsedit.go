package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/dnszone"
	"github.com/lf-store/lf/protocol"
)

// editTries is how often an edit begins again that another writer of the same owner has crossed.
const editTries = 3

// errUnchanged says that a name has what it is to have.
var errUnchanged = errors.New("nothing to change")

func (c *cli) dnsSetCommand(zones *[]string) *cobra.Command {
	var a authoring
	ttl, add := time.Duration(-1), false
	cmd := &cobra.Command{
		Use:   "set NAME TYPE DATA...",
		Short: "Set the records of one type under a DNS name",
		Long: `Set the records of one type under a DNS name, in the place of those of this type that the owner has there. Records of other types stay.
With --add those of this type stay, too.

NAME is below the first zone, or ends with a dot; @ is the zone itself, and *.NAME answers for all names below NAME that nothing stands
under. Each DATA is what one record says, as in a zone file, so quote what has spaces. Names in it that have no dot at their end are
below the zone. A text for TXT needs no quotes of its own.

` + recordHelp,
		Example: `  lf dns set www.example A 192.0.2.1 192.0.2.2 --ttl 5m
  lf dns set www.example AAAA 2001:db8::1
  lf dns set example MX '10 mail.example' '20 mail.example.org.'
  lf dns set _http._tcp.example SRV '0 5 8080 www.example'
  lf dns set example TXT 'v=spf1 -all'
  lf dns set '*.example' CNAME www.example
  lf dns set www.example A 192.0.2.3 --add
  lf dns set www.corp.example. A 192.0.2.1 --zone corp.example --owner work`,
		Args:              between(3, -1, "a NAME, a TYPE and DATA"),
		ValidArgsFunction: completeRecordType,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("ttl") && (ttl < 0 || ttl > dnszone.MaxTTL || ttl%time.Second != 0) {
				return usage("--ttl must be whole seconds from 0s to %s, not %s", dnszone.MaxTTL, ttl)
			}
			e, err := newDNSEdit(*zones, args[0])
			if err != nil {
				return err
			}
			kind, err := dnszone.ParseType(args[1])
			if err != nil {
				return usage("%v", err)
			}
			records, err := dnszone.NewRecords(kind, args[2:], ttl, e.zone)
			if err != nil {
				return usage("%v", err)
			}
			e.change = func(v *dnszone.Value) error {
				if add {
					return v.Add(records)
				}
				return v.Set(kind, records)
			}
			return c.editDNS(cmd.Context(), &a, e)
		},
	}
	cmd.Flags().DurationVar(&ttl, "ttl", -1, "the records' TTL, such as 5m (default: the server's)")
	cmd.Flags().Lookup("ttl").DefValue = ""
	cmd.Flags().BoolVar(&add, "add", false, "keep the records of this type that are there")
	c.addAuthoring(cmd, &a)
	a.mask.addFlags(cmd)
	return cmd
}

func (c *cli) dnsRemoveCommand(zones *[]string) *cobra.Command {
	var a authoring
	cmd := &cobra.Command{
		Use:        "rm NAME [TYPE [DATA...]]",
		SuggestFor: []string{"delete", "remove", "unset"},
		Short:      "Remove records of a DNS name, or all of them",
		Long: `Remove what the owner has under a DNS name: all of it, the records of one type, or those that say DATA. The owner keeps the name, so that
no other owner's records come up. lf release gives it up.

The exit code is 3 if there is nothing to remove.`,
		Example: `  lf dns rm www.example
  lf dns rm www.example AAAA
  lf dns rm www.example A 192.0.2.2`,
		Args:              between(1, -1, "a NAME"),
		ValidArgsFunction: completeRecordType,
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := newDNSEdit(*zones, args[0])
			if err != nil {
				return err
			}
			e.change = func(v *dnszone.Value) error { *v = dnszone.Value{}; return nil }
			e.anyway = len(args) == 1
			if len(args) > 1 {
				if e.change, err = removal(e, args[1], args[2:]); err != nil {
					return err
				}
			}
			return c.editDNS(cmd.Context(), &a, e)
		},
	}
	c.addAuthoring(cmd, &a)
	a.mask.addFlags(cmd)
	return cmd
}

// completeRecordType completes the TYPE after a NAME.
func completeRecordType(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return dnszone.Types(), cobra.ShellCompDirectiveNoFileComp
}

// removal takes records of one type out of a value.
func removal(e *dnsEdit, typed string, data []string) (change func(*dnszone.Value) error, err error) {
	kind, err := dnszone.ParseType(typed)
	if err != nil {
		return nil, usage("%v", err)
	}
	remove := func(v *dnszone.Value) int { return v.Remove(kind, nil) }
	if len(data) > 0 {
		records, err := dnszone.NewRecords(kind, data, -1, e.zone)
		if err != nil {
			return nil, usage("%v", err)
		}
		remove = func(v *dnszone.Value) int { return v.Remove(kind, records) }
	}
	return func(v *dnszone.Value) error {
		if remove(v) == 0 {
			return notFound("%s has no such %s record of this owner's", e.fqdn, strings.ToUpper(typed))
		}
		return nil
	}, nil
}

// dnsEdit is a change of what an owner has under a DNS name.
type dnsEdit struct {
	zone   *dnszone.Zone
	fqdn   string
	key    lf.Key
	change func(*dnszone.Value) error
	anyway bool // also where the value is no list of records
}

func newDNSEdit(texts []string, name string) (*dnsEdit, error) {
	zones, err := parseZones(texts)
	if err != nil {
		return nil, err
	}
	e := new(dnsEdit)
	if e.zone, e.fqdn, err = zones.Find(name); err != nil {
		return nil, usage("%v", err)
	}
	if e.key, err = e.zone.Key(e.fqdn); err != nil {
		return nil, usage("%v", err)
	}
	return e, nil
}

// editDNS reads what the owner has under a name, changes it, and sets it again. A value that has
// nothing left is deleted.
func (c *cli) editDNS(ctx context.Context, a *authoring, e *dnsEdit) error {
	if err := a.check(); err != nil {
		return err
	}
	err := c.publish(ctx, a, "", func(ctx context.Context, client *lf.Client, options lf.BulkOption) (err error) {
		for range editTries {
			if err = c.editOnce(ctx, client, a, e, options); !errors.Is(err, lf.ErrChanged) {
				return err
			}
		}
		return err
	})
	if errors.Is(err, errUnchanged) {
		c.note("%s has that already: nothing was written", e.fqdn)
		return nil
	}
	return err
}

func (c *cli) editOnce(ctx context.Context, client *lf.Client, a *authoring, e *dnsEdit, options lf.BulkOption) error {
	now, err := ownValue(ctx, client, a, e)
	if err != nil {
		return err
	}
	before := now.value.Text()
	if err := e.change(now.value); err != nil {
		return err
	}
	written := now.value.Text()
	switch {
	case now.exists && written == before && written != "":
		return errUnchanged
	case written == "" && !now.exists:
		return notFound("%s has no records of this owner's", e.fqdn)
	}
	if now.other != nil {
		c.note("owner %s answers there too: lf get --explain tells whose claim counts", now.other)
	}
	if written == "" {
		c.note("delete what %s has", e.fqdn)
		return client.Delete(ctx, e.key, options)
	}
	c.note("set %s to %s", e.fqdn, strings.ReplaceAll(strings.TrimSuffix(written, "\n"), "\n", "; "))
	all := []lf.WriteOption{options}
	if now.condition != nil {
		all = append(all, now.condition)
	}
	_, err = client.Set(ctx, e.key, []byte(written), all...)
	return err
}

// ownRecords is what an owner has under a DNS name before a change.
type ownRecords struct {
	value     *dnszone.Value
	exists    bool            // there is a value, even an empty one
	other     *protocol.Owner // whose claim answers in place of the owner's
	condition lf.WriteOption  // that nobody wrote since
}

// ownValue reads what the writing owner has under a name.
func ownValue(ctx context.Context, client *lf.Client, a *authoring, e *dnsEdit) (own ownRecords, err error) {
	own.value = new(dnszone.Value)
	owner, err := writer(client, a.owner)
	if err != nil {
		return own, err
	}
	mask, err := a.mask.key()
	if err != nil {
		return own, err
	}
	best, err := answerOf(client.Get(ctx, e.key, lf.MaskingKey(mask)))
	if err != nil {
		return own, err
	}
	mine := best
	switch {
	case owner == nil:
		mine = nil
	case best == nil:
	case best.Owner == *owner:
		own.condition = lf.IfNewest(best.Record)
	default:
		own.other = &best.Owner
		if mine, err = answerOf(client.Get(ctx, e.key, lf.By(owner.String()), lf.MaskingKey(mask))); err != nil {
			return own, err
		}
	}
	if mine == nil || mine.Deleted {
		return own, nil
	}
	own.exists = true
	value, err := dnszone.ParseValue(mine.Text(), e.zone)
	switch {
	case err == nil:
		own.value = value
	case !e.anyway:
		return own, fmt.Errorf("what this owner has under %s is no list of DNS records (%w): lf dns rm %s deletes it", e.key, err, e.fqdn)
	}
	return own, nil
}

// answerOf is an answer, nil where there is none. A tombstone is one.
func answerOf(a *lf.Answer, err error) (*lf.Answer, error) {
	switch {
	case errors.Is(err, lf.ErrNotFound):
		return nil, nil
	case errors.Is(err, lf.ErrDeleted):
		return a, nil
	}
	return a, err
}

// writer is the owner who will write: the one named, else the default one. It is nil where the
// first write makes it.
func writer(client *lf.Client, named string) (*protocol.Owner, error) {
	if named != "" {
		owner, err := client.OwnerNamed(named)
		return &owner, err
	}
	ring, err := client.Keyring()
	if err != nil {
		return nil, err
	}
	names, err := ring.Names()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	key, _, err := ring.Default()
	return &key.Owner, err
}
