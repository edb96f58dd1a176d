package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// foundingFile holds what an interrupted founding needs to be completed; it is
// empty as soon as the directory is made.
const foundingFile = "organization.founding"

// founding is CBOR[version, genesis entry, opening of the organization's
// name], whose salt is nowhere else until the directory has it.
type founding struct {
	_       struct{} `cbor:",toarray"`
	Version uint64
	Genesis []byte
	Name    officer.Opening
}

const foundingParts = 3

func (w *Workspace) saveFounding(f founding) error {
	return w.local.Save(foundingFile, wire.MustMarshal(f))
}

// loadFounding returns the founding of the pinned organization, if this device
// has begun it and not completed it.
func (w *Workspace) loadFounding() (f founding, ok bool, err error) {
	b, err := w.local.Load(foundingFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(b) == 0:
		return f, false, nil
	case err != nil:
		return f, false, err
	}
	if err := wire.CheckVersion(b, "founding", foundingParts); err != nil {
		return f, false, fmt.Errorf("%w: %w", ErrLocal, err)
	}
	if err := wire.Unmarshal(b, &f, 2*wire.MaxCard+wire.MaxText); err != nil {
		return f, false, fmt.Errorf("%s: %w: %w", foundingFile, ErrLocal, err)
	}
	// One of another organization is left over from a founding that came to
	// nothing before it was pinned.
	return f, officer.OrganizationOf(f.Genesis) == w.pin.Organization, nil
}

// finishFounding appends the genesis entry if it did not get into the store.
func (w *Workspace) finishFounding(ctx context.Context) error {
	f, ok, err := w.loadFounding()
	if err != nil || !ok {
		return err
	}
	got, err := w.store.Read(ctx, 0, 1)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	if len(got) != 0 {
		return nil // Sync holds it to the pin
	}
	return w.append(ctx, 0, f.Genesis)
}

// makeDirectory is the organization's second entry. Without it nobody's name
// and no label could be sealed.
func (w *Workspace) makeDirectory(ctx context.Context) error {
	f, ok, err := w.loadFounding()
	if err != nil {
		return err
	}
	if ok && f.Name.Commitment() != w.state.Name() {
		return fmt.Errorf("organization name: %w", officer.ErrOpening)
	}
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if w.state.Directory() != nil {
			return nil, nil
		}
		label, err := keyring.NewOpening(officer.TextLabel, "directory")
		if err != nil {
			return nil, err
		}
		p, key, err := a.CreateResource(wire.KindDirectory, officer.Binding{Connector: "underseal"}, label, w.me.Member(), nil)
		if err != nil {
			return nil, err
		}
		openings := []officer.Opening{w.me.Card().Name, w.me.Card().Email, w.me.DeviceLabel()}
		if ok {
			openings = append([]officer.Opening{f.Name}, openings...)
		}
		return p, p.AddOpenings(key, openings...)
	})
	if err != nil || !ok {
		return err
	}
	return w.local.Save(foundingFile, nil)
}
