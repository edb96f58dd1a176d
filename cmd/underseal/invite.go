package main

import "github.com/spf13/cobra"

func newInviteCommand(_ *app) *cobra.Command {
	return noun("invite", "Let people in by a line that they paste", "Let people in by a line that they paste.")
}

func inviteRules() []rule { return nil }
