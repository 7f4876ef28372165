package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf/node/home"
	"github.com/lf-store/lf/protocol"
)

// authority is a CA as its file has it: the signer of certificates, and the key that signs the
// records which carry them.
type authority struct {
	signer *protocol.Signer
	key    home.Key
}

func readAuthority(name string) (*authority, error) {
	text, err := readPEM("CA", name)
	if err != nil {
		return nil, err
	}
	signer, err := protocol.ParseSignerPEM(text)
	if err != nil {
		return nil, fmt.Errorf("CA: %s: %w", name, err)
	}
	a := &authority{signer: signer}
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "PRIVATE KEY" {
			continue
		}
		if a.key.Secret, err = protocol.ParseKeyPEM(pem.EncodeToMemory(block)); err != nil {
			return nil, fmt.Errorf("CA: %s: %w", name, err)
		}
	}
	a.key.Name, a.key.Owner = signer.Certificate().Subject(), protocol.OwnerOf(a.key.Secret)
	return a, nil
}

// authorizeFlags are the flags of owner authorize.
type authorizeFlags struct {
	authoring
	days         int
	intermediate bool
	out          string
}

func (c *cli) ownerAuthorizeCommand() *cobra.Command {
	var a authorizeFlags
	cmd := &cobra.Command{
		Use:   "authorize CAFILE CSRFILE|-",
		Short: "Certify an owner with a CA's key, and publish the certificate",
		Long: `Make a certificate of a request (lf owner csr) and publish it as a record, signed with the CA's key. The record's CID is printed.
From then on the owner's records link the certificate by themselves, wherever the owner writes.

CAFILE has the CA's secret key and its certificate, as lf network new --ca writes it. The file of an intermediate CA also has the
certificates above it. Make sure that the request is from whom it says: the CA vouches for the name in it.

--intermediate makes the certificate of a CA below this one, for another holder. It publishes nothing, and writes the chain that
the holder appends to the file of the key.`,
		Example: `  lf owner authorize team.ca.pem alice.csr --days 365
  lf owner authorize team.ca.pem branch.csr --days 730 --intermediate -o branch.chain.pem
  (lf owner export branch; cat branch.chain.pem) > branch.ca.pem    # the branch's holder, who then authorizes with it`,
		Args: between(2, 2, "a CAFILE and a CSRFILE (- for standard input)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.check(); err != nil {
				return err
			}
			if a.days < 1 || a.days > 36500 {
				return usage("--days must be 1 to 36500, not %d", a.days)
			}
			return c.authorize(cmd.Context(), &a, args[0], args[1])
		},
	}
	f := cmd.Flags()
	f.IntVar(&a.days, "days", 365, "how many days the certificate is valid, from now on")
	f.BoolVar(&a.intermediate, "intermediate", false, "make the certificate of a CA, and write its chain instead of publishing")
	f.StringVarP(&a.out, "output", "o", "", "write the chain of certificates, in PEM, to this new file (with --intermediate by default to standard output)")
	a.addWorking(cmd)
	return cmd
}

func (c *cli) authorize(ctx context.Context, a *authorizeFlags, caFile, requestFile string) error {
	if a.out != "" && a.out != "-" {
		if err := checkNew(a.out); err != nil {
			return err
		}
	}
	ca, err := readAuthority(caFile)
	if err != nil {
		return err
	}
	request, err := c.readRequest(requestFile)
	if err != nil {
		return err
	}
	from := time.Now().Truncate(time.Second)
	until := from.AddDate(0, 0, a.days)
	last := timeOf(ca.signer.Certificate().NotAfter())
	switch first := timeOf(ca.signer.Certificate().NotBefore()); {
	case last.Before(from):
		return fmt.Errorf("the CA %q expired on %s: it can certify nobody any more", ca.key.Name, last.Local().Format(time.DateOnly))
	case from.Before(first):
		return fmt.Errorf("the CA %q is valid from %s on: until then it certifies nobody (is this computer's clock right?)", ca.key.Name,
			first.Local().Format(time.DateTime))
	case until.After(last):
		return fmt.Errorf("the CA %q is valid until %s, %d days from now: choose no more --days than that", ca.key.Name,
			last.Local().Format(time.DateOnly), max(0, int(last.Sub(from).Hours()/24)))
	}
	if a.intermediate {
		chain, err := ca.signer.Certify(request, from, until, true, rand.Reader)
		if err != nil {
			return err
		}
		return c.writeChain(chain, a.out)
	}
	return a.within(ctx, func(ctx context.Context) error {
		s, err := c.connect(ctx, writing)
		if err != nil {
			return err
		}
		defer s.close()
		value, err := ca.signer.Under(s.network.Authorities()).Certify(request, from, until, false, rand.Reader)
		if err != nil {
			return err
		}
		if err := c.announce(s.network, value); err != nil {
			return err
		}
		if a.out != "" {
			if err := c.writeChain(value, a.out); err != nil {
				return err
			}
		}
		return c.publish(ctx, s, ca, statement{kind: protocol.TypeCertificate, value: value}, a.threads)
	})
}

func (c *cli) readRequest(name string) (*x509.CertificateRequest, error) {
	var text []byte
	var err error
	if name == "-" {
		text, err = readAtMost(c.stdin, maxCAFile)
	} else {
		text, err = readPEM("request", name)
	}
	if err != nil {
		return nil, err
	}
	request, err := protocol.ParseRequestPEM(text)
	if err != nil {
		return nil, fmt.Errorf("request: %s: %w", name, err)
	}
	return request, nil
}

// announce tells whom a chain certifies, before the work for it.
func (c *cli) announce(n *protocol.Network, value []byte) error {
	chain, err := protocol.ParseChain(value)
	if err != nil {
		return err
	}
	own := chain.Certificates()[0]
	c.note("certify owner %s, named %q, until %s, serial %s", chain.Owner(), chain.Subject(), localTime(own.NotAfter()), hex.EncodeToString(chain.Serial()))
	if chain.Authority(n.Authorities()) != nil {
		return nil
	}
	if n.Params().AuthRequired {
		return fmt.Errorf("network %q takes certificates of its own CAs only, and this CA is none of them (lf network show lists them)", n.Params().Name)
	}
	c.note("network %q does not know this CA: the certificate counts for readers who name the CA (lf get --ca)", n.Params().Name)
	return nil
}

// publish makes a record in the CA's name and prints its CID.
func (c *cli) publish(ctx context.Context, s *session, ca *authority, say statement, threads int) error {
	done, err := (&author{session: s, key: ca.key}).write(ctx, say, threads)
	if err != nil {
		return err
	}
	return c.printSubmitted(done)
}

// writeChain writes certificates, which follow one another in DER, as PEM.
func (c *cli) writeChain(value []byte, out string) error {
	certificates, err := x509.ParseCertificates(value)
	if err != nil {
		return fmt.Errorf("the chain that was made: %w", err)
	}
	ders := make([][]byte, len(certificates))
	for i, certificate := range certificates {
		ders[i] = certificate.Raw
	}
	if len(ders) == 0 {
		return errors.New("the chain that was made is empty")
	}
	return c.writeOut(out, protocol.MarshalCertificatesPEM(ders...), 0o644)
}
