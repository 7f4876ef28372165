package main

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

// maxSerial is how many bytes a certificate's serial number has at most.
const maxSerial = 20

// revokeFlags are the flags of owner revoke.
type revokeFlags struct {
	authoring
	since string
}

func (c *cli) ownerRevokeCommand() *cobra.Command {
	var r revokeFlags
	cmd := &cobra.Command{
		Use:   "revoke CAFILE OWNER|CID|SERIAL",
		Short: "Revoke certificates with the key of the CA that issued them",
		Long: `Revoke certificates that a CA issued: all of an OWNER (a peer ID or a name of lf owner list), the one in the record CID, or the one
with a SERIAL number in hexadecimal. If that is the certificate of an intermediate CA, those below it fall with it. The revocation
is published as a record, whose CID is printed, and cannot be taken back.

Without --since everything that rests on the certificate falls, whenever it was written. With --since, records from before that TIME
stand if later records link to them now. A record that turns up later with an old date falls, so a thief cannot back-date.
Records that carry the full work still answer, but do not count as certified any more.

` + timeHelp,
		Example: `  lf owner revoke team.ca.pem 12D3KooW... --since '2026-11-23 15:04'
  lf owner revoke team.ca.pem bafyreia47iyb...
  lf owner revoke team.ca.pem 4f3c...        # a serial number of lf owner status`,
		Args: between(2, 2, "a CAFILE and an OWNER, a CID or a SERIAL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.check(); err != nil {
				return err
			}
			since, err := r.sinceTime()
			if err != nil {
				return err
			}
			return c.revoke(cmd.Context(), &r, args[0], args[1], since)
		},
	}
	cmd.Flags().StringVar(&r.since, "since", "", "let stand what was written before this TIME, if later records link to it")
	r.addWorking(cmd)
	return cmd
}

// sinceTime is 0 when everything falls. A time to come is no notice given: the owner could write
// nothing more from now on, and the revocation cannot be taken back.
func (r *revokeFlags) sinceTime() (uint64, error) {
	if r.since == "" {
		return 0, nil
	}
	now := time.Now()
	since, err := parseTime("since", r.since, now)
	if err == nil && text.TimeOf(since).After(now) {
		err = usage("--since %q is still to come: a certificate is revoked at once, and --since only lets stand what is older", r.since)
	}
	return since, err
}

func (c *cli) revoke(ctx context.Context, r *revokeFlags, caFile, which string, since uint64) error {
	ca, err := readCA(caFile)
	if err != nil {
		return err
	}
	return c.publish(ctx, &r.authoring, "", func(ctx context.Context, client *lf.Client, options lf.BulkOption) error {
		serials, err := serialsNamed(ctx, client, ca, which)
		if err != nil {
			return err
		}
		for _, serial := range serials {
			c.note("revoke the certificate with serial %s", hex.EncodeToString([]byte(serial)))
		}
		var from time.Time
		if since > 0 {
			from = text.TimeOf(since)
		}
		_, err = client.Revoke(ctx, ca, serials, from, options)
		return err
	})
}

// serialsNamed finds which certificates of a CA are meant.
func serialsNamed(ctx context.Context, client *lf.Client, ca *lf.CA, which string) ([]string, error) {
	if id, err := protocol.ParseID(which); err == nil {
		serial, err := client.SerialIn(ctx, ca, id)
		return []string{serial}, err
	}
	owner, err := client.OwnerNamed(which)
	if err == nil {
		return client.SerialsOf(ctx, ca, owner)
	}
	var wrong *lf.InputError
	if !errors.As(err, &wrong) {
		return nil, err
	}
	serial, err := hex.DecodeString(strings.ReplaceAll(which, ":", ""))
	serial = []byte(strings.TrimLeft(string(serial), "\x00"))
	if err != nil || len(serial) == 0 || len(serial) > maxSerial {
		return nil, usage("%q is neither an owner (a peer ID or a name of lf owner list) nor a CID nor a serial number in hexadecimal", text.Clip(which))
	}
	return []string{string(serial)}, nil
}
