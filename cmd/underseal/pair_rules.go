package main

import "github.com/underseal/underseal/workspace"

// pairRules are the rules about devices that are paired.
func pairRules() []rule {
	const other = "somebody else has seen the code: begin again with underseal device pair, where nobody looks on"
	return []rule{
		{workspace.ErrPairingCode, classInput, "type it as it is shown, 32 letters and digits; a wrong one is always found"},
		{workspace.ErrNoPairing, classInput, "begin with underseal device pair on the device that you have, then underseal device join here"},
		{workspace.ErrPairingNothing, classInput, "is it the right store? else the code was used or ended; show another: underseal device pair"},
		{workspace.ErrPairingExpired, classInput, "show another: underseal device pair; if it has just been made, compare the clocks of both devices"},
		{workspace.ErrPairingEnded, classInput, "show another code: underseal device pair"},
		{workspace.ErrPairingTwice, classRefused, other},
		{workspace.ErrPairingAltered, classRefused, other},
		{workspace.ErrPairingWords, classRefused, "do not go on: somebody sits between the devices; look for strangers in underseal device list"},
	}
}
