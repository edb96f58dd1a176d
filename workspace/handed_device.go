package workspace

import (
	"bytes"
	"context"

	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// handedDevice is the caller's user key, sealed to a device for whose entry this
// device has made the rest. Whoever has that device's secret and the store has the
// user key, and nobody can remove a device that the log does not have: a kit that
// was given up, or a pairing after the words were compared.
type handedDevice struct {
	_          struct{} `cbor:",toarray"`
	Generation uint64   // of the user key
	Record     []byte
	Acceptance []byte
}

func (d handedDevice) equal(x handedDevice) bool {
	return d.Generation == x.Generation && bytes.Equal(d.Record, x.Record) && bytes.Equal(d.Acceptance, x.Acceptance)
}

// deviceOf notes the device that a plan brings in.
func (w *Workspace) deviceOf(p *plan.Plan) (h handedWire) {
	for _, op := range p.Operations {
		if o, ok := op.(*officer.DeviceAdded); ok && o.Member == w.me.Member() {
			h.Devices = append(h.Devices, handedDevice{Generation: w.Me().UserKey().Generation, Record: o.Device, Acceptance: o.Acceptance})
		}
	}
	return h
}

// deviceStanding is loose for a device that has the present user key and is not in
// the log. Whatever removed it from there has replaced the key.
func (w *Workspace) deviceStanding(d handedDevice) standing {
	m := w.Me()
	if m == nil || m.UserKey().Generation < d.Generation {
		return ahead
	}
	record, err := officer.ParseDeviceRecord(d.Record)
	switch {
	case err != nil, m.KeyClosed, m.UserKey().Generation > d.Generation, w.state.Device(record.ID()) != nil:
		return settled
	case w.pairingWith(record.ID()):
		return ahead
	default:
		return loose
	}
}

// pairingWith tells whether a pairing that goes on will put the device into the log.
func (w *Workspace) pairingWith(id officer.DeviceID) bool {
	p, err := w.Pairing()
	if err != nil {
		return false
	}
	defer p.Close()
	if len(p.s.Answer) == 0 || !w.now().Before(p.Expires()) {
		return false
	}
	a, err := p.answer()
	return err == nil && a.Device == id
}

// refuseDevice replaces the user key that a device has, and every key that it
// reaches.
func (w *Workspace) refuseDevice(ctx context.Context, d handedDevice) error {
	record, err := officer.ParseDeviceRecord(d.Record)
	if err != nil {
		return err
	}
	err = w.commit(ctx, func(a plan.Author) (*plan.Plan, error) {
		if err := w.requireMe(); err != nil {
			return nil, err
		}
		if w.deviceStanding(d) != loose {
			return nil, nil
		}
		user, err := w.keys.user(ctx, d.Generation)
		if err != nil {
			return nil, err
		}
		return a.RefuseDevice(record, d.Acceptance, user, w.held(ctx))
	})
	if err == nil {
		w.keys.relist()
	}
	return err
}
