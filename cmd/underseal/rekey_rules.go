package main

import (
	"errors"

	"github.com/underseal/underseal/bulk/columns"
)

// errNothingToRekey: no field of the account is protected and the caller's to
// write.
var errNothingToRekey = errors.New("there is no protected field that you may write")

func rekeyRules() []rule {
	return []rule{
		{errNothingToRekey, classInput, "see: underseal field list, underseal org status"},
		{columns.ErrDraft, classRefused, "its row is not known to be its own; open it, and seal it again; --keep-going leaves such cells as they are"},
	}
}
