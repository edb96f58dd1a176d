package main

import "github.com/spf13/cobra"

func newAccessCommand(_ *app) *cobra.Command {
	return noun("access", "Who can open what", "Who can open what.")
}

func accessRules() []rule { return nil }
