package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
			return r.within(cmd.Context(), func(ctx context.Context) error { return c.revoke(ctx, &r, args[0], args[1], since) })
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
	if err == nil && timeOf(since).After(now) {
		err = usage("--since %q is still to come: a certificate is revoked at once, and --since only lets stand what is older", r.since)
	}
	return since, err
}

func (c *cli) revoke(ctx context.Context, r *revokeFlags, caFile, which string, since uint64) error {
	ca, err := readAuthority(caFile)
	if err != nil {
		return err
	}
	s, err := c.connect(ctx, writing)
	if err != nil {
		return err
	}
	defer s.close()
	ca.signer = ca.signer.Under(s.network.Authorities())
	serials, err := s.serials(ctx, ca, which)
	if err != nil {
		return err
	}
	list := make([]protocol.Revoked, len(serials))
	for i, serial := range serials {
		list[i] = protocol.Revoked{Serial: serial, Since: since}
		c.note("revoke the certificate with serial %s", hex.EncodeToString([]byte(serial)))
	}
	value, err := ca.signer.Revoke(list, time.Now())
	if err != nil {
		return err
	}
	// Records in its past stand if they are older than --since. With more links, fewer records fall
	// without need.
	return c.publish(ctx, s, ca, statement{kind: protocol.TypeRevocation, value: value, links: protocol.MaxLinks}, r.threads)
}

// serials finds which certificates of a CA are meant.
func (s *session) serials(ctx context.Context, ca *authority, which string) ([]string, error) {
	if owner, err := protocol.ParseOwner(which); err == nil {
		return s.serialsOf(ctx, ca, owner)
	}
	if id, err := protocol.ParseID(which); err == nil {
		serial, err := s.serialIn(ctx, ca, id)
		return []string{serial}, err
	}
	key, err := s.home.Owners().Get(which)
	if err == nil {
		return s.serialsOf(ctx, ca, key.Owner)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	serial, err := hex.DecodeString(strings.ReplaceAll(which, ":", ""))
	serial = []byte(strings.TrimLeft(string(serial), "\x00"))
	if err != nil || len(serial) == 0 || len(serial) > maxSerial {
		return nil, usage("%q is neither an owner (a peer ID or a name of lf owner list) nor a CID nor a serial number in hexadecimal", clip(which))
	}
	return []string{string(serial)}, nil
}

// serialsOf asks the node for an owner's certificates and returns those that this CA issued and
// that still count.
func (s *session) serialsOf(ctx context.Context, ca *authority, owner protocol.Owner) (serials []string, err error) {
	certificates, err := s.certificates(ctx, owner)
	if err != nil {
		return nil, err
	}
	fallen := false
	for _, c := range certificates {
		switch {
		case !s.issued(ca, c.chain):
		case c.Revoked != nil && c.Revoked.Since == 0:
			fallen = true
		default:
			serials = append(serials, string(c.chain.Serial()))
		}
	}
	switch {
	case len(serials) > 0:
		return serials, nil
	case fallen:
		return nil, notFound("every certificate that %q issued to %s is revoked already", ca.key.Name, owner)
	}
	return nil, notFound("%q issued no certificate to %s that the node knows (if the network does not know the CA, revoke by CID or serial number)", ca.key.Name, owner)
}

func (s *session) serialIn(ctx context.Context, ca *authority, id protocol.ID) (string, error) {
	_, r, err := s.record(ctx, id)
	if err != nil {
		return "", err
	}
	if r.Type != protocol.TypeCertificate {
		return "", fmt.Errorf("record %s is a %s, no certificate (lf owner status shows an owner's certificates)", id, r.Type)
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	if err != nil {
		return "", fmt.Errorf("record %s: %w", id, err)
	}
	if !s.issued(ca, chain) {
		return "", fmt.Errorf("the certificate in %s was issued by %q, not by %q: only who issued it can revoke it", id, chain.Certificates()[0].Issuer(), ca.key.Name)
	}
	return string(chain.Serial()), nil
}

// issued tells whether a CA itself issued the owner's certificate that a chain begins with.
func (s *session) issued(ca *authority, chain *protocol.Chain) bool {
	among := s.network.Authorities()
	if own, err := protocol.ParseAuthority(ca.signer.Certificate().DER()); err == nil {
		among = append([]*protocol.Authority{own}, among...)
	}
	top := chain.Authority(among)
	return top != nil && ca.signer.Issued(chain.Issues(top)[0])
}
