package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/api"
	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

func (c *cli) ownerStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [OWNER]",
		Short: "Show which certificates an owner has on the network",
		Long: `Show which certificates of the network's CAs an owner has (default: the default owner): until when they are valid, whether they were
revoked, and which CA they come from. OWNER is a peer ID, or a name of lf owner list. The certificates are checked here. A node could
hide one, or a revocation.

The exit code is 3 when the owner has none that is valid now.`,
		Example: `  lf owner status
  lf owner status 12D3KooWC5y8... --json`,
		Args:              between(0, 1, "at most one OWNER"),
		ValidArgsFunction: c.completeOwners,
		RunE:              func(cmd *cobra.Command, args []string) error { return c.ownerStatus(cmd.Context(), args) },
	}
}

func (c *cli) ownerStatus(ctx context.Context, args []string) error {
	s, err := c.connect(ctx, reading)
	if err != nil {
		return err
	}
	defer s.close()
	owner, err := s.ownerNamed(args)
	if err != nil {
		return err
	}
	list, err := s.certificates(ctx, owner)
	if err != nil {
		return err
	}
	if err := c.printCertificates(owner, list); err != nil {
		return err
	}
	for _, certificate := range list {
		if certificate.Usable {
			return nil
		}
	}
	return notFound("owner %s has no certificate that is valid now on network %q", owner, s.network.Params().Name)
}

// ownerNamed reads a peer ID or a name; none is the default owner.
func (s *session) ownerNamed(args []string) (protocol.Owner, error) {
	if len(args) == 1 {
		if owner, err := protocol.ParseOwner(args[0]); err == nil {
			return owner, nil
		}
	}
	ring, err := s.keys()
	if err != nil {
		return protocol.Owner{}, err
	}
	k, err := chosenOwner(ring, args)
	if errors.Is(err, fs.ErrNotExist) {
		err = usage("%q is neither a peer ID (12D3KooW…) nor a name of lf owner list", args[0])
	}
	return k.Owner, err
}

// chosenOwner is the one named, else the default; unlike for signing, none is made.
func chosenOwner(ring *home.Keyring, args []string) (home.Key, error) {
	if len(args) == 1 {
		return ring.Get(args[0])
	}
	names, err := ring.Names()
	if err != nil {
		return home.Key{}, err
	}
	if len(names) == 0 {
		return home.Key{}, notFound("no owners yet: lf set makes one on first use, lf owner new makes one now")
	}
	k, _, err := ring.Default()
	return k, err
}

// certificate is one of an owner's certificates as the node tells of it, with its chain as its
// record has it.
type certificate struct {
	api.CertificateInfo
	chain *protocol.Chain
}

// certificates asks the node for an owner's certificates, and reads each out of its record.
func (s *session) certificates(ctx context.Context, owner protocol.Owner) ([]certificate, error) {
	info, err := s.node().Owner(ctx, owner)
	if err != nil {
		return nil, err
	}
	list := make([]certificate, len(info.Certificates))
	for i, c := range info.Certificates {
		list[i].CertificateInfo = c
		_, r, err := s.record(ctx, c.Record)
		if err != nil {
			return nil, err
		}
		if list[i].chain, err = s.checkCertificate(&c, r, owner); err != nil {
			return nil, fmt.Errorf("the node at %s answered falsely, do not trust it: certificate %s: %w", s.address, c.Record, err)
		}
	}
	return list, nil
}

func (s *session) checkCertificate(c *api.CertificateInfo, r *protocol.Record, owner protocol.Owner) (*protocol.Chain, error) {
	if r.Type != protocol.TypeCertificate {
		return nil, fmt.Errorf("it is a %s", r.Type)
	}
	chain, err := protocol.ParseChain(r.ValueBytes())
	switch {
	case err != nil:
		return nil, err
	case chain.Owner() != owner:
		return nil, fmt.Errorf("it is that of owner %s", chain.Owner())
	case chain.Authority(s.network.Authorities()) == nil:
		return nil, errors.New("no CA of the network issued it")
	case hex.EncodeToString(chain.Serial()) != c.Serial:
		return nil, fmt.Errorf("its serial number is %x", chain.Serial())
	}
	return chain, nil
}

func (c *cli) printCertificates(owner protocol.Owner, list []certificate) error {
	if c.json {
		info := api.OwnerInfo{Owner: owner, Certificates: make([]api.CertificateInfo, len(list))}
		for i := range list {
			info.Certificates[i] = list[i].CertificateInfo
		}
		return c.printJSON(info)
	}
	for i := range list {
		if i > 0 {
			if err := c.print("\n"); err != nil {
				return err
			}
		}
		if err := c.printFields(list[i].fields()); err != nil {
			return err
		}
	}
	return nil
}

func (c *certificate) fields() []field {
	fields := []field{
		{"certificate", c.Record.String()},
		{"owner", fmt.Sprintf("%s, named %q", c.chain.Owner(), c.chain.Subject())},
		{"CA", c.Authority},
	}
	for _, above := range c.chain.Certificates()[1:] {
		fields = append(fields, field{"through", fmt.Sprintf("%s, %s", above.Subject(), validityText(above.NotBefore(), above.NotAfter()))})
	}
	return append(fields,
		field{"serial", c.Serial},
		field{"validity", validityText(c.NotBefore, c.NotAfter)},
		field{"state", c.state()},
	)
}

func (c *certificate) state() string {
	switch now := clock(); {
	case c.Revoked != nil && c.Revoked.Since > 0:
		return fmt.Sprintf("revoked since %s (%s)", localTime(c.Revoked.Since), c.Revoked.Record)
	case c.Revoked != nil:
		return fmt.Sprintf("revoked from its beginning (%s)", c.Revoked.Record)
	case c.Usable:
		return "valid"
	case now < c.NotBefore:
		return "not valid yet"
	case now > c.NotAfter:
		return "expired"
	}
	return "not valid: a CA above it is not"
}
