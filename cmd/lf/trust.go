package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lf-store/lf"
	"github.com/lf-store/lf/protocol"
)

// nobody is what --oracle says to count no objections at all.
const nobody = "none"

// policyHelp says what the criteria of a policy are.
func policyHelp() string {
	var b strings.Builder
	b.WriteString("LIST is criteria with commas between. The first one that tells two claims apart decides. A claim is better if\n")
	for _, criterion := range protocol.Criteria() {
		fmt.Fprintf(&b, "  %-9s  %s\n", criterion, criterion.Help())
	}
	fmt.Fprintf(&b, `Trusted CAs are the network's, and those that a query names (lf get --ca). Elected oracles are those of lf oracle add;
a query may name others (lf get --oracle). Nodes that hold the same records give the same answer under every policy
without local. The default policy is %s.`, protocol.DefaultPolicy())
	return b.String()
}

// trusting holds the flags with which readers say whom they trust. What is not given is the node's
// to say.
type trusting struct {
	policy      string
	oracles     []string
	authorities []string
}

func (c *cli) addTrusting(cmd *cobra.Command, t *trusting) {
	f := cmd.Flags()
	f.StringVar(&t.policy, "policy", "", "rank the claims of several owners by this LIST of criteria (default: the node's)")
	f.StringArrayVar(&t.oracles, "oracle", nil, "count this oracle's objections, a peer ID (repeatable; none: nobody's; default: the node's, see lf oracle list)")
	f.StringArrayVar(&t.authorities, "ca", nil, "trust the CAs in this FILE too, certificates in PEM (repeatable)")
	mustRegister(cmd, "policy", completePolicy)
	mustRegister(cmd, "oracle", c.completeOracles)
	mustComplete(cmd.MarkFlagFilename("ca", "pem", "crt"))
}

// parsePolicy reads a list of criteria; none is nil.
func parsePolicy(list string) (protocol.Policy, error) {
	if list == "" {
		return nil, nil
	}
	p, err := protocol.ParsePolicy(strings.ReplaceAll(list, " ", ""))
	if err != nil {
		return nil, usage("--policy %q: %v", list, err)
	}
	return p, nil
}

// options are what the flags say of a question.
func (t *trusting) options() (options []lf.ReadOption, err error) {
	if _, err := parsePolicy(t.policy); err != nil {
		return nil, err
	}
	if t.policy != "" {
		options = append(options, lf.Policy(t.policy))
	}
	if len(t.oracles) > 0 {
		if slices.Contains(t.oracles, nobody) && len(t.oracles) > 1 {
			return nil, usage("--oracle %s stands alone: it counts nobody's objections, so leave out the others", nobody)
		}
		for _, text := range t.oracles {
			if _, err := parseOracle(text); err != nil && text != nobody {
				return nil, usage("--oracle %q %v", text, err)
			}
		}
		options = append(options, lf.Oracles(slices.DeleteFunc(slices.Clone(t.oracles), func(text string) bool { return text == nobody })...))
	}
	authorities, err := readAuthorities(t.authorities)
	return append(options, lf.Authorities(authorities...)), err
}

var (
	errNoPeerID   = errors.New("is not a peer ID (12D3KooW…): an oracle is a node, whose lf status names it")
	errSmallOrder = errors.New("is nobody's key: anybody can sign for it")
)

func parseOracle(text string) (protocol.Owner, error) {
	oracle, err := protocol.ParseOwner(text)
	if err == nil && oracle.SmallOrder() {
		return oracle, errSmallOrder
	}
	if err != nil {
		return oracle, errNoPeerID
	}
	return oracle, nil
}
