package main

import "github.com/spf13/cobra"

func newPolicyCommand(_ *app) *cobra.Command {
	return noun("policy", "What your organization's officers have decided", "What your organization's officers have decided.")
}

func policyRules() []rule { return nil }
