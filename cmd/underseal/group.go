package main

import "github.com/spf13/cobra"

func newGroupCommand(_ *app) *cobra.Command {
	return noun("group", "Groups of people who are granted things together", "Groups of people who are granted things together.")
}

func groupRules() []rule { return nil }
