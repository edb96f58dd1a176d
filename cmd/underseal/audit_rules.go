package main

import "github.com/underseal/underseal/workspace"

func auditRules() []rule {
	return []rule{
		{errNothingSuch, classInput, "see: underseal log show, underseal member list, underseal field list"},
		{errHeadText, classInput, "give what underseal org head prints on the colleague's device, from its first sign to its last"},
		{errHeadFork, classRefused, "do not write to the store; you both run: underseal org evidence --out FILE"},
		{errHeadForeign, classRefused, "compare the fingerprint as well: underseal org show"},
		{errNoEvidence, classInput, "what this device is shown now: underseal org evidence --now --out FILE"},
		{workspace.ErrEvidence, classRefused, "it was altered, cut short, or is another file; ask for it again"},
	}
}
