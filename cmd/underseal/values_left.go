package main

import (
	"context"
	"slices"
	"time"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/workspace"
)

// jsonValuesLeft is what stays under the keys that a removal replaces or closes,
// until it is sealed again.
type jsonValuesLeft struct {
	Values int64 `json:"values_left"` // in the connected Clio account, as counted last
	// Uncounted are fields of which nobody has counted the values on this device;
	// those in files cannot be counted at all.
	Uncounted int `json:"uncounted_fields"`
	read      time.Time
}

// valuesLeft counts by what was seen last, and asks nobody: who removes a thief
// does not wait for Clio. A look that cannot be read is as good as none.
func (a *app) valuesLeft(ctx context.Context, w *workspace.Workspace, r workspace.Renewal) (left jsonValuesLeft) {
	counted := map[string]*fieldEpochs{}
	if home, err := a.home(); err == nil {
		if l, err := loadLook(homeDir(home), a.me.Keys(), ""); err == nil && l != nil {
			signed, _ := protectedAt(ctx, w, l.Account)
			for id, p := range signed {
				counted[p.ID.String()] = l.epochsOf(id)
			}
		}
	}
	for _, id := range slices.Concat(r.Rotated, r.Closed) {
		if x := w.State().Resource(id); x == nil || x.Kind != wire.KindField || x.Ended {
			continue
		}
		at := counted[id.String()]
		if at == nil {
			left.Uncounted++
			continue
		}
		for _, e := range at.Epochs {
			left.Values += e.Values
		}
		if left.read.IsZero() || at.Read.Before(left.read) {
			left.read = at.Read
		}
	}
	return left
}

func (a *app) sayValuesLeft(left jsonValuesLeft) {
	if !left.read.IsZero() {
		a.say("  values left       %d under the keys of today, as Clio was read %s: underseal org rekey seals them again", left.Values, age(left.read, a.now()))
	}
	if left.Uncounted > 0 {
		a.say("  not counted       the values of %s: underseal org status --read counts those in Clio, nobody those in files", count(int64(left.Uncounted), "field", "fields"))
	}
}
