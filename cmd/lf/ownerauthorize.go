package main

import (
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/internal/text"
	"github.com/lf-store/lf/protocol"
)

func readCA(name string) (*lf.CA, error) {
	text, err := readPEM("CA", name)
	if err != nil {
		return nil, err
	}
	ca, err := lf.ParseCA(text)
	if err != nil {
		return nil, fmt.Errorf("CA: %s: %w", name, err)
	}
	return ca, nil
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
	ca, err := readCA(caFile)
	if err != nil {
		return err
	}
	request, err := c.readRequest(requestFile)
	if err != nil {
		return err
	}
	until := time.Now().Truncate(time.Second).AddDate(0, 0, a.days)
	if a.intermediate {
		chain, err := ca.CertifyCA(request, until)
		if err != nil {
			return choose(err)
		}
		return c.writeChain(chain, a.out)
	}
	if _, err := ca.Certify(request, until, nil); err != nil {
		return choose(err) // before a node is asked
	}
	return c.publish(ctx, &a.authoring, "", func(ctx context.Context, client *lf.Client, options lf.BulkOption) error {
		chain, err := ca.Certify(request, until, client.Network())
		if err != nil {
			return err
		}
		if err := c.announce(client.Network(), chain); err != nil {
			return err
		}
		if a.out != "" {
			if err := c.writeChain(chain, a.out); err != nil {
				return err
			}
		}
		_, err = client.PublishCertificate(ctx, ca, chain, options)
		return err
	})
}

// choose says by which flag a certificate gets a time that its CA can certify for.
func choose(err error) error {
	var period *lf.PeriodError
	if errors.As(err, &period) && period.Until.After(period.Last) && !period.Last.Before(period.From) && !period.From.Before(period.NotBefore) {
		return fmt.Errorf("%w: choose no more --days than that", err)
	}
	return err
}

func (c *cli) readRequest(name string) (text []byte, err error) {
	if name == "-" {
		text, err = readAtMost(c.stdin, maxCAFile)
	} else {
		text, err = readPEM("request", name)
	}
	if err != nil {
		return nil, err
	}
	if _, err := protocol.ParseRequestPEM(text); err != nil {
		return nil, fmt.Errorf("request: %s: %w", name, err)
	}
	return text, nil
}

// announce tells whom a chain certifies, before the work for it.
func (c *cli) announce(n *protocol.Network, value []byte) error {
	chain, err := protocol.ParseChain(value)
	if err != nil {
		return err
	}
	own := chain.Certificates()[0]
	c.note("certify owner %s, named %q, until %s, serial %s", chain.Owner(), chain.Subject(), text.LocalTime(own.NotAfter()), hex.EncodeToString(chain.Serial()))
	if chain.Authority(n.Authorities()) == nil && !n.Params().AuthRequired {
		c.note("network %q does not know this CA: the certificate counts for readers who name the CA (lf get --ca)", n.Params().Name)
	}
	return nil
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
