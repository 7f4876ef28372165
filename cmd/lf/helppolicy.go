package main

import "github.com/spf13/cobra"

// policyTopic is a page of help, not a command: lf help policy.
func policyTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "policy",
		Short: "Whose claim is the answer, and how you choose",
		Long:  policyPage(),
	}
}

func policyPage() string {
	return `A name belongs to nobody: anybody can write under it. Where several owners do, each has a claim, and the reader's policy
ranks the claims: --policy LIST. All claims stay, so another reader may choose another policy.

` + policyHelp() + `

Which policy for what:
  you know the owner         none: ask for --owner, and what others write changes nothing
  strangers, a public name   weight: an impostor must do more work than everybody does meanwhile
  a company, a community     certified: its CA says who may write (lf network new --ca, lf owner authorize)
  nodes that you trust       oracles: they say who came first (lf oracle add)
  your own node's memory     local: nobody can change it, and other nodes need not agree
  friends                    newest: the last one wins

What a question says (--policy) counts first, then lf node --policy, then the file trust.json in the node's home.

  lf get horse                             # by the node's policy
  lf get horse --explain                   # every claim, and why the first one won
  lf get horse --owner 12D3KooW…           # that owner's claim
  lf get horse --policy newest             # another policy for this question
  lf node --policy certified,weight        # for all who do not choose

docs/trust.md has an example of each, and tells what each does not defend against.`
}
