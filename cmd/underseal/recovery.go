package main

import "github.com/spf13/cobra"

func newRecoveryCommand(_ *app) *cobra.Command {
	return noun("recovery", "Bring back a colleague, by several officers together", "Bring back a colleague, by several officers together.")
}

func recoveryRules() []rule { return nil }
