package workspace

import (
	"context"
	"errors"
	"fmt"

	"github.com/underseal/underseal/internal/secret"
	"github.com/underseal/underseal/internal/wire"
	"github.com/underseal/underseal/keyring"
	"github.com/underseal/underseal/officer"
	"github.com/underseal/underseal/officer/plan"
)

// pairingJoinedFile is what the new device remembers until it has an identity,
// sealed for itself.
const pairingJoinedFile = "pairing.joined"

// pairingJoined is CBOR[version, code, offer, answer, label, nonce, confirmed].
type pairingJoined struct {
	_         struct{} `cbor:",toarray"`
	Version   uint64
	Code      [pairingCodeSize]byte
	Offer     []byte // as they are in the mailbox
	Answer    []byte
	Label     []byte // opening of this device's label, padded
	Nonce     []byte // once it was revealed
	Confirmed uint64 // 1: the person has found the words to be the same
}

const pairingJoinedParts = 7

// Joining is the side of the new device. Like Pairing it does not wait, and goes
// on where a program has ended.
type Joining struct {
	w     *Workspace // on the organization, with nothing kept
	local Local
	code  PairingCode
	offer pairingOffer
	old   officer.DeviceID
	s     pairingJoined
	d     *keyring.Device // after NewDevice
	label officer.Opening
}

// JoinPairing finds what the old device has left under a code, and verifies the
// log from genesis against the organization and the head in it. Nothing is
// changed anywhere. c needs no identity; its Local is the new device's home.
func JoinPairing(ctx context.Context, c Config, code PairingCode) (*Joining, error) {
	l, err := code.letters(ctx, c.Store)
	switch {
	case err != nil:
		return nil, err
	case len(l.offers) == 0:
		return nil, ErrPairingNothing
	case len(l.offers) > 1 || len(l.answers) > 0:
		return nil, ErrPairingTwice
	}
	j := &Joining{local: c.Local, code: PairingCode{code.s.Clone()}, s: pairingJoined{Version: wire.Version, Offer: l.offers[0]}}
	copy(j.s.Code[:], code.s.Expose())
	if err := j.verify(ctx, c); err != nil {
		j.Close()
		return nil, err
	}
	if !j.w.now().Before(timeOf(j.offer.Expires)) {
		j.Close()
		return nil, ErrPairingExpired
	}
	return j, nil
}

// PairingJoined tells whether a home has a pairing that this device joined and
// has not finished.
func PairingJoined(l Local) bool {
	b, err := l.Load(pairingJoinedFile)
	return err == nil && len(b) > 0
}

// ResumePairing goes on with a pairing that was joined, with the secret of the
// new device, or returns ErrNoPairing.
func ResumePairing(ctx context.Context, c Config, s *secret.Bytes) (*Joining, error) {
	j := &Joining{local: c.Local}
	anyLabel, err := keyring.NewDevice(s, officer.DeviceInstallation, officer.Hash{})
	if err != nil {
		return nil, err
	}
	err = loadPairing(c.Local, anyLabel, pairingJoinedFile, pairingJoinedParts, &j.s)
	anyLabel.Destroy()
	if err != nil {
		return nil, err
	}
	j.code = PairingCode{secret.New(j.s.Code[:])}
	if err := j.resume(ctx, c, s); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

func (j *Joining) resume(ctx context.Context, c Config, s *secret.Bytes) error {
	a := pairingAnswer{}
	if err := decodePairing(j.code.open(wire.LabelPairingAnswer, j.s.Answer), "pairing answer", pairingAnswerParts, &a); err != nil {
		return fmt.Errorf("%s: %w", pairingJoinedFile, ErrLocal)
	}
	record, err := officer.ParseDeviceRecord(a.Record)
	if err == nil {
		j.label, err = officer.DecodeOpening(j.s.Label, record.Label)
	}
	if err == nil {
		j.d, err = keyring.NewDevice(s, officer.DeviceInstallation, record.Label)
	}
	if err != nil || j.d.ID() != record.ID() {
		return fmt.Errorf("%s: %w", pairingJoinedFile, ErrLocal)
	}
	if err := j.verify(ctx, c); err != nil {
		return err
	}
	if j.added() {
		return nil
	}
	return j.put(ctx) // again, where an attempt stopped
}

// verify reads the offer and verifies the log from genesis: the organization is
// the one that the code vouches for, and its history has the head that the old
// device has seen (attack 12).
func (j *Joining) verify(ctx context.Context, c Config) (err error) {
	var d officer.DeviceRecord
	if j.offer, d, err = parseOffer(j.code.open(wire.LabelPairingOffer, j.s.Offer)); err != nil {
		return err
	}
	me := j.d
	if me == nil { // who is asking is not known yet
		s := keyring.GenerateSecret()
		defer s.Destroy()
		if me, err = keyring.NewDevice(s, officer.DeviceInstallation, officer.Hash{}); err != nil {
			return err
		}
	}
	c.Local, c.Identity = discard{}, keyring.Written(me, officer.CardFile{})
	w := newWorkspace(c)
	w.keys = &keys{w: w}
	w.pin = Pin{Organization: j.offer.Organization, Location: c.Store.Info().Location, Head: j.offer.head()}
	j.w = w // which Close clears
	if err := w.Sync(ctx); err != nil {
		return err
	}
	j.old = d.ID()
	if old := w.state.Device(j.old); old == nil || old.Member != j.offer.Member {
		return fmt.Errorf("%w: not a device of that member", ErrPairingAltered)
	}
	return j.ended()
}

// ended tells that the old device cannot add this one any more.
func (j *Joining) ended() error {
	if j.w.state.Device(j.old).Removed && !j.added() {
		return fmt.Errorf("%w: it was removed", ErrPairingEnded)
	}
	return nil
}

// added tells whether the log has this device.
func (j *Joining) added() bool {
	if j.d == nil {
		return false
	}
	d := j.w.state.Device(j.d.ID())
	return d != nil && d.Member == j.offer.Member
}

// Uses tells whether the pairing is the one of a code.
func (j *Joining) Uses(code PairingCode) bool { return j.code.s.Equal(code.s) }

// Organization is whose device this becomes: the id that the code vouches for.
func (j *Joining) Organization() officer.OrganizationID { return j.offer.Organization }

// Member is the member whose device this becomes.
func (j *Joining) Member() officer.MemberID { return j.offer.Member }

// NewDevice makes this device. The caller keeps the secret, which it destroys,
// before Answer lets anybody know of the device: one whose secret is lost
// cannot arise.
func (j *Joining) NewDevice(label string) (*secret.Bytes, officer.DeviceID, error) {
	opening, err := keyring.NewOpening(officer.TextDevice, label)
	if err != nil {
		return nil, officer.DeviceID{}, fmt.Errorf("device label: %w", err)
	}
	s := keyring.GenerateSecret()
	d, err := keyring.NewDevice(s, officer.DeviceInstallation, opening.Commitment())
	if err == nil {
		record := d.Record()
		j.s.Answer, err = j.code.seal(wire.LabelPairingAnswer, pairingAnswer{
			Version: wire.Version, Offer: messageHash(j.s.Offer), Record: record.Encode(), Label: opening.Encode(),
			Acceptance: plan.Acceptance(j.offer.Organization, j.offer.Member, d),
		})
	}
	if err != nil {
		s.Destroy()
		return nil, officer.DeviceID{}, err
	}
	j.d, j.label, j.s.Label = d, opening, opening.Encode()
	j.w.me.Lock()
	j.w.me = keyring.Written(d, officer.CardFile{})
	return s, d.ID(), nil
}

// Answer tells the old device of this one.
func (j *Joining) Answer(ctx context.Context) error {
	if err := j.save(); err != nil { // before anybody can add it
		return err
	}
	return j.put(ctx)
}

func (j *Joining) save() error { return savePairing(j.local, j.d, pairingJoinedFile, j.s) }

func (j *Joining) put(ctx context.Context) error {
	if err := j.w.store.PutMail(ctx, j.code.box(), j.s.Answer); err != nil {
		return fmt.Errorf("leave a message: %w", err)
	}
	return nil
}

// Words are what the person compares with the old device's; false while that
// has not taken the answer. ErrPairingTwice says that somebody else answered
// too, or showed the code.
func (j *Joining) Words(ctx context.Context) (PairingWords, bool, error) {
	if err := j.look(ctx); err != nil || len(j.s.Nonce) == 0 {
		return PairingWords{}, false, err
	}
	return pairingWords(j.offer, j.d.Record().Encode(), [32]byte(j.s.Nonce)), true, nil
}

// look reads log and mailbox.
func (j *Joining) look(ctx context.Context) error {
	if err := j.w.Sync(ctx); err != nil {
		return err
	}
	if d := j.w.state.Device(j.d.ID()); d != nil && d.Removed {
		return ErrRemoved
	}
	if err := j.ended(); err != nil || len(j.s.Nonce) != 0 && j.added() {
		return err
	}
	l, err := j.code.letters(ctx, j.w.store)
	if err != nil {
		return err
	}
	offered := false
	for _, m := range l.offers {
		if string(m) != string(j.s.Offer) {
			return ErrPairingTwice
		}
		offered = true
	}
	for _, m := range l.answers {
		if string(m) != string(j.s.Answer) {
			return ErrPairingTwice
		}
	}
	for _, m := range l.reveals {
		if nonce, ok := readReveal(j.code.open(wire.LabelPairingReveal, m), j.s.Answer, j.offer.Nonce); ok && len(j.s.Nonce) == 0 {
			j.s.Nonce = nonce[:]
			if err := j.save(); err != nil {
				return err
			}
		}
	}
	if offered && j.w.now().Before(timeOf(j.offer.Expires)) {
		return nil
	}
	// The offer goes when the pairing ends: well or not, the log says.
	if err := j.w.Sync(ctx); err != nil || j.added() {
		return err
	}
	if offered {
		return ErrPairingExpired
	}
	return ErrPairingEnded
}

// Confirm says that the person found these words on the old device. Other words
// are ErrPairingWords, and the pairing is not gone on with.
func (j *Joining) Confirm(ctx context.Context, words PairingWords) error {
	switch own, ok, err := j.Words(ctx); {
	case err != nil:
		return err
	case !ok:
		return ErrPairingNothing
	case own != words:
		return errors.Join(ErrPairingWords, j.End())
	}
	j.s.Confirmed = 1
	return j.save()
}

// End forgets the pairing here. The old device has its own end of it.
func (j *Joining) End() error { return j.local.Save(pairingJoinedFile, nil) }

// Confirmed tells whether the person has compared the words.
func (j *Joining) Confirmed() bool { return j.s.Confirmed == 1 }

// Identity is this device's, once the old one has added it; nil until then. The
// caller keeps it, and unlocks it for Finish.
func (j *Joining) Identity(ctx context.Context) (*keyring.Identity, error) {
	if !j.Confirmed() {
		return nil, ErrPairingWords
	}
	if err := j.look(ctx); err != nil || !j.added() {
		return nil, err
	}
	w := j.w
	card, err := w.cardOf(ctx, w.state.Member(j.offer.Member))
	if err != nil {
		return nil, err
	}
	w.me = keyring.Written(j.d, officer.CardFile{Card: card})
	w.keys = newKeys(w)
	file, first, err := w.openCard(ctx, card)
	if err != nil {
		return nil, err
	}
	w.me = keyring.Written(j.d, file)
	return keyring.PairedInstallation(file, first, j.d, j.label)
}

// Finish pins the organization in the home of c, whose identity is this
// device's, and clears what the pairing has left. A user key that an officer has
// closed is replaced.
func (j *Joining) Finish(ctx context.Context, c Config) (*Workspace, error) {
	if c.Identity.Device() != j.d.ID() {
		return nil, keyring.ErrMismatch
	}
	w, err := settle(ctx, c, j.w)
	if err != nil {
		return nil, err
	}
	if err := w.RenewUserKey(ctx); err != nil {
		return nil, err
	}
	l, err := j.code.letters(ctx, w.store)
	if err != nil {
		return nil, err
	}
	if err := j.code.sweep(ctx, w.store, l.offers, l.answers, l.reveals); err != nil {
		return nil, err
	}
	return w, c.Local.Save(pairingJoinedFile, nil)
}

// Close clears the keys and the code.
func (j *Joining) Close() {
	if j.w != nil {
		if j.w.me.Card().Card != nil { // else no key was ever opened
			j.w.Close()
		}
		j.w.me.Lock()
	}
	j.code.Destroy()
	clear(j.s.Code[:])
	clear(j.s.Nonce)
}
